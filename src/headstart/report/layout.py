"""Layouts, filled with what was made for their places; how figures are written on every page is settled here."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from headstart.report import words as say


def filled(name: str, told: Mapping[str, Any]) -> str:
    """The layout of this name with its places filled; everything from the user's data is escaped."""
    return _environment().get_template(name).render(told)


@functools.cache
def _environment() -> jinja2.Environment:
    """Where layouts are found; made once, for it keeps what it has made of each."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": say.figure, "interval": say.interval, "duration": say.duration}
    environment.filters |= {"metric": say.metric, "plain": say.plain, "value": say.value}
    environment.filters |= {"reading": say.reading, "moment": say.moment, "amount": say.amount, "mib": say.mib}
    environment.filters |= {"milliseconds": say.milliseconds, "signed": functools.partial(say.figure, signed=True)}
    environment.filters |= {"signed_interval": functools.partial(say.interval, signed=True)}
    return environment
