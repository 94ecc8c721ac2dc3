"""`--freeze` in plain words, turned into a strategy and a number of blocks once the model is known; no plug-in.

Where the boundary lies is still the strategy's own word: `apply` gives it.
"""

from __future__ import annotations

import dataclasses
import difflib

from headstart import stack
from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError
from headstart.settings import FitSettings

ALL, NONE, EMBEDDINGS = "all", "none", "embeddings"
DEFAULT = FitSettings().strategy


def settled(settings: FitSettings, backbone: Backbone) -> FitSettings:
    """The settings with what `freeze` asks for as a strategy and, where some blocks are trained, their number.

    Raises:
        MismatchError: The backbone has nothing that could be trained.
        SettingError: There is no such part, or the strategy or `top` that was given says something else.
    """
    if settings.freeze is None:
        return settings
    num_blocks = len(backbone.blocks)
    boundary = _boundary(settings.freeze, backbone, num_blocks)
    if not num_blocks and boundary == 0:
        raise MismatchError(f'"{backbone.ref}" has no blocks that can be trained. Give --freeze all.')
    if boundary == 0:
        return _agreed(settings, ("full", "scratch"), None)
    if boundary > num_blocks:
        return _agreed(settings, ("frozen",), None)
    return _agreed(settings, ("top", "lora"), num_blocks + 1 - boundary)


def said(settings: FitSettings) -> str:
    """What `freeze` came to, as a sentence."""
    number = "" if settings.top is None else f" --top {settings.top}"
    return f"--freeze {settings.freeze} comes to --strategy {settings.strategy}{number} with this model."


def _agreed(settings: FitSettings, strategies: tuple[str, ...], top: int | None) -> FitSettings:
    """The settings with the first of these strategies, or with the one given where it is among them."""
    asked = settings.strategy
    # the default cannot be told from the same given on purpose
    chosen = strategies[0] if asked == DEFAULT else asked
    if chosen not in strategies:
        raise SettingError(
            f"--freeze {settings.freeze} goes with --strategy {' or '.join(strategies)}, not with {asked}. "
            f"Leave one of the two out."
        )
    if settings.top is not None and settings.top != top:
        meant = "no --top" if top is None else f"--top {top}"
        raise SettingError(
            f"--freeze {settings.freeze} comes to {meant} with this model, not to --top {settings.top}. "
            f"Leave one of the two out."
        )
    return dataclasses.replace(settings, strategy=chosen, top=top)


def _boundary(asked: str, backbone: Backbone, num_blocks: int) -> int:
    """How far up it freezes, counted as a strategy counts; see the contract."""
    if asked in (NONE, ALL):
        return 0 if asked == NONE else num_blocks + 1
    if asked.isdecimal():
        if int(asked) > num_blocks:
            raise SettingError(f'--freeze {asked}: "{backbone.ref}" has {num_blocks} blocks. Give 0 to {num_blocks}.')
        return 1 + int(asked)
    if not num_blocks:
        raise MismatchError(f'"{backbone.ref}" has no parts that can be frozen one by one. Give --freeze all.')
    return 1 if asked == EMBEDDINGS else _above(asked, backbone, num_blocks)


def _above(name: str, backbone: Backbone, num_blocks: int) -> int:
    """The boundary above everything that a part of the model, or a parameter, has in it."""
    height = {**stack.depths(backbone.module), **stack.depths(stack.base_of(backbone.module))}
    inside = [depth for parameter, depth in height.items() if f"{parameter}.".startswith(f"{name}.")]
    if not inside:
        raise _unknown(name, height, num_blocks)
    return min(max(inside), num_blocks) + 1


def _unknown(name: str, parameters: dict[str, int], num_blocks: int) -> SettingError:
    """That there is no such part, with the closest that there is."""
    pieces = [parameter.split(".") for parameter in parameters]
    parts = sorted({".".join(steps[:length]) for steps in pieces for length in range(1, len(steps) + 1)})
    close = difflib.get_close_matches(name, [ALL, NONE, EMBEDDINGS, *parts], n=1)
    guess = f' Did you mean "{close[0]}"?' if close else ""
    return SettingError(
        f'--freeze "{name}" is no part of the model.{guess} Give none, all, embeddings, 0 to {num_blocks} blocks, '
        f"or a name such as {_example(parameters, num_blocks)}."
    )


def _example(parameters: dict[str, int], num_blocks: int) -> str:
    """The name of something in the middle of the stack."""
    middle = [name for name, depth in parameters.items() if depth == (num_blocks + 1) // 2]
    return min(middle, key=len).rpartition(".")[0]
