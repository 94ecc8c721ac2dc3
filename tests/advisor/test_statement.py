"""The statement: a winner only where both others are clearly behind, and one sentence that says so."""

from __future__ import annotations

import numpy as np
import pytest
from made_curves import by_hand

from headstart.advisor.curves import Curve
from headstart.advisor.statement import sentence, statement

GOOD, FAIR, POOR = (by_hand(*[(error, 0.0, -1.0)] * 100) for error in (0.1, 0.2, 0.3))
UNSURE = by_hand(*[(0.1, 0.0, -1.0), (0.3, 0.0, -1.0)] * 50)
NEARING = by_hand(*[(0.0, 0.2 * rows / 1600, -1.0) for rows in [5000] * 10 + [10**6] * 90])
FALLING = by_hand(*[(0.0, 0.2 * rows / 1600, -1.0) for rows in np.geomspace(400, 800, 100)])


@pytest.mark.parametrize(
    ("pretrained", "scratch", "baseline", "kind"),
    [
        (GOOD, FAIR, POOR, "pretrained"),
        (FAIR, GOOD, POOR, "scratch"),
        (POOR, FAIR, GOOD, "baseline"),
        (FAIR, UNSURE, POOR, "undecided"),
        (FAIR, POOR, UNSURE, "undecided"),
        (POOR, FAIR, FAIR, "undecided"),
    ],
    ids=["pretrained", "scratch", "baseline", "scratch may be better", "baseline may be", "the two others are equal"],
)
def test_the_best_is_clearly_ahead_of_both_others(
    pretrained: Curve, scratch: Curve, baseline: Curve, kind: str
) -> None:
    assert statement(pretrained, scratch, baseline).kind == kind


AHEAD_OF_BASELINE = (
    "the pretrained model is ahead of the baseline at every size measured and not overtaken within reach"
)
END = "beyond about 6,400 rows nothing can be told."
SAID = {
    "ahead": (
        (GOOD, POOR, FAIR),
        "With 1,600 rows the pretrained model is best; to match it, training from scratch needs more than 4 times the "
        "rows; the pretrained model is ahead of training from scratch at every size measured and not overtaken within "
        f"reach; {AHEAD_OF_BASELINE}; {END}",
    ),
    "crosses": (
        (FAIR, FALLING, POOR),
        "With 1,600 rows training from scratch is best; the pretrained model is ahead of training from scratch with "
        "few rows and behind with many; they cross at about 570 (90 % interval 410 to 770); "
        f"{AHEAD_OF_BASELINE}; {END}",
    ),
    "open": (
        (FAIR, NEARING, POOR),
        "With 1,600 rows the pretrained model is best; to match it, training from scratch needs more than 4 times the "
        "rows (90 % interval 3.1 to more than 4); the pretrained model is ahead of training from scratch up to about "
        f"4,900 rows; where it is overtaken, if anywhere, is not within reach; {AHEAD_OF_BASELINE}; {END}",
    ),
    "level and past": (
        (FAIR, UNSURE, GOOD),
        "With 1,600 rows no way to learn is clearly best; the pretrained model and training from scratch cannot be "
        "told apart (score −0.100 at 1,600, 90 % interval −0.100 to +0.100); the baseline is ahead of the pretrained "
        f"model at every size measured; their crossing, if there was one, is past; {END}",
    ),
}


@pytest.mark.parametrize(("three", "expected"), SAID.values(), ids=SAID.keys())
def test_the_sentence_says_what_is_known_and_no_more(three: tuple[Curve, Curve, Curve], expected: str) -> None:
    assert sentence(statement(*three)) == expected
