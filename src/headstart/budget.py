"""What a run may take at most: time, memory, money; read from what a user writes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headstart.errors import SettingError

SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
MIB = {"MiB": 1.0, "GiB": 1024.0, "MB": 1e6 / 2**20, "GB": 1e9 / 2**20}
MONEY = ("€", "$", "£", "EUR", "USD", "GBP")
PART = re.compile(r"\s*([€$£]?)\s*(\d+(?:\.\d+)?)\s*([A-Za-z€$£]*)\s*")


@dataclass(frozen=True)
class Budget:
    """Most seconds of wall time and MiB of memory; None is no limit."""

    seconds: float | None = None
    mib: float | None = None


def budget(asked: str | None, price_per_hour: float | None) -> Budget:
    """The limits a user gave.

    Args:
        asked: Such as "10m", "2GiB", "0.50€", or several of them with commas between; None for no limit.
        price_per_hour: What turns money into time.

    Raises:
        SettingError: Something in it cannot be read, or money is given without a price.
    """
    seconds: list[float] = []
    mib: list[float] = []
    for part in [] if asked is None else asked.split(","):
        found = PART.fullmatch(part)
        unit = "" if found is None else found[1] or found[3]
        number = 0.0 if found is None else float(found[2])
        if unit not in {*SECONDS, *MIB, *MONEY} or number <= 0:
            raise SettingError(f'--budget "{part.strip()}": give a time (10m), a memory (2GiB) or money (0.50€).')
        if unit in MIB:
            mib.append(number * MIB[unit])
        elif unit in SECONDS:
            seconds.append(number * SECONDS[unit])
        elif price_per_hour is None:
            raise SettingError(f"--budget {part.strip()}: what does an hour cost? Give --price-per-hour.")
        else:
            seconds.append(number / price_per_hour * 3600)
    return Budget(min(seconds, default=None), min(mib, default=None))
