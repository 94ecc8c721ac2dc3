"""What a user asks of advice beyond what decides a fit: whom to consider, and what the answer may cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headstart import budget
from headstart.contracts import Listed
from headstart.errors import ModelNotFound, SettingError

PERMISSIVE = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "unlicense", "isc")
"""Licences that allow any use, by their SPDX names."""
LATENCY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s)\s*")
MILLISECONDS = {"ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked of advice.

    Args:
        candidates: References to consider; without any, all that can be used here.
        max_size: Most a model may weigh on disk, as "100MB".
        max_latency: Most that one answer may take in 19 of 20 cases, as "20ms".
        license: "permissive", or names with commas between; any by default.

    Raises:
        SettingError: A size or a time cannot be read.
    """

    candidates: tuple[str, ...] = ()
    max_size: str | None = None
    max_latency: str | None = None
    license: str | None = None

    def __post_init__(self) -> None:
        """Reads all of it once, so that nothing is begun with what cannot be read."""
        _ = self.most_mib, self.most_ms

    @property
    def most_mib(self) -> float | None:
        """The size in MiB."""
        if self.max_size is None:
            return None
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", self.max_size)
        if found is None or found[2] not in budget.MIB:
            raise SettingError(f'--max-size "{self.max_size}" is not a size. Give it as in 100MB or 0.5GiB.')
        return float(found[1]) * budget.MIB[found[2]]

    @property
    def most_ms(self) -> float | None:
        """The time of an answer in milliseconds."""
        if self.max_latency is None:
            return None
        found = LATENCY.fullmatch(self.max_latency)
        if found is None:
            raise SettingError(f'--max-latency "{self.max_latency}" is not a time. Give it as in 20ms or 1s.')
        return float(found[1]) * MILLISECONDS[found[2]]

    def refuses(self, license: str | None, mib: float | None) -> str | None:  # noqa: A002
        """Why a model is not considered; None if it is."""
        if self.most_mib is not None and mib is not None and mib > self.most_mib:
            return f"{mib:,.0f} MiB is more than {self.max_size}"
        if self.license is None:
            return None
        allowed = PERMISSIVE if self.license == "permissive" else tuple(map(str.strip, self.license.split(",")))
        if (license or "").lower() in {name.lower() for name in allowed}:
            return None
        return f"its licence is {license or 'not known'}, and {self.license} was asked for"


def considered(
    wishes: Wishes, listed: Sequence[Listed], modality: str, look: Callable[[str], tuple[str | None, float]]
) -> tuple[list[str], dict[str, str]]:
    """The references to try, and why others are left out.

    Args:
        wishes: Of the user.
        listed: Every model the sources know of.
        modality: Of the rows.
        look: Licence and MiB of a model by its reference; raises where there is none for these rows.

    Raises:
        ModelNotFound: None is left.
    """
    known = {model.ref: model for model in listed if model.modality == modality}
    asked = list(wishes.candidates) or [ref for ref, model in known.items() if model.is_available]
    left_out: dict[str, str] = {}
    for ref in asked:
        # a listed model is judged before it is loaded, or fetched
        of_it = (known[ref].license, known[ref].mib) if ref in known else look(ref)
        if why := wishes.refuses(*of_it):
            left_out[ref] = why
    taken = [ref for ref in asked if ref not in left_out]
    if not taken:
        said = "; ".join(f"{ref}: {why}" for ref, why in left_out.items()) or f"no {modality} model is on this machine"
        mend = "Ask for less, or name others" if left_out else "Name some"
        raise ModelNotFound(f"There is no pretrained model to consider ({said}). {mend} with --candidates.")
    return taken, left_out
