"""What an answer costs is measured on real items, and not for longer than it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from headstart.advisor import latency
from headstart.model import Model


class Steady:
    """Answers at an even pace on a clock of its own, and counts the items of each call."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0
        self.calls: list[int] = []

    def answers(self, items: Sequence[Any]) -> None:
        self.calls.append(len(items))
        self.now += self.seconds * len(items)


def timed(seconds: float, num_items: int, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, float], list[int]]:
    model = Steady(seconds)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: model.now)
    return latency.measured(cast(Model, model), range(num_items)), model.calls


def test_the_figures_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    found, calls = timed(0.004, 1000, monkeypatch)

    assert found == pytest.approx({"p50_ms": 4.0, "p95_ms": 4.0, "items_per_second": 250.0})
    assert calls == [1, *[1] * latency.SINGLES, latency.MANY]


def test_of_a_slow_model_fewer_answers_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found, calls = timed(0.125, 1000, monkeypatch)

    # the first sets things up; then 2 s of single answers, and 2 s of them together
    assert calls == [1, *[1] * 16, 16]
    assert found["p95_ms"] == pytest.approx(125)


@pytest.mark.parametrize(("seconds", "num_items", "calls"), [(1.0, 50, 10), (0.004, 4, 4)])
def test_a_few_are_always_asked_and_never_more_than_there_are(
    seconds: float, num_items: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, asked = timed(seconds, num_items, monkeypatch)

    assert asked == [1, *[1] * calls, calls]
