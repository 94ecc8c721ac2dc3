"""docs/cli.md is what the verbs themselves say, and every verb has examples."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from headstart import plug
from headstart.cli import _docs, verbs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
VERBS = plug.own("cli")


def examples(verb: str) -> list[str]:
    """The commands under "Examples" that start with headstart."""
    command = verbs.get_command(click.Context(verbs), verb)
    assert command is not None
    lines = str(command.help).partition("Examples:")[2].splitlines()
    return [line.strip() for line in lines if line.strip().startswith("headstart")]


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == _docs.text(), "run `make docs`"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_examples(verb: str) -> None:
    assert examples(verb)


@pytest.mark.parametrize("example", [line for verb in VERBS for line in examples(verb)])
def test_an_example_can_be_typed_as_it_stands(example: str) -> None:
    verb, *words = shlex.split(example)[1:]
    command = verbs.get_command(click.Context(verbs), verb)
    assert command is not None
    assert command.make_context(verb, words).params


def test_the_first_line_of_a_verbs_file_is_what_the_list_shows() -> None:
    shown = " ".join(verbs.get_help(click.Context(verbs, info_name="headstart", **verbs.context_settings)).split())
    for verb in VERBS:
        command = verbs.get_command(click.Context(verbs), verb)
        assert command is not None
        assert str(command.help).splitlines()[0] in shown
