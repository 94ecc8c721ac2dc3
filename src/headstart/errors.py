"""Every exception a user can meet, in one tree. What is not in it is our bug, and keeps its traceback.

HeadstartError
├── DataError          rows, files or columns that cannot be used (carries the problems found)
├── UnknownName        a task, source, strategy, verb or model name nobody answers to
├── MissingExtra       an optional package is needed and not installed
├── ModelError         a model cannot be found, read or trusted
│   ├── ModelNotFound
│   └── UnsafeModel
├── MismatchError      task, model and strategy do not go together
├── SettingError       a setting has a value that cannot be used
├── OutputError        the place to write to is taken, unwritable or unfinished
└── Stopped            the run was asked to stop and can go on from where it was saved
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.contracts import Problem


class HeadstartError(Exception):
    """Something the user can mend; the message says what, where, what was expected and what to do."""


class DataError(HeadstartError):
    """Data that cannot be used; `problems` holds what was found, row by row."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class UnknownName(HeadstartError):
    """A name nobody answers to; the message gives the closest match and the full list."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        import difflib  # not above: every command would wait for it, and only this one needs it

        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        super().__init__(f'There is no {kind} "{name}".{guess} Known: {", ".join(names) or "none"}.')


class MissingExtra(HeadstartError):
    """An optional package is needed; the message is the command that installs it."""


class ModelError(HeadstartError):
    """A model that cannot be used."""


class ModelNotFound(ModelError):
    """No model answers to the reference, here or where we were allowed to look."""


class UnsafeModel(ModelError):
    """A model that could run foreign code when loaded; it was refused before anything was read from it."""


class MismatchError(HeadstartError):
    """Task, model and strategy do not go together; found before any work is done."""


class SettingError(HeadstartError):
    """A setting has a value that cannot be used."""


class OutputError(HeadstartError):
    """The place to write to is taken, unwritable or unfinished."""


class Stopped(HeadstartError):
    """The run was asked to stop; what it had learnt is saved."""


def need(package: str, *, extra: str) -> ModuleType:
    """The imported optional package.

    Args:
        package: Its import name.
        extra: The extra of headstart that installs it.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f'This needs the package "{package}", which is not installed. Run: pip install "headstart[{extra}]"'
        ) from error
