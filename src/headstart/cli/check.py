"""Say what DATA is taken for and what is wrong with it, before anything expensive; exit code 1 if it cannot be used.

DATA is as for fit; nothing is written or changed. With a model on this machine, it also says what that model would
cut off or could not read.

\b
Examples:
  headstart check reviews.csv
  headstart check train.tsv --test test.tsv --columns text,label
  headstart check photos/ --json
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from headstart import api
from headstart.cli import _show
from headstart.cli._options import settings_options
from headstart.errors import DataError

if TYPE_CHECKING:
    from headstart.contracts import Problem
    from headstart.data.check import Checked

SHOWN = 20
"""Problems shown of each severity; the count of the others follows."""


@click.command(help=__doc__)
@click.argument("data")
@settings_options(
    "task",
    "columns",
    "images",
    "palette",
    "multi_label",
    "separator",
    "validation",
    "test",
    "skip_bad_rows",
    "model",
    "revision",
    "offline",
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
def command(data: str, is_json: bool, **given: Any) -> None:
    """Checks, shows, and ends with 1 where a fit would refuse."""
    from headstart import run
    from headstart.cli._progress import listening

    with listening() as listener:
        checked = api.check(
            data, listener=listener, **{name: value for name, value in given.items() if value is not None}
        )
    click.echo(_show.as_json(run.check_facts(checked)) if is_json else "\n".join(lines(checked)))
    if not is_usable(checked, skip_bad_rows=bool(given["skip_bad_rows"])):
        click.get_current_context().exit(1)


def lines(checked: Checked) -> list[str]:
    """What was inferred, the rows and classes of each split, the facts, then the problems, the gravest first."""
    found = checked.found
    sizes = _show.columns([(name, f"{len(rows):,} rows") for name, rows in found.splits.items()], indent="  ")
    classes = [("class", *found.splits), *_class_rows(checked)]
    facts = [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in checked.facts.items()]
    said = [f"  {sentence}" for sentence in found.said]
    shown = [f"{found.task}, from a {found.layout}", *said, *sizes, "", *_show.columns(classes, indent="  ")]
    return [*shown, *(["", *_show.columns(facts, indent="  ")] if facts else []), "", *problem_lines(checked.problems)]


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """The first problems of each severity and how many there are; one line where there are none."""
    found = []
    for severity in ("error", "warning", "note"):
        of_it = [problem.message for problem in problems if problem.severity == severity]
        if of_it:
            found += [
                f"{len(of_it):,} {severity}{'s' if len(of_it) > 1 else ''}",
                *(f"  {text}" for text in of_it[:SHOWN]),
            ]
        if len(of_it) > SHOWN:
            found.append(f"  … and {len(of_it) - SHOWN:,} more")
    return found or ["Nothing wrong was found."]


def is_usable(checked: Checked, *, skip_bad_rows: bool) -> bool:
    """Whether a fit would accept the data."""
    from headstart.data.check import accept

    try:
        accept(checked, skip_bad_rows=skip_bad_rows)
    except DataError:
        return False
    return True


def _class_rows(checked: Checked) -> list[tuple[str, ...]]:
    """Class by class, how many rows of it each split has."""
    splits = checked.found.splits
    return [(name, *(f"{counts.get(split, 0):,}" for split in splits)) for name, counts in checked.classes.items()]
