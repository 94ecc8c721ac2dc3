"""The error tree is the one drawn in its docstring, and messages help."""

from __future__ import annotations

import re

import pytest

from headstart import errors
from headstart.contracts import Problem
from headstart.errors import DataError, HeadstartError, MissingExtra, UnknownName, need

DEFINED = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def test_the_drawn_tree_is_the_real_tree() -> None:
    drawn = {"HeadstartError", *re.findall(r"── (\w+)", str(errors.__doc__))}
    assert drawn == set(DEFINED)


@pytest.mark.parametrize("kind", DEFINED.values(), ids=DEFINED.keys())
def test_every_error_is_one_a_user_can_mend(kind: type[Exception]) -> None:
    assert issubclass(kind, HeadstartError)


def test_an_unknown_name_without_a_close_one_does_not_guess() -> None:
    assert str(UnknownName("task", "zzz", ["b", "a"])) == 'There is no task "zzz". Known: a, b.'


def test_an_unknown_name_among_none_says_so() -> None:
    assert str(UnknownName("task", "a", [])) == 'There is no task "a". Known: none.'


def test_data_errors_carry_the_problems() -> None:
    problem = Problem("error", "empty-text", "rows.csv, row 3: it is empty.")
    assert DataError("One row.", [problem]).problems == (problem,)


def test_a_needed_package_that_is_there_is_returned() -> None:
    assert need("json", extra="any").loads("1") == 1


def test_a_missing_package_gives_the_command_that_installs_it() -> None:
    with pytest.raises(MissingExtra, match=r'pip install "headstart\[onnx\]"'):
        need("no_such_package_anywhere", extra="onnx")
