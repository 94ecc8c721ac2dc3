"""Finds plug-ins: the file name is the name, and a third party joins through the entry points `headstart.<kind>`.

There is no registry to keep in step: listing reads folders and metadata, loading imports one file.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from headstart.errors import HeadstartError, UnknownName

if TYPE_CHECKING:
    from importlib import metadata


def names(kind: str) -> list[str]:
    """The names of all plug-ins of a kind ("tasks", "sources", "strategies", "cli"), sorted, nothing imported."""
    return sorted(_places(kind))


def own(kind: str) -> list[str]:
    """The names of our own plug-ins of a kind, sorted; reads one folder, so it is quick enough for `--help`."""
    files = os.listdir(os.path.join(os.path.dirname(__file__), kind))
    return sorted(file[:-3].replace("_", "-") for file in files if file.endswith(".py") and not file.startswith("_"))


def load(kind: str, name: str) -> Any:
    """The plug-in of that name, or of that alias: a module, or the object a third party's entry point names.

    Args:
        kind: The folder, for example "tasks".
        name: The file name with "-" for "_", or one of the plug-in's `aliases`.

    Raises:
        UnknownName: Nobody answers to the name.
        HeadstartError: Two plug-ins claim it; both are named.
    """
    places = _places(kind)
    if name in places:
        return _import(kind, name, places[name])
    for other, where in places.items():
        plugin = _import(kind, other, where)
        if name in getattr(plugin, "aliases", ()):
            return plugin
    raise UnknownName(kind.removesuffix("s").replace("strategie", "strategy"), name, places)


def _places(kind: str) -> dict[str, list[metadata.EntryPoint | None]]:
    """Name -> who offers it; None stands for a file of our own."""
    found: dict[str, list[metadata.EntryPoint | None]] = {name: [None] for name in own(kind)}
    for entry in _entries(kind, tuple(sys.path)):
        found.setdefault(entry.name, []).append(entry)
    return found


@functools.cache
def _entries(kind: str, path: tuple[str, ...]) -> tuple[metadata.EntryPoint, ...]:
    """What third parties offer who are found along the path; read once, for all that is installed is looked through."""
    from importlib import metadata  # not above: it takes as long to import as all of `headstart --help` may

    return tuple(metadata.entry_points(group=f"headstart.{kind}"))


def _import(kind: str, name: str, offers: list[metadata.EntryPoint | None]) -> Any:
    if len(offers) > 1:
        who = " and ".join("headstart itself" if entry is None else entry.value for entry in offers)
        raise HeadstartError(f'The {kind} name "{name}" is taken twice, by {who}. Uninstall one of them.')
    (entry,) = offers
    return importlib.import_module(f"headstart.{kind}.{name.replace('-', '_')}") if entry is None else entry.load()
