"""What the learning curves of a pretrained model, of fresh weights and of a baseline say together.

Values, and one sentence made from them; it names a winner only where the curves do, and says where they say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headstart.advisor.crossing import Crossing, Multiplier, crossing, multiplier
from headstart.advisor.curves import Curve

Best = Literal["pretrained", "scratch", "baseline", "undecided"]
NAMES: Mapping[str, str] = {
    "pretrained": "the pretrained model",
    "scratch": "training from scratch",
    "baseline": "the baseline",
}


@dataclass(frozen=True)
class Statement:
    """How three ways to learn stand to one another.

    Args:
        kind: Which of them is clearly ahead of both others at `rows`, or "undecided".
        rows: The most at which all were measured.
        scratch: The pretrained model (ours) against fresh weights (theirs).
        baseline: The pretrained model (ours) against the baseline (theirs).
        worth: How many times the rows fresh weights need for what the pretrained model reaches with `rows`.
    """

    kind: Best
    rows: int
    scratch: Crossing
    baseline: Crossing
    worth: Multiplier


def statement(pretrained: Curve, scratch: Curve, baseline: Curve) -> Statement:
    """What three curves from one call of `curves.fit` say."""
    to_scratch, to_baseline = crossing(pretrained, scratch), crossing(pretrained, baseline)
    kind: Best = "undecided"
    if to_scratch.now == to_baseline.now == "ours":
        kind = "pretrained"
    elif to_scratch.now == "theirs" and crossing(scratch, baseline).now == "ours":
        kind = "scratch"
    elif to_baseline.now == "theirs" and crossing(scratch, baseline).now == "theirs":
        kind = "baseline"
    rows = min(to_scratch.measured[1], to_baseline.measured[1])
    return Statement(kind, rows, to_scratch, to_baseline, multiplier(pretrained, scratch, rows))


def sentence(said: Statement) -> str:
    """The statement in one English sentence; numbers of rows that were not measured are rounded to two digits."""
    best = "no way to learn is clearly best" if said.kind == "undecided" else f"{NAMES[said.kind]} is best"
    worth = f"; to match it, {NAMES['scratch']} needs {_times(said.worth)}" if said.kind == "pretrained" else ""
    against = (
        clause(stands, NAMES["pretrained"], NAMES[name])
        for name, stands in (("scratch", said.scratch), ("baseline", said.baseline))
    )
    reach = f"beyond about {_rows(min(said.scratch.reach, said.baseline.reach))} rows nothing can be told"
    return f"With {said.rows:,} rows {best}{worth}; {'; '.join(against)}; {reach}."


def clause(stands: Crossing, ours: str, theirs: str) -> str:
    """How two curves stand to each other, in words that can go on in a sentence."""
    leader, other = (theirs, ours) if stands.leader == "theirs" else (ours, theirs)
    ahead = f"{leader} is ahead of {other}"
    match stands.kind:
        case "level":
            return f"{ours} and {theirs} cannot be told apart ({_gap(stands)})"
        case "ahead":
            return f"{ahead} {_since(stands)} and not overtaken within reach"
        case "past":
            return f"{ahead} {_since(stands)}; their crossing, if there was one, is past"
        case "open":
            up_to = f"up to about {_rows(stands.low)} rows"
            return f"{ahead} {up_to}; where it is overtaken, if anywhere, is not within reach"
        case "crosses":
            carried = "" if (stands.high or 0) <= stands.measured[1] else ", in part beyond what was measured"
            between = f"90 % interval {_rows(stands.low)} to {_rows(stands.high)}{carried}"
            return f"{ahead} with few rows and behind with many; they cross at about {_rows(stands.rows)} ({between})"


def _gap(stands: Crossing) -> str:
    """The difference, whatever it is worth; a score is one minus an error, so this is ours less theirs."""
    gap = stands.gap
    told = f"score {gap.value:+.3f} at {stands.measured[1]:,}, 90 % interval {gap.low:+.3f} to {gap.high:+.3f}"
    return told.replace("-", "−")


def _since(stands: Crossing) -> str:
    if stands.since is None or round(stands.since) <= stands.measured[0]:
        return "at every size measured"
    return f"from about {_rows(stands.since)} rows on"


def _rows(count: float | None) -> str:
    """Rows with two digits, as more are not known: "1,300"."""
    return "" if count is None else f"{int(float(f'{count:.1e}')):,}"


def _times(worth: Multiplier) -> str:
    """ "about 3.1 times the rows (90 % interval 2.2 to more than 4)"."""
    times, most = worth.times, f"more than {worth.most:.2g}"
    if times.low >= worth.most:
        return f"{most} times the rows"
    value = most if times.value >= worth.most else f"about {times.value:.2g}"
    high = most if times.high >= worth.most else f"{times.high:.2g}"
    return f"{value} times the rows (90 % interval {times.low:.2g} to {high})"
