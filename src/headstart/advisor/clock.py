"""How much of a budget is left; whoever begins something asks first whether it fits."""

from __future__ import annotations

import math
import time


class OutOfTime(Exception):
    """What was begun would take longer than the budget leaves.

    Args:
        needed: Seconds it would take.
        left: Seconds there are.
    """

    def __init__(self, needed: float, left: float) -> None:
        super().__init__(f"would take {needed:,.0f} s, and {max(left, 0):,.0f} s are left")


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
    def left(self) -> float:
        """Seconds there are."""
        return self.budget - self.spent

    def allow(self, seconds: float, *, share: float = 1.0) -> None:
        """Raises `OutOfTime` for what does not fit into a share of what is left."""
        if seconds > self.left * share:
            raise OutOfTime(seconds, self.left * share)
