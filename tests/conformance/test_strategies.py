"""Every strategy found keeps the contract on text and on images, and faulty ones are caught."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import strategy_checks

import families
from headstart import plug
from headstart.settings import Recipe
from headstart.strategies import frozen, full, top

EXTRA = {"lora"}
"""Strategies that need a package of their own; `tests/extras` has them."""


@pytest.mark.parametrize("check", strategy_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("model", strategy_checks.MODELS)
@pytest.mark.parametrize("name", sorted(set(plug.names("strategies")) - EXTRA))
def test_the_strategy_keeps_the_contract(
    name: str, model: str, check: strategy_checks.Check, family: families.Family
) -> None:
    check(strategy_checks.bench(plug.load("strategies", name), model, family))


class Restless(SimpleNamespace):
    """Trains everything at first and says later that it had frozen the stem."""

    asked = 0

    def apply(self, backbone: Any, settings: Any) -> int:
        """Another boundary each time."""
        self.asked += 1
        return 1 if self.asked % 2 else 0

    def stages(self, backbone: Any, settings: Any) -> tuple[int, ...]:
        """What it trains."""
        return (0,)


def boundary(number: int) -> Any:
    """A strategy that always draws the same line."""
    planted = {"apply": lambda backbone, settings: number, "stages": lambda backbone, settings: (number,)}
    return SimpleNamespace(**{**vars(top), **planted})


FAULTS: dict[str, tuple[Any, strategy_checks.Check]] = {
    "boundary below the stem": (boundary(-1), strategy_checks.boundary_lies_within_the_stack),
    "boundary above the head": (boundary(9), strategy_checks.boundary_lies_within_the_stack),
    "stages that go up": (
        SimpleNamespace(**{**vars(top), "stages": lambda backbone, settings: (0, 1)}),
        strategy_checks.stages_end_at_the_boundary_and_never_rise,
    ),
    "no epochs": (
        SimpleNamespace(**{**vars(frozen), "recipe": lambda settings, task: Recipe(epochs=0, lr=1e-3, patience=1)}),
        strategy_checks.recipe_is_sane,
    ),
    "no validation rows to choose by": (
        SimpleNamespace(**{**vars(full), "needs_validation": lambda settings, task, num_rows: False}),
        strategy_checks.asks_for_validation_rows_where_blocks_move,
    ),
    "unused settings that matter": (
        SimpleNamespace(**{**vars(full), "unused": lambda settings, task: frozenset({"weight_decay"})}),
        strategy_checks.settings_said_to_be_unused_change_nothing,
    ),
    "no word on unused settings": (
        SimpleNamespace(**{name: value for name, value in vars(full).items() if name != "unused"}),
        strategy_checks.has_every_name_of_the_protocol,
    ),
    "a stem said to be frozen that moves": (
        Restless(**{**vars(full), "apply": None}),
        strategy_checks.nothing_below_the_boundary_moves,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_strategy_is_caught_by_its_check(fault: str, family: families.Family) -> None:
    strategy, check = FAULTS[fault]
    if isinstance(strategy, Restless):
        del strategy.apply

    with pytest.raises(AssertionError):
        check(strategy_checks.bench(strategy, "bert", family))


@pytest.mark.parametrize("number", [1, 2])
def test_a_third_party_runs_all_checks_in_one_call(number: int, family: families.Family) -> None:
    strategy_checks.check_strategy(boundary(number), family)
