"""Show what MODEL is made of: its stack, sizes, work and files, and with --boundary what training would take.

MODEL is a Hub id, a folder, or a reference such as starter:shapes-resnet. Everything is told from the loaded model: one
real item goes through it. Nothing is written but the picture, if one is asked for.

\b
Examples:
  headstart inspect sentence-transformers/all-MiniLM-L6-v2
  headstart inspect starter:shapes-resnet --boundary 2
  headstart inspect dir:weights/vgg16 --picture vgg16.svg
  headstart inspect starter:shapes-resnet --json
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headstart import api
from headstart.cli import _show
from headstart.cli._options import settings_options
from headstart.errors import OutputError

LIKE_A_FIT = ("batch_size", "max_length")
"""Settings that play a part only where training is asked about."""


@click.command(help=__doc__)
@click.argument("model")
@click.option("--boundary", type=int, help="0: all is trained; 1: the stem is frozen; 1 + K: also the K lowest blocks.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the stack into this SVG file, replacing it.")
@settings_options("revision", "offline", "trust", *LIKE_A_FIT)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
def command(model: str, boundary: int | None, picture: Path | None, is_json: bool, **given: Any) -> None:
    """Loads, looks, and shows."""
    from headstart.cli import _stack

    asked = {name: value for name, value in given.items() if value is not None}
    idle = [name for name in LIKE_A_FIT if name in asked]
    if boundary is None and idle:
        raise click.UsageError(f"--{idle[0].replace('_', '-')} plays no part without --boundary.")
    facts = api.inspect(model, boundary=boundary, **asked).to_json()
    if picture is not None:
        _draw(facts, picture)
    click.echo(_show.as_json(facts) if is_json else "\n".join(_stack.lines(facts)))


def _draw(facts: dict[str, Any], path: Path) -> None:
    from headstart.report import stacked

    training = facts["training"]
    try:
        path.write_text(stacked.whole(facts, boundary=training and training["boundary"]), encoding="utf-8")
    except OSError as error:
        raise OutputError(f'"{path}" cannot be written: {error.strerror}. Choose another --picture.') from error
