"""What follows from the figures: which way to go, and the sentences that say so. Every number in them is a figure's."""

# N rows

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headstart.advisor import outlook
from headstart.advisor.arms import TOLERANCE
from headstart.advisor.outlook import Foresee, Outlook
from headstart.advisor.race import Standing, chance_over
from headstart.spoken import metric

Kind = Literal["pretrained", "scratch", "baseline", "no-signal", "not-enough-data", "not-enough-time"]
BLIND = (
    "majority class",
    "commonest labels",
    "no answer to anything",
    "the most frequent boxes",
    "one transcript for all",
    "the commonest class",
)
"""The baselines that look at nothing; some tasks have none, for there nothing is found by it."""
NARROW = 0.05
"""A gain that one need not look for: where a larger one is possible, rows are too few to say that there is none."""
CHANCE = 0.05
"""How probably guessing may look like a signal, over all ways together and to either side."""


@dataclass(frozen=True)
class Verdict:
    """What is advised: the kind, the arm to take, None where none can be told from guessing, and the sentence."""

    kind: Kind
    taken: Standing | None
    sentence: str
    why: Mapping[str, str] = field(default_factory=dict)
    """For each arm that was not taken, why."""
    expected: Outlook | None = None
    """What a fit of the arm that is taken will reach."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON types."""
        taken = None if self.taken is None else self.taken.to_json()
        expected = None if self.expected is None else dataclasses.asdict(self.expected)
        told = {"kind": self.kind, "sentence": self.sentence, "taken": taken, "expected": expected}
        return {**told, "why_not": dict(self.why)}


def of(
    standings: Sequence[Standing],
    *,
    primary: str,
    seed: int,
    most_ms: float | None = None,
    foresee: Foresee = outlook.of,
) -> Verdict:
    """The verdict on how the arms stand.

    Args:
        standings: All arms, the baselines among them, judged on the same rows.
        primary: The metric's name.
        seed: Of the bootstraps.
        most_ms: Milliseconds that one answer may take, in 19 of 20 cases.
        foresee: From an arm to what its fit will reach.
    """
    primary = metric(primary)
    blind = next((one for one in standings if one.arm.name in BLIND), None)
    able = [one for one in standings if one is not blind and not _is_slow(one, most_ms)]
    if not _of_kind(standings, "pretrained", "scratch"):
        return _no_model(able, primary)
    best = max(able, key=lambda one: one.value)
    # the best of several is ahead of guessing by chance more often than one alone would be
    if _is_like_guessing(best, blind, len(able), seed):
        return _nothing_told(best, blind, len(able), primary, seed)
    taken = cheapest(able)
    kind = _kind(taken, able if blind is None else [blind, *able], seed)
    expected = foresee(taken)
    told = f"{_opening(kind, taken, able, standings)}; expect {primary} {_foretold(expected, taken)}"
    told += _against(taken, able, seed) + _slower(standings, taken, primary, most_ms)
    why = {one.arm.name: _why_not(one, taken, primary, seed, most_ms) for one in standings if one is not taken}
    return Verdict(kind, taken, f"{told}.", why, expected)


def _is_like_guessing(best: Standing, blind: Standing | None, num_ways: int, seed: int) -> bool:
    """Whether the best way may be no better than one that looks at nothing, or than finding nothing."""
    if blind is None:
        return best.interval[0] <= 0
    return chance_over(blind.hits, best.hits, seed=seed, figure=best.figure) >= CHANCE / 2 / num_ways


def _of_kind(standings: Sequence[Standing], *kinds: str) -> list[Standing]:
    return [one for one in standings if one.arm.kind in kinds]


def _is_slow(one: Standing, most_ms: float | None) -> bool:
    return most_ms is not None and one.answering is not None and one.answering["p95_ms"] > most_ms


def cheapest(able: Sequence[Standing]) -> Standing:
    """The cheapest arm of those within the tolerance of the best.

    A baseline is cheaper than a model, a frozen model than one that is trained, few blocks than many.
    """
    best = max(able, key=lambda one: one.value)
    close = [one for one in able if one.value >= best.value - TOLERANCE]
    return min(close, key=lambda one: (one.arm.kind != "baseline", one.arm.blocks, one.arm.is_moving, -one.value))


def _kind(taken: Standing, able: Sequence[Standing], seed: int) -> Kind:
    """What the arm that is taken says about pretraining, if these rows can say it."""
    if taken.arm.kind == "pretrained":
        others = _of_kind(able, "scratch", "baseline")
        rival = max(others, key=lambda one: one.value)
        if taken.gain_over(rival, seed=seed)["low"] > 0:
            return "pretrained"
        is_level = rival.arm.kind == "scratch" and rival.value >= taken.value - TOLERANCE
        return "scratch" if is_level and not _may_gain(taken, rival, seed) else "not-enough-data"
    pretrained = max(_of_kind(able, "pretrained"), key=lambda one: one.value, default=None)
    is_open = pretrained is not None and _may_gain(pretrained, taken, seed)
    return "not-enough-data" if is_open else taken.arm.kind


def _may_gain(ours: Standing, theirs: Standing, seed: int) -> bool:
    """Whether ours may be better by more than one would shrug at, as far as these rows tell."""
    return bool(ours.gain_over(theirs, seed=seed)["high"] > NARROW)


