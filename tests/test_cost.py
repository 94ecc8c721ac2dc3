"""What is measured of a run is what happened: time, memory, disk, energy where a counter can be read."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import numpy as np
import pytest

from headstart import cost


def test_time_and_its_price_are_measured() -> None:
    began = time.monotonic()
    meter = cost.Meter(price_per_hour=36.0)
    time.sleep(0.05)
    found = meter.so_far()
    assert 0.05 <= found.seconds <= time.monotonic() - began
    assert found.money == pytest.approx(found.seconds / 100)


@pytest.mark.skipif(not cost.STATUS.exists(), reason="needs Linux, which tells the largest memory of a process")
def test_the_largest_memory_is_that_since_the_meter_began() -> None:
    gc.collect()  # or what other tests left goes in between
    np.ones(100 * 2**17)  # 100 MiB, gone again
    before = cost.Meter().so_far().peak_mib
    np.ones(50 * 2**17)
    after = cost.peak_mib()
    assert before is not None
    assert after is not None
    assert 40 < after - before < 90


def test_the_disk_counts_every_file_below(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(bytes(2**20))
    (tmp_path / "page").write_bytes(bytes(2**19))
    assert cost.size_mib(tmp_path) == 1.5


def counter(folder: Path, name: str, microjoules: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{microjoules}\n")


def test_energy_is_the_difference_of_the_processors_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "ENERGY", str(tmp_path))
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        counter(tmp_path, name, 5_000_000_000)
    meter = cost.Meter()
    counter(tmp_path, "intel-rapl:0", 8_000_000_000)
    counter(tmp_path, "intel-rapl:1", 6_000_000_000)
    counter(tmp_path, "intel-rapl:0:0", 9_000_000_000)  # a part of the first, not to be counted twice
    assert meter.so_far().kilojoules == pytest.approx(4.0)


def test_energy_that_nobody_tells_is_not_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "ENERGY", str(tmp_path))
    assert cost.Meter().so_far().kilojoules is None
