"""Judge the model of RUN on DATA, labelled rows that it has not seen.

\b
Examples:
  headstart evaluate runs/reviews-1 more.csv
  headstart evaluate runs/reviews-1 test.tsv --columns text,label --json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headstart.cli import _show
from headstart.cli._options import settings_options


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data")
@settings_options("columns", "separator", "offline", "trust")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
def command(run: Path, data: str, is_json: bool, **given: Any) -> None:
    """Evaluates and shows the scores."""
    from headstart import evaluation
    from headstart.cli._progress import listening

    asked = {name: value for name, value in given.items() if value is not None}
    with listening() as listener:
        scores = evaluation.evaluate(run, data, listener=listener, **asked)
    click.echo(_show.as_json(scores) if is_json else "\n".join(_show.scores(scores)))
