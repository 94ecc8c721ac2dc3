"""Say what this machine has, what is missing, and what to type to mend it.

\b
Examples:
  headstart doctor
  headstart doctor --json
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from headstart.cli import _show

if TYPE_CHECKING:
    from headstart.cli._findings import Finding


@click.command(help=__doc__)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
def command(is_json: bool) -> None:
    """Looks at everything and shows it; a remedy is advice, so the exit code stays 0."""
    from headstart.cli import _findings

    found = _findings.all_findings()
    if is_json:
        click.echo(_show.as_json({"findings": [dataclasses.asdict(finding) for finding in found]}))
    else:
        click.echo("\n".join(lines(found)))


def lines(findings: Sequence[Finding]) -> list[str]:
    """One line a finding, and under it what to do."""
    shown = _show.columns([("ok" if finding.is_ok else "warn", finding.name, finding.said) for finding in findings])
    remedies = [[] if finding.is_ok else [f"      {finding.remedy}"] for finding in findings]
    return [line for pair in zip(shown, remedies, strict=True) for line in (pair[0], *pair[1])]
