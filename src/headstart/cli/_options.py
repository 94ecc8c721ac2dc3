"""Options made from `FitSettings`: one for each field, its docstring the help. No default lives here."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import click

from headstart import settings
from headstart.settings import FitSettings

Decorated = Callable[..., Any]


def settings_options(*names: str) -> Callable[[Decorated], Decorated]:
    """A decorator that adds one option for each named field of `FitSettings`, or for every field.

    An option that is not given arrives as `None`, so that the defaults have one home and `--like` can tell.
    """
    wanted = [entry for entry in dataclasses.fields(FitSettings) if not names or entry.name in names]

    def decorate(function: Decorated) -> Decorated:
        docs, types = field_docs(), typing.get_type_hints(FitSettings)
        for entry in reversed(wanted):
            function = _option(entry, types[entry.name], docs[entry.name])(function)
        return function

    return decorate


def settings_of(given: Mapping[str, Any], *, base: FitSettings | None = None) -> FitSettings:
    """The settings with what was given on the command line in place of what `base` (or the defaults) say."""
    overrides = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(FitSettings() if base is None else base, **overrides)


def field_docs() -> dict[str, str]:
    """The docstring under each field of `FitSettings`, read from the source because Python does not keep it."""
    tree = ast.parse(Path(str(settings.__file__)).read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "FitSettings")
    return {
        str(ast.unparse(above.target)): below.value.value
        for above, below in itertools.pairwise(body)
        if isinstance(above, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _option(entry: dataclasses.Field[Any], hint: Any, doc: str) -> Callable[[Decorated], Decorated]:
    flag = f"--{entry.name.replace('_', '-')}"
    shown = f"{doc} [default: {entry.default}]" if _is_said(entry.default) else doc
    (kind,) = [part for part in typing.get_args(hint) or (hint,) if part is not NoneType]
    if kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=shown)
    if "options" in entry.metadata:
        return click.option(flag, type=click.Choice(entry.metadata["options"]), default=None, help=shown)
    return click.option(flag, type=kind, default=None, help=shown)


def _is_said(default: object) -> bool:
    """Whether a default is worth a word: a switch that is off is not, and `None` is told in the docstring."""
    return default is not None and default is not False
