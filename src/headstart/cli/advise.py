"""Say from measurement whether a pretrained model is worth it on DATA, which one, and how much of it to train.

Candidates are scored on one pass over the rows; those with a real chance are trained side by side, epoch by epoch, and
fall out when others are better. The test rows are not looked at. `headstart fit DATA --advice OUT` carries it out.

\b
Examples:
  headstart advise reviews.csv
  headstart advise reviews.csv --budget 10m --max-latency 20ms --license permissive
  headstart advise photos/ --candidates starter:shapes-resnet,dir:weights/mobilenet --out advice/photos
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from headstart import api
from headstart.cli import _show
from headstart.cli._options import settings_options
from headstart.spoken import metric

OF_DATA = (
    "task",
    "columns",
    "multi_label",
    "separator",
    "validation",
    "test",
    "validation_size",
    "test_size",
    "skip_bad_rows",
)
OF_MODELS = ("offline", "trust", "max_length", "long", "batch_size", "precision")
OF_ADVICE = ("budget", "price_per_hour", "seed")


@click.command(help=__doc__)
@click.argument("data")
@click.option("--candidates", help="Models to consider, with commas between. [default: all that can be used here]")
@click.option("--max-size", help="Most a model may weigh, such as 100MB.")
@click.option("--max-latency", help="Most that one answer may take in 19 of 20 cases, such as 20ms.")
@click.option("--license", "license_", help="permissive, or names of licences with commas between. [default: any]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to make. [default: advice/NAME-N]")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
@settings_options(*OF_DATA, *OF_MODELS, *OF_ADVICE)
def command(
    data: str,
    candidates: str | None,
    max_size: str | None,
    max_latency: str | None,
    license_: str | None,
    out: Path | None,
    is_json: bool,
    **given: Any,
) -> None:
    """Advises, and prints the verdict first."""
    from headstart.cli._progress import listening

    wishes = {"candidates": candidates, "max_size": max_size, "max_latency": max_latency, "license": license_}
    settings = {name: value for name, value in given.items() if value is not None}
    with listening() as listener:
        found = api.advise(data, out=out, listener=listener, **wishes, **settings)
    if is_json:
        click.echo(_show.as_json({"advice": found.folder, "page": found.folder / "advice.html", **found.facts}))
    else:
        click.echo("\n".join(lines(found.facts, found.folder, data)))


def lines(facts: Mapping[str, Any], folder: Path, data: str) -> Iterator[str]:
    """The verdict, how every way did, and where to look."""
    yield facts["verdict"]["sentence"]
    yield ""
    head = ("", metric(facts["primary"]), "95 % interval", "epochs", "one answer", "weights")
    yield from _show.columns([head, *map(_line, facts["standings"])], indent="  ")
    for name, why in facts["left_out"].items():
        yield f"  {name}: left out, {why}"
    for name, why in facts["verdict"]["not_tried"].items():
        yield f"  {name}: not tried, it {why}"
    yield f"  judged on {facts['judged']['rows']:,} rows; {facts['spent']:.0f} s spent"
    yield ""
    yield from _show.places({"advice": folder / "advice.json", "page": folder / "advice.html"})
    if facts["verdict"]["taken"] is not None and facts["verdict"]["taken"]["settings"]:
        yield f"  carry it out: headstart fit {shlex.quote(data)} --advice {shlex.quote(str(folder))}"


def _line(one: Mapping[str, Any]) -> tuple[str, ...]:
    found, answering = one["score"], one["answering"]
    return (
        one["name"],
        f"{found['value']:.4f}",
        f"{found['low']:.4f} to {found['high']:.4f}",
        f"{one['epochs']} of {one['of_epochs']}" if one["of_epochs"] > 1 else "",
        "" if answering is None else f"{answering['p50_ms']:.1f} ms",
        "" if one["mib"] is None else f"{one['mib']:.0f} MiB",
    )
