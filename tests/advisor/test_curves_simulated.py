"""What is said of learning curves, held against laws that are known: two hundred measurements of each.

The laws and the seeds took no part in choosing the method or its constants.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from made_curves import Law, crossing_of, draw

from headstart.advisor import curves
from headstart.advisor.crossing import Crossing, crossing
from headstart.advisor.statement import statement

NUM_DRAWS = 200
COPIES = 400
INSIDE = {
    "at 660": (Law(0.12, 0.26, -0.35), Law(0.04, 0.46, -0.75)),
    "at 1,010": (Law(0.20, 0.30, -0.6), Law(0.02, 0.55, -0.55)),
    "at 1,290": (Law(0.05, 0.20, -0.25), Law(0.02, 0.40, -0.6)),
}
FAR = {
    "at 40,000": (Law(0.08, 0.18, -0.4), Law(0.055, 0.455, -0.45)),
    "at 85,000": (Law(0.03, 0.12, -0.3), Law(0.01, 0.40, -0.4)),
    "nowhere": (Law(0.05, 0.15, -0.5), Law(0.10, 0.50, -0.5)),
}
EQUAL = {"usual": Law(0.10, 0.35, -0.5), "slow": Law(0.02, 0.25, -0.3), "fast": Law(0.20, 0.50, -0.9)}
answers = pytest.mark.parametrize("answers", [True, False], ids=["row by row", "by scores"])


def judged(ours: Law, theirs: Law, *, answers: bool, is_right: Callable[[Crossing], bool]) -> float:
    """Of how many draws, as a share, what is said is right."""
    generator = np.random.default_rng(20251123)
    right = 0
    for number in range(NUM_DRAWS):
        relative = (0.02, 0.06)[number % 2]
        found = draw({"ours": ours, "theirs": theirs}, generator, relative=relative, answers=answers)
        fitted = curves.fit(found, seed=number, copies=COPIES)
        right += is_right(crossing(fitted["ours"], fitted["theirs"]))
    return right / NUM_DRAWS


@answers
@pytest.mark.parametrize(("ours", "theirs"), INSIDE.values(), ids=INSIDE.keys())
def test_a_crossing_in_the_measured_range_is_in_its_interval(ours: Law, theirs: Law, answers: bool) -> None:
    truth = crossing_of(ours, theirs)

    def is_covered(said: Crossing) -> bool:
        return said.kind == "crosses" and said.leader == "ours" and said.low <= truth <= said.high

    assert judged(ours, theirs, answers=answers, is_right=is_covered) >= 0.85


@answers
@pytest.mark.parametrize(("ours", "theirs"), FAR.values(), ids=FAR.keys())
def test_a_crossing_ten_times_beyond_is_not_within_reach(ours: Law, theirs: Law, answers: bool) -> None:
    def is_modest(said: Crossing) -> bool:
        return said.leader == "ours" and said.kind in ("ahead", "open")

    assert judged(ours, theirs, answers=answers, is_right=is_modest) >= 0.8


@answers
@pytest.mark.parametrize("law", EQUAL.values(), ids=EQUAL.keys())
def test_equal_curves_have_no_winner(law: Law, answers: bool) -> None:
    assert judged(law, law, answers=answers, is_right=lambda said: said.kind == "level") >= 0.9


def test_three_equal_curves_have_no_winner() -> None:
    generator = np.random.default_rng(7)
    kinds = []
    for number in range(NUM_DRAWS):
        found = draw(dict.fromkeys(("a", "b", "c"), EQUAL["usual"]), generator, relative=0.05, answers=True)
        kinds.append(statement(*curves.fit(found, seed=number, copies=COPIES).values()).kind)

    assert kinds.count("undecided") / NUM_DRAWS >= 0.9


@pytest.mark.parametrize("law", EQUAL.values(), ids=EQUAL.keys())
def test_the_score_at_twice_the_rows_is_in_its_interval(law: Law) -> None:
    generator = np.random.default_rng(8)
    covered = 0
    for number in range(NUM_DRAWS):
        fitted = curves.fit(draw({"one": law}, generator, relative=0.05, answers=True), seed=number, copies=COPIES)
        score = curves.growth(fitted["one"], 2).score
        covered += score.low <= 1 - law(6400) <= score.high

    assert covered / NUM_DRAWS >= 0.85
