"""How much of a budget is left; whoever begins something asks first whether it fits."""

from __future__ import annotations

import math
import time

from headstart.progress import Advance, Event, Foreseen, Listener, Stage


class OutOfTime(Exception):
    """What was begun would take longer than the budget leaves.

    Args:
        needed: Seconds it would take.
        left: Seconds there are.
    """

    def __init__(self, needed: float, left: float) -> None:
        would = f"would take {needed:,.0f} s, and" if needed else "would take more time:"
        super().__init__(f"{would} {max(left, 0):,.0f} s are left")


class Clock:
    """Counts from when it is made.

    Args:
        seconds: The budget; infinite for none.
        spent: What an interrupted attempt has used of it.
    """

    def __init__(self, seconds: float = math.inf, spent: float = 0.0) -> None:
        self.budget, self._start = seconds, time.monotonic() - spent

    @property
    def spent(self) -> float:
        """Seconds used."""
        return time.monotonic() - self._start

    @property
    def is_limited(self) -> bool:
        """Whether there is a budget."""
        return not math.isinf(self.budget)

    @property
    def left(self) -> float:
        """Seconds there are."""
        return self.budget - self.spent

    def allow(self, seconds: float, *, share: float = 1.0, owed: float = 0.0) -> None:
        """Raises `OutOfTime` for what does not fit into a share of what is left beside the seconds owed to others."""
        free = (self.left - owed) * share
        if seconds > free:
            raise OutOfTime(seconds, free)


def guarded(clock: Clock, listener: Listener, *, times: float = 1.0, share: float = 1.0, owed: float = 0.0) -> Listener:
    """Hands on what is under way, and stops a training once it is foreseen to take too long.

    Args:
        clock: Says what is left.
        listener: Hears of stages and of progress, and not of what concerns one training alone.
        times: How much of such a training there is to come; 0 lets all of it happen.
        share: Of the time that is left, how much all of that may take.
        owed: Seconds of it that are for others.
    """

    def listen(event: Event) -> None:
        if isinstance(event, Foreseen) and times:
            clock.allow(event.cost.seconds * times, share=share, owed=owed)
        elif isinstance(event, Stage | Advance):
            listener(event)

    return listen
