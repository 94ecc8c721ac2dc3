"""Where one learning curve overtakes another, told no further than the measurements reach.

The order of two curves at some number of rows is clear where 95 % of their copies agree on it, and not clear elsewhere:
everything said here is read off that.
"""

# R copies, N places

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from headstart.advisor import power_law
from headstart.advisor.curves import LEVEL, REACH, Curve, Estimate, estimates
from headstart.advisor.power_law import Floats

Kind = Literal["ahead", "crosses", "open", "past", "level"]
Side = Literal["ours", "theirs"]
Order = npt.NDArray[np.int64]
Ends = tuple[int | None, int | None, int | None]
SIDES: dict[int, Side | None] = {1: "ours", -1: "theirs", 0: None}
CHANCE = 0.05
"""Curves no further apart than equal ones are so often are not told apart at all."""
PLACES_PER_DOUBLING = 20


@dataclass(frozen=True)
class Crossing:
    """How two curves stand to each other; rows are numbers of rows learnt from.

    The kinds: "ahead", ours is, and is not overtaken before `reach`. "crosses", the order swaps between `low` and
    `high`. "open", `leader` is ahead up to `low` rows; whether and where the order swaps later is not within reach.
    "past", theirs is ahead and ours nowhere clearly is; if it ever was, that is past. "level", no difference can be
    told.

    Args:
        kind: One of these five.
        leader: Who is ahead where the order is first clear; None if "level".
        now: Who is clearly ahead at the most rows measured; None where that is not clear.
        since: The fewest rows at which the leader is clearly ahead; None if "level".
        low: The most rows at which it is, before the order swaps or is no longer clear; only of "crosses" and "open".
        rows: Where the order swaps, the best estimate; None unless "crosses".
        high: The fewest rows at which the other is clearly ahead; None unless "crosses".
        gap: Their error less ours at the most rows measured.
        chance: How often equal curves would lie as far apart.
        measured: The fewest and the most rows at which both were measured.
        reach: Beyond it nothing can be told.
    """

    kind: Kind
    leader: Side | None
    now: Side | None
    since: float | None
    low: float | None
    rows: float | None
    high: float | None
    gap: Estimate
    chance: float
    measured: tuple[int, int]
    reach: int


@dataclass(frozen=True)
class Multiplier:
    """How many times the rows the other way needs for the same error.

    Args:
        rows: That ours learns from.
        times: So many times as many theirs needs; 1 is no difference. An end at `least` or `most` may lie beyond it.
        least: The fewest that theirs was measured with, relative to `rows`.
        most: The most that its curve reaches, relative to `rows`.
    """

    rows: int
    times: Estimate
    least: float
    most: float


def crossing(ours: Curve, theirs: Curve) -> Crossing:
    """How two curves stand to each other and where their order swaps, with a 90 % interval.

    The interval holds every number of rows at which the copies do not clearly agree on the order: the test of equal
    errors there, inverted, as Fieller did for ratios. It stays honest where an interval of the copies' own crossings
    would not, for many copies cross nowhere.

    Args:
        ours: One curve.
        theirs: The other, from the same call of `curves.fit`.
    """
    first = max(float(curve.measured.rows_S[0]) for curve in (ours, theirs))
    last = min(ours.last, theirs.last)
    places_N = _places(first, last)
    is_measured_N = places_N <= last
    gap_RN = power_law.error(theirs.laws, places_N) - power_law.error(ours.laws, places_N)
    chance = _chance(gap_RN[:, is_measured_N])
    # the share of the copies with ours ahead, less the share with theirs: ±0.9 where 95 % agree
    lead_N = np.sign(gap_RN).mean(axis=0)
    is_clear_N = (np.abs(lead_N) >= LEVEL) & (chance <= CHANCE)
    order_N = np.where(is_clear_N, np.sign(lead_N), 0).astype(np.int64)
    kind, leader, ends = _read(order_N, is_measured_N)
    since, low, high = (None if end is None else float(places_N[end]) for end in ends)
    return Crossing(
        kind=kind,
        leader=leader,
        now=SIDES[int(order_N[is_measured_N][-1])],
        since=since,
        low=low,
        rows=float(places_N[_swap(lead_N, ends)]) if kind == "crosses" else None,
        high=high,
        gap=estimates(gap_RN[:, is_measured_N][:, -1:])[0],
        chance=chance,
        measured=(round(first), round(last)),
        reach=round(REACH * last),
    )


def _places(first: float, last: float) -> Floats:
    """Numbers of rows, evenly spaced in their logarithm, as far as curves reach; what was measured ends on one."""
    within = np.geomspace(first, last, round(np.log2(last / first) * PLACES_PER_DOUBLING) + 1)
    beyond = np.geomspace(last, REACH * last, round(np.log2(REACH) * PLACES_PER_DOUBLING) + 1)
    return np.concatenate([within, beyond[1:]])


def _chance(gap_RN: Floats) -> float:
    """How often equal curves have a gap, relative to its noise, as large as the largest in the measured range."""
    middle_N = np.median(gap_RN, axis=0)
    low_N, high_N = np.quantile(gap_RN, [0.16, 0.84], axis=0)
    noise_N = (high_N - low_N) / 2 + 1e-9
    largest_R = np.abs((gap_RN - middle_N) / noise_N).max(axis=1)
    return float((1 + (largest_R >= np.abs(middle_N / noise_N).max()).sum()) / (1 + len(gap_RN)))


def _read(order_N: Order, is_measured_N: npt.NDArray[np.bool_]) -> tuple[Kind, Side | None, Ends]:
    """The kind, the leader, and the places of `since`, `low` and `high`."""
    clear = np.flatnonzero(order_N)
    if not len(clear):
        return "level", None, (None, None, None)
    since, leader = int(clear[0]), int(order_N[clear[0]])
    others = np.flatnonzero(order_N == -leader)
    if len(others):
        return "crosses", SIDES[leader], (since, int(clear[clear < others[0]][-1]), int(others[0]))
    is_to_the_end = clear[-1] == len(order_N) - 1
    if leader < 0 and (is_to_the_end or order_N[is_measured_N][-1] < 0):
        return "past", SIDES[leader], (since, None, None)
    if is_to_the_end:
        return "ahead", SIDES[leader], (since, None, None)
    return "open", SIDES[leader], (since, int(clear[-1]), None)


def _swap(lead_N: Floats, ends: Ends) -> int:
    """The place at which the copies are most evenly split, between the two at which they agree."""
    _, low, high = ends
    assert low is not None
    assert high is not None
    return low + int(np.abs(lead_N[low : high + 1]).argmin())


def multiplier(ours: Curve, theirs: Curve, rows: float | None = None) -> Multiplier:
    """How many times the rows theirs needs for the error that ours has, cut off where its curve tells nothing more.

    Args:
        ours: One curve, such as that of a pretrained model.
        theirs: The other, from the same call of `curves.fit`, such as that of fresh weights.
        rows: That ours learns from; None for the most at which both were measured.

    Source: the effective data transferred of Hernandez et al., arXiv 2102.01293, as a ratio.
    """
    given = min(ours.last, theirs.last) if rows is None else rows
    least, most = float(theirs.measured.rows_S[0]) / given, theirs.reach / given
    needed_R = power_law.rows_for(theirs.laws, power_law.error(ours.laws, np.array([given]))[:, 0])
    times = estimates(np.clip(needed_R / given, least, most)[:, None])[0]
    return Multiplier(round(given), times, least, most)
