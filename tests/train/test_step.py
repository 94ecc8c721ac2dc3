"""The arithmetic of a run: what was asked for is done, what is measured decides, what is remembered stays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import families
import headstart
from headstart.train import gradient, step


def work(seconds: dict[str, float]) -> step.Callable[[str], None]:
    """A piece of work that keeps the processor busy for so long in each arithmetic."""

    def busy(dtype: str) -> None:
        end = time.perf_counter() + seconds[dtype]
        while time.perf_counter() < end:
            pass

    return busy


def untouched(dtype: str) -> None:
    raise AssertionError("nothing is to be measured")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, bfloat16_here: step.Callable[[bool], None]) -> None:
    monkeypatch.setattr(step, "MEASURED_SECONDS", 0.02)
    bfloat16_here(True)


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_used_unmeasured(asked: str) -> None:
    assert step.precision(asked, untouched).dtype == asked


@pytest.mark.parametrize(
    ("half", "expected"), [(0.002, "bfloat16"), (0.02, "float32")], ids=["half faster", "half slower"]
)
def test_the_faster_arithmetic_is_taken(half: float, expected: str) -> None:
    found = step.precision("auto", work({"float32": 0.008, "bfloat16": half}))
    assert found.dtype == expected
    assert f"{expected} is used" in found.note().text


def test_a_processor_without_bfloat16_is_not_measured(bfloat16_here: step.Callable[[bool], None]) -> None:
    bfloat16_here(False)
    found = step.precision("auto", untouched)
    assert found.dtype == "float32"
    assert "no bfloat16 arithmetic" in found.why


def test_a_measurement_is_remembered_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    first = step.precision("auto", work({"float32": 0.008, "bfloat16": 0.002}), known=("a model", "a step"))
    again = step.precision("auto", untouched, known=("a model", "a step"))
    assert (again.dtype, again.ratio) == (first.dtype, first.ratio)


def test_the_step_that_is_measured_is_one_of_learning_and_leaves_the_dice(
    family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns, add, told = [], gradient.add, []

    def seen(network: torch.nn.Module, *given: Any, **named: Any) -> float:
        learns.append(network.training)
        np.random.random()  # as wav2vec 2.0 draws the spans it masks
        return add(network, *given, **named)

    def measured(work: step.Callable[[str], None]) -> float:
        before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
        work("float32")
        after = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
        told.append((learns[-1], torch.equal(after[0], before[0]), after[1] == before[1]))
        return 1.0

    monkeypatch.setattr(gradient, "add", seen)
    monkeypatch.setattr(step, "_measured", measured)
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    headstart.fit(rows, out=tmp_path / "run", model=f"dir:{family('bert')}", strategy="full", epochs=1)
    assert told == [(True, True, True)]


def test_bfloat16_is_mixed_with_fp32_weights() -> None:
    layer = torch.nn.Linear(4, 4)
    with step.arithmetic("bfloat16"):
        output = layer(torch.ones(2, 4))
    assert output.dtype == torch.bfloat16
    assert layer.weight.dtype == torch.float32