def _no_model(able: Sequence[Standing], primary: str) -> Verdict:
    """There was no time for a single model."""
    best = max(able, key=lambda one: one.value)
    told = f"no model was trained, and {best.arm.name} reaches {primary} {_told(best)}"
    return Verdict("not-enough-time", None, f"Not enough time to tell: {told}. Raise --budget.")


def _nothing_told(best: Standing, blind: Standing | None, num_ways: int, primary: str, seed: int) -> Verdict:
    """No arm is better than guessing, as far as these rows tell."""
    against = "" if blind is None else f", against {blind.value:.3f} for {_told_of(blind)}"
    figures = (
        f"the best of {num_ways} ways, {best.arm.name}, reaches {primary} {_told(best)} on "
        f"{len(best.hits):,} rows it had not seen{against}"
    )
    if blind is None or _may_gain(best, blind, seed):
        return Verdict("not-enough-data", None, f"Not enough data to tell: {figures}. Label more rows.")
    return Verdict("no-signal", None, f"No signal in these labels: {figures}.")


def _told_of(blind: Standing) -> str:
    """What looking at nothing means here."""
    return "always answering the commonest class" if blind.arm.name == "majority class" else blind.arm.name


def _opening(kind: Kind, taken: Standing, able: Sequence[Standing], standings: Sequence[Standing]) -> str:
    """What to do."""
    name = taken.arm.name
    said = {
        "pretrained": f"Use the pretrained model: {name}",
        "baseline": f"The simple baseline is enough: {name}",
        "scratch": f"Pretraining does not help here: {name}",
    }
    opening = said.get(kind, f"Not enough data to tell whether pretraining helps: {name} is ahead")
    if kind == "scratch" and taken.arm.kind == "pretrained":
        opening += " costs least of what is as good"
    if not _of_kind(able, "pretrained"):
        lacks = "answers fast enough" if _of_kind(standings, "pretrained") else "is at hand"
        opening = f"No pretrained model {lacks}: take {name}"
    return opening


def _foretold(expected: Outlook, taken: Standing) -> str:
    """What a fit will reach, and beside it what was reached with fewer rows."""
    told = f"{expected.value:.3f} [{expected.low:.3f}, {expected.high:.3f}]"
    judged = "" if expected.judged is None else f" on the {expected.judged:,} test rows"
    if expected.learns is None:
        return told + judged
    learnt = f"learning from all {expected.learns:,}; from {expected.learnt:,} it reached {expected.reached:.3f}"
    cut_short = "" if taken.is_done else f" in {taken.epochs} of {taken.most} epochs"
    return f"{told}{judged}, {learnt}{cut_short}"


def _against(taken: Standing, able: Sequence[Standing], seed: int) -> str:
    """The best of another kind, on the rows of the race."""
    rival = max((one for one in able if one.arm.kind != taken.arm.kind), key=lambda one: one.value, default=None)
    return "" if rival is None else f", against {rival.value:.3f} for {rival.arm.name}{_gain(taken, rival, seed)}"


def _slower(standings: Sequence[Standing], taken: Standing, primary: str, most_ms: float | None) -> str:
    """What would be better and answers too slowly."""
    slow = [one for one in standings if _is_slow(one, most_ms) and one.value > taken.value + TOLERANCE]
    if not slow:
        return ""
    best = max(slow, key=lambda one: one.value)
    assert best.answering is not None, "what is slow was timed"
    return f"; {best.arm.name} reaches {primary} {best.value:.3f} in {best.answering['p95_ms']:.1f} ms, too slow"


def _told(one: Standing) -> str:
    low, high = one.interval
    return f"{one.value:.3f} [{low:.3f}, {high:.3f}]"


def _gain(ours: Standing, theirs: Standing, seed: int) -> str:
    found = ours.gain_over(theirs, seed=seed)
    return f" (gain {found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}])"


def _why_not(one: Standing, taken: Standing, primary: str, seed: int, most_ms: float | None) -> str:
    """Why an arm lost to the one that is taken."""
    if _is_slow(one, most_ms) and one.answering is not None:
        return f"too slow: {one.answering['p95_ms']:.1f} ms for one answer in 19 of 20 cases"
    if one.value >= taken.value - TOLERANCE:
        return f"{primary} {one.value:.3f}, no better by more than {TOLERANCE}, and dearer"
    chance = chance_over(one.hits, taken.hits, seed=seed, figure=one.figure)
    after = "" if one.is_done else f" after {one.epochs} of {one.most} epochs"
    probability = "below 1%" if chance < 0.01 else f"of {chance:.0%}"
    return f"{primary} {one.value:.3f}{after}; as good with a probability {probability}"


def pareto(standings: Sequence[Standing]) -> list[str]:
    """The arms that no other beats in score, time for an answer and size at once; of those whose cost is known."""
    prices = {one.arm.name: price for one in standings if (price := _price(one)) is not None}
    return [name for name, price in prices.items() if not any(_dominates(other, price) for other in prices.values())]


def _price(one: Standing) -> tuple[float, float, float] | None:
    """Score, speed and smallness; of each, higher is better."""
    if one.answering is None or one.mib is None:
        return None
    return one.value, -one.answering["p50_ms"], -one.mib


def _dominates(other: tuple[float, ...], one: tuple[float, ...]) -> bool:
    return other != one and all(theirs >= ours for theirs, ours in zip(other, one, strict=True))
