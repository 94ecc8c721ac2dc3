"""What a run takes: time, memory, disk, energy where the machine tells it, and money at a price an hour.

Here a running process is measured; what a training will take is foretold in `train`.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENERGY = "/sys/class/powercap"
"""Where Linux keeps the counters of processors that have them (RAPL)."""
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, largest memory of the process and bytes on disk in MiB, kilojoules, money.

    None stands for what this machine does not tell, or nobody gave a price for.
    """

    seconds: float
    peak_mib: float | None
    disk_mib: float | None
    kilojoules: float | None = None
    money: float | None = None


class Meter:
    """Measures from when it is made.

    Args:
        price_per_hour: Money an hour of this machine costs, in whatever currency.
    """

    def __init__(self, price_per_hour: float | None = None) -> None:
        self.start, self.price_per_hour = time.monotonic(), price_per_hour
        self._energy = _microjoules()
        reset_peak()

    @property
    def seconds(self) -> float:
        """So many have passed."""
        return time.monotonic() - self.start

    def so_far(self, folder: Path | None = None) -> Cost:
        """What was taken until now, and what stands in the folder."""
        seconds, size = self.seconds, None if folder is None else size_mib(folder)
        return Cost(seconds, peak_mib(), size, self._kilojoules(), self.money(seconds))

    def money(self, seconds: float) -> float | None:
        """What so much time costs."""
        return None if self.price_per_hour is None else self.price_per_hour * seconds / 3600

    def kilojoules(self, seconds: float) -> float | None:
        """What so much time would take at the power drawn until now."""
        drawn = self._kilojoules()
        return None if drawn is None else drawn / max(self.seconds, 1e-9) * seconds

    def _kilojoules(self) -> float | None:
        now = _microjoules()
        if not now or not self._energy:
            return None
        # a counter that has wrapped around is left out of the sum
        return sum(max(0, now[name] - before) for name, before in self._energy.items() if name in now) / 1e9


def foreseen(meter: Meter | None, seconds: float, *, peak_mib: float | None, disk_mib: float | None) -> Cost:
    """What a run will cost that will take so long, at the power it has drawn until now."""
    kilojoules, money = (None, None) if meter is None else (meter.kilojoules(seconds), meter.money(seconds))
    return Cost(seconds, peak_mib, disk_mib, kilojoules, money)


def _microjoules() -> dict[str, int]:
    """The counter of each processor, where it can be read."""
    found = {}
    for path in Path(ENERGY).glob("intel-rapl:[0-9]*"):
        if path.name.count(":") == 1:
            with contextlib.suppress(OSError, ValueError):
                found[path.name] = int((path / "energy_uj").read_text())
    return found


def reset_peak() -> None:
    """Lets the largest memory count from now (Linux, CUDA); elsewhere it counts from the start of the process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    if _has_cuda():
        import torch

        torch.cuda.reset_peak_memory_stats()


def peak_mib() -> float | None:
    """The largest memory the process had on the processor, or on the GPU where it computes there."""
    if _has_cuda():
        import torch

        return float(torch.cuda.max_memory_allocated()) / 2**20
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return None


def _has_cuda() -> bool:
    from headstart.device import device

    return device() == "cuda"


def weights_mib(module: Any) -> float:
    """What a network's parameters take."""
    return float(sum(parameter.nbytes for parameter in module.parameters())) / 2**20


def size_mib(folder: Path) -> float:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
