"""Counting the blocks of a backbone from the top, for the strategies that train some of them; no plug-in."""

from __future__ import annotations

from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError


def count(backbone: Backbone) -> int:
    """How many blocks there are to train.

    Raises:
        MismatchError: None.
    """
    num_blocks = len(backbone.blocks)
    if not num_blocks:
        raise MismatchError(f'"{backbone.ref}" has no blocks that can be trained. Use --strategy frozen.')
    return num_blocks


def below_the_last(asked: int | None, backbone: Backbone, *, default: int | None = None) -> int:
    """The boundary below so many blocks, counted from the highest.

    Args:
        asked: How many, if somebody said.
        backbone: Whose blocks are meant.
        default: How many otherwise, or all where there are fewer; None for all.

    Raises:
        MismatchError: The backbone has no blocks, so it cannot be trained.
        SettingError: It has fewer blocks than were asked for.
    """
    num_blocks = count(backbone)
    if asked is None:
        return num_blocks + 1 - (num_blocks if default is None else min(default, num_blocks))
    if asked > num_blocks:
        raise SettingError(f'--top {asked}: "{backbone.ref}" has {num_blocks} blocks. Give 1 to {num_blocks}.')
    return num_blocks + 1 - asked
