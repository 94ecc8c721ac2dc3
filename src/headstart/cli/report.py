"""Write the page of FOLDER again from its files, and print where it is.

FOLDER is what `headstart fit` or `headstart advise` wrote.

\b
Examples:
  headstart report runs/reviews-1
  headstart report advice/reviews-1
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Writes the page and shows its path."""
    from headstart.report import advice, page

    click.echo(advice.write(folder) if (folder / advice.ADVICE).exists() else page.write(folder))
