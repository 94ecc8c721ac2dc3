"""Writes docs/cli.md from the verbs' own help, so that the page cannot say anything else. Run by `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from headstart.cli import verbs

WIDTH = 100
OPENING = """# The command line

Made by `make docs` from the help of each verb; a test sees to it that this page is current. Results go to stdout,
progress and errors to stderr. The exit code is 0 when all is done, 1 for an error you can mend, 2 for wrong usage, and
130 when interrupted.
"""


def text() -> str:
    """The whole page."""
    return OPENING + "".join(f"\n## {title}\n\n```text\n{usage}```\n" for title, usage in sections())


def sections() -> Iterator[tuple[str, str]]:
    """A title and a help text for the program and for each of its verbs."""
    # A fixed width, or the page would depend on the terminal it was made in.
    with click.Context(verbs, info_name="headstart", **{**verbs.context_settings, "terminal_width": WIDTH}) as program:
        yield "headstart", verbs.get_help(program) + "\n"
        for name in verbs.list_commands(program):
            verb = verbs.get_command(program, name)
            assert verb is not None, "a listed verb is there"
            with click.Context(verb, info_name=name, parent=program, terminal_width=WIDTH) as context:
                yield f"headstart {name}", verb.get_help(context) + "\n"
                yield from _within(verb, context)


def _within(verb: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The same for what a verb offers below itself."""
    for name, part in verb.commands.items() if isinstance(verb, click.Group) else ():
        with click.Context(part, info_name=name, parent=context, terminal_width=WIDTH) as inner:
            yield inner.command_path, part.get_help(inner) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
