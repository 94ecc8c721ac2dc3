"""A budget is read as a person writes it, or refused with an example."""

from __future__ import annotations

import pytest

from headstart.budget import Budget, budget
from headstart.errors import SettingError


@pytest.mark.parametrize(
    ("asked", "price", "expected"),
    [
        (None, None, Budget()),
        ("10m", None, Budget(seconds=600)),
        ("90s", None, Budget(seconds=90)),
        ("1.5h", None, Budget(seconds=5400)),
        ("2GiB", None, Budget(mib=2048)),
        ("0.50€", 3.0, Budget(seconds=600)),
        ("$1", 2.0, Budget(seconds=1800)),
        ("10m, 500MiB", None, Budget(seconds=600, mib=500)),
        ("1h,0.50€", 3.0, Budget(seconds=600)),
    ],
)
def test_a_budget_is_read(asked: str | None, price: float | None, expected: Budget) -> None:
    assert budget(asked, price) == expected


@pytest.mark.parametrize("asked", ["10", "fast", "-3m", "0m", "10m,", "3 weeks", "GiB"])
def test_what_is_no_budget_is_refused(asked: str) -> None:
    with pytest.raises(SettingError, match=r"give a time \(10m\)"):
        budget(asked, 1.0)


def test_money_without_a_price_is_refused() -> None:
    with pytest.raises(SettingError, match="--price-per-hour"):
        budget("0.50€", None)
