"""Where each strategy draws the line, and what it asks for; that the line holds is the conformance suite's business."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headstart.errors import MismatchError, SettingError
from headstart.settings import FitSettings
from headstart.strategies import frozen, full, gradual, top
from headstart.tasks import text_classification


def backbone(num_blocks: int) -> Any:
    """Something with so many blocks."""
    return SimpleNamespace(blocks=[object()] * num_blocks, ref="tfhub:x")


@pytest.mark.parametrize(("num_blocks", "boundary"), [(0, 1), (2, 3), (12, 13)])
def test_frozen_moves_nothing_but_the_head(num_blocks: int, boundary: int) -> None:
    assert frozen.apply(backbone(num_blocks), FitSettings()) == boundary


def test_full_moves_everything() -> None:
    assert full.apply(backbone(6), FitSettings()) == 0


def test_full_refuses_what_cannot_be_trained_and_says_what_can() -> None:
    with pytest.raises(MismatchError, match=r'"tfhub:x" has no blocks that can be trained\. Use --strategy frozen'):
        full.apply(backbone(0), FitSettings())


@pytest.mark.parametrize(("asked", "expected"), [(1, 6), (2, 5), (6, 1)])
def test_top_moves_the_last_blocks(asked: int, expected: int) -> None:
    assert top.apply(backbone(6), FitSettings(top=asked)) == expected


def test_top_refuses_more_blocks_than_there_are() -> None:
    with pytest.raises(SettingError, match=r'--top 7: "tfhub:x" has 6 blocks\. Give 1 to 6'):
        top.apply(backbone(6), FitSettings(top=7))


@pytest.mark.parametrize(
    ("strategy", "head", "needs"), [(frozen, "linear", False), (frozen, "mlp", True), (full, "linear", True)]
)
def test_validation_rows_are_asked_for_only_where_something_is_chosen_by_them(
    strategy: Any, head: str, needs: bool
) -> None:
    assert strategy.needs_validation(FitSettings(head=head), text_classification, 10**6) is needs


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, (7, 4, 0)), (1, (7, 6, 5, 4, 3, 2, 0)), (4, (7, 3, 0)), (6, (7, 0))],
    ids=["by halves", "block by block", "four at a time", "head first, then all"],
)
def test_gradual_goes_down_in_stages(asked: int | None, expected: tuple[int, ...]) -> None:
    assert gradual.stages(backbone(6), FitSettings(unfreeze=asked)) == expected


def test_gradual_cannot_add_more_blocks_than_there_are() -> None:
    with pytest.raises(SettingError, match="Give 1 to 6"):
        gradual.stages(backbone(6), FitSettings(unfreeze=7))
