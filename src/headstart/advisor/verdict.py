"""What follows from the figures: which way to go, and the sentences that say so. Every number in them is a figure's."""

# N rows

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headstart import score
from headstart.advisor.race import Standing, chance_over, interval

Kind = Literal["pretrained", "scratch", "baseline", "no-signal", "not-enough-data", "not-enough-time"]
BLIND = "majority class"
"""The baseline that looks at nothing."""
TOLERANCE = 0.005
"""So much of the primary metric nobody need pay for: of arms this close the cheapest is taken."""
NARROW = 0.05
"""Half the width of an interval from which "no difference" says something; a wider one means too few rows."""


@dataclass(frozen=True)
class Verdict:
    """What is advised: the kind, the arm to take, None where none can be told from guessing, and the sentence."""

    kind: Kind
    taken: Standing | None
    sentence: str
    why: Mapping[str, str]
    """For each arm that was not taken, why."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON types."""
        taken = None if self.taken is None else self.taken.to_json()
        return {"kind": self.kind, "sentence": self.sentence, "taken": taken, "why_not": dict(self.why)}


def of(standings: Sequence[Standing], *, primary: str, seed: int, most_ms: float | None = None) -> Verdict:
    """The verdict on how the arms stand.

    Args:
        standings: All arms, the blind baseline among them, judged on the same rows.
        primary: The metric's name.
        seed: Of the bootstraps.
        most_ms: Milliseconds that one answer may take, in 19 of 20 cases.
    """
    blind = next(one for one in standings if one.arm.name == BLIND)
    able = [one for one in standings if one is not blind and not _is_slow(one, most_ms)]
    if not able:
        return Verdict("not-enough-data", None, "Nothing that was measured answers fast enough.", {})
    if not any(one.arm.kind == "pretrained" for one in standings):
        return Verdict("not-enough-time", None, "Not enough time to tell: no model was trained. Raise --budget.", {})
    best = max(able, key=lambda one: one.value)
    signal = score.gain(best.hits, blind.hits, seed=seed)
    if signal["low"] <= 0:
        return _nothing_told(best, blind, signal, primary, standings)
    taken = cheapest(able, seed=seed)
    kind = _kind(taken, able, seed)
    told = _sentence(kind, taken, able, primary, seed)
    why = {one.arm.name: _why_not(one, taken, primary, seed, most_ms) for one in standings if one is not taken}
    return Verdict(kind, taken, told, why)


def _is_slow(one: Standing, most_ms: float | None) -> bool:
    return most_ms is not None and one.answering is not None and one.answering["p95_ms"] > most_ms


def cheapest(able: Sequence[Standing], *, seed: int) -> Standing:
    """The cheapest arm of those that are as good as the best: within the tolerance, or above it with some chance.

    A baseline is cheaper than a model, a frozen model than one that is trained, few blocks than many.
    """
    best = max(able, key=lambda one: one.value)
    close = [one for one in able if one.value >= best.value - TOLERANCE]
    return min(close, key=lambda one: (one.arm.kind != "baseline", one.arm.blocks, one.arm.is_moving, -one.value))


def _kind(taken: Standing, able: Sequence[Standing], seed: int) -> Kind:
    """What the arm that is taken says about pretraining, if its lead is more than chance."""
    if taken.arm.kind != "pretrained":
        return taken.arm.kind
    others = [one for one in able if one.arm.kind != "pretrained"]
    if not others:
        return "pretrained"
    rival = max(others, key=lambda one: one.value)
    lead = score.gain(taken.hits, rival.hits, seed=seed)
    if lead["low"] > 0:
        return "pretrained"
    is_level = lead["value"] <= TOLERANCE and lead["high"] - lead["low"] <= 2 * NARROW
    return "scratch" if rival.arm.kind == "scratch" and is_level else "not-enough-data"


def _nothing_told(
    best: Standing, blind: Standing, signal: Mapping[str, Any], primary: str, standings: Sequence[Standing]
) -> Verdict:
    """No arm is better than guessing, as far as these rows tell."""
    half = (signal["high"] - signal["low"]) / 2
    figures = (
        f"the best of {len(standings) - 1} ways, {best.arm.name}, reaches {primary} {_told(best)} on "
        f"{len(best.hits):,} rows it had not seen, against {blind.value:.3f} for always answering the commonest class"
    )
    if half <= NARROW:
        return Verdict("no-signal", None, f"No signal in these labels: {figures}.", {})
    return Verdict("not-enough-data", None, f"Not enough data to tell: {figures}.", {})


def _sentence(kind: Kind, taken: Standing, able: Sequence[Standing], primary: str, seed: int) -> str:
    expected = f"expect {primary} {_told(taken)}"
    rivals = [one for one in able if one is not taken and (one.arm.kind != taken.arm.kind)]
    rival = max(rivals, key=lambda one: one.value, default=None)
    against = "" if rival is None else f", against {rival.value:.3f} for {rival.arm.name}{_gain(taken, rival, seed)}"
    if kind == "pretrained":
        return f"Use the pretrained model: {taken.arm.name}; {expected}{against}."
    if kind == "baseline":
        return f"The simple baseline is enough: {taken.arm.name}; {expected}{against}."
    if kind == "scratch":
        return f"Pretraining does not help here: {taken.arm.name}; {expected}{against}."
    return f"Not enough data to tell whether pretraining helps: {taken.arm.name} is ahead; {expected}{against}."


def _told(one: Standing) -> str:
    low, high = interval(one.hits)
    return f"{one.value:.3f} [{low:.3f}, {high:.3f}]"


def _gain(ours: Standing, theirs: Standing, seed: int) -> str:
    found = score.gain(ours.hits, theirs.hits, seed=seed)
    return f" (gain {found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}])"


def _why_not(one: Standing, taken: Standing, primary: str, seed: int, most_ms: float | None) -> str:
    """Why an arm lost to the one that is taken."""
    if _is_slow(one, most_ms) and one.answering is not None:
        return f"too slow: {one.answering['p95_ms']:.1f} ms for one answer in 19 of 20 cases"
    if one.value >= taken.value - TOLERANCE:
        return f"no better within {TOLERANCE} and dearer: {primary} {one.value:.3f}"
    chance = chance_over(one.hits, taken.hits, seed=seed)
    after = "" if one.is_done else f" after {one.epochs} of {one.most} epochs"
    return f"{primary} {one.value:.3f}{after}; as good with a probability of {chance:.0%}"


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
