"""The command line: one file per verb, the file name is the verb, and only here does anything print.

A verb reads its options, calls the library and shows the result; how errors end and what is silenced is decided here.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from headstart import __version__, plug
from headstart.errors import HeadstartError, Stopped, UnknownName

INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + 13  # SIGPIPE by its number, which Windows has no name for

QUIET = {
    "DATASETS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""What keeps the libraries from printing into our output; a variable the user has set wins."""


class Verbs(click.Group):
    """The verbs, found by file name and imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return plug.own("cli")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verbs = self.list_commands(ctx)
        if cmd_name not in verbs:
            raise click.UsageError(str(UnknownName("verb", cmd_name, verbs)), ctx)
        command: click.Command = import_module(f"headstart.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each verb, the first of its file, because importing them all would take too long."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, _first_line(name)) for name in self.list_commands(ctx)])


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="headstart", message="%(prog)s %(version)s")
def verbs() -> None:
    """Reuse pretrained models, the measured way: check your data, fit, and see what it was worth.

    \b
    Start here:
      headstart doctor                     what this machine has
      headstart check reviews.csv          what is wrong with the data
      headstart fit reviews.csv            a model, a score and a page
    """


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        args: What follows the program's name; by default what the shell gave.

    Returns:
        The exit code: 0 done, 1 an error the user can mend, 2 wrong usage, 130 interrupted.
    """
    try:
        with _quiet_libraries(), _terminable():
            return _run(sys.argv[1:] if args is None else list(args))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Stopped as stopped:
        return _interrupted(f"stopped: {stopped}")
    except HeadstartError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except KeyboardInterrupt:
        return _interrupted("interrupted")
    except BrokenPipeError:
        # The reader has gone; without this, Python would complain once more while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        error.add_note("This is a fault in headstart, not in what you did. Please report it with the lines above.")
        raise


def _interrupted(said: str) -> int:
    """Says so, and gives the exit code."""
    click.echo(said, err=True)
    # an interrupt that met code made from a string, as of a dataclass, would else end CPython by a signal all the same
    exec("")
    return INTERRUPTED


def _run(args: list[str]) -> int:
    # Not `verbs.main`: it would turn every EOFError into an abort and answer for the exit codes itself.
    try:
        with verbs.make_context("headstart", args) as context:
            verbs.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    finally:
        sys.stdout.flush()
    return 0


def _first_line(verb: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), f"{verb}.py"), encoding="utf-8") as file:
        return file.readline().strip().strip('"')


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        yield


@contextmanager
def _terminable() -> Iterator[None]:
    """A polite kill is an interrupt, so that half-written output is removed."""
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
