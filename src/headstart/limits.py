"""Which values a setting may have, said where the setting is declared, and the one voice that refuses the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field
from math import inf
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from headstart.errors import SettingError

T = TypeVar("T")


class Limit(NamedTuple):
    """The numbers a setting may have: of which kind, which of them, and both in words."""

    kind: type
    holds: Callable[[Any], bool]
    says: str


# written so that nan, for which no comparison is true, is within none of them
SHARE = Limit(Real, lambda number: 0 < number < 1, "a share between 0 and 1, such as 0.2")
PART = Limit(Real, lambda number: 0 <= number <= 1, "a share from 0 to 1")
KEPT = Limit(Real, lambda number: 0 <= number < 1, "a share from 0 to less than 1")
FACTOR = Limit(Real, lambda number: 0 < number <= 1, "a factor above 0 and at most 1")
ABOVE_ZERO = Limit(Real, lambda number: 0 < number < inf, "a number above 0")
ZERO_OR_MORE = Limit(Real, lambda number: 0 <= number < inf, "0 or a number above it")
COUNT = Limit(Integral, lambda number: number >= 1, "a whole number, 1 or more")
COUNT_OR_NONE = Limit(Integral, lambda number: number >= 0, "a whole number, 0 or more")
# NumPy's older generators, which scikit-learn draws from, take no other seeds
SEED = Limit(Integral, lambda number: 0 <= number < 2**32, "a whole number from 0 to 4294967295")


def choice(*options: str, default: str) -> str:
    """A field that takes one of these values."""
    return field(default=default, metadata={"options": options})


def some_of(*names: str, alone: tuple[str, ...], default: str) -> str:
    """A field that takes some of these names with commas between, or one of those that stand alone."""
    return field(default=default, metadata={"names": names, "alone": alone})


def factor_or(*words: str, default: str) -> str:
    """A field that takes one of these words, or a factor above 0."""
    return field(default=default, metadata={"words": words})


def limited(limit: Limit, *, default: T) -> T:
    """A field that takes a number within limits; or `None`, where that is its default."""
    return field(default=default, metadata={"limit": limit})


def verify(entry: dataclasses.Field[Any], value: Any) -> None:
    """Raises `SettingError` when a field has a value it may not have."""
    if value is None and entry.default is None:
        return
    flag = f"--{entry.name.replace('_', '-')}"
    limit, options = entry.metadata.get("limit"), entry.metadata.get("options")
    if "names" in entry.metadata:
        _verify_names(flag, value, **entry.metadata)
    if "words" in entry.metadata and not _is_factor(value) and value not in entry.metadata["words"]:
        raise SettingError(f'{flag} "{value}": give {", ".join(entry.metadata["words"])} or a factor above 0.')
    if limit is not None and not _is_within(limit, value):
        raise SettingError(f"{flag} {value}: give {limit.says}.")
    if options is not None and value not in options:
        raise SettingError(f'{flag} "{value}": give {" or ".join(options)}.')


def _verify_names(flag: str, value: Any, *, names: tuple[str, ...], alone: tuple[str, ...]) -> None:
    given = [name.strip() for name in str(value).split(",")]
    if value in alone or set(given) <= set(names):
        return
    import difflib  # not above: every command would wait for it, and only this one needs it

    unknown = next((name for name in given if name not in names), "")
    close = difflib.get_close_matches(unknown, (*names, *alone) if len(given) == 1 else names, n=1, cutoff=0.5)
    guess = f' Did you mean "{close[0]}"?' if close else ""
    raise SettingError(
        f'{flag} "{value}": give {" or ".join(alone)}, or some of {", ".join(names)} with commas between.{guess}'
    )


def _is_factor(value: Any) -> bool:
    try:
        return 0 < float(value) < inf
    except (TypeError, ValueError):
        return False


def _is_within(limit: Limit, value: Any) -> bool:
    return isinstance(value, limit.kind) and not isinstance(value, bool) and limit.holds(value)
