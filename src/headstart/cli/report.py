"""Write the page of RUN again from its files, and print where it is.

\b
Examples:
  headstart report runs/reviews-1
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Writes the page and shows its path."""
    from headstart.report import page

    click.echo(page.write(run))
