"""Learn from DATA on top of a pretrained model, judge it, and write a run folder.

DATA is a file (CSV, TSV, JSONL, Parquet), a folder (of train/dev/test files, or with one folder of images for each
class), or the id of a data set on the Hub.

\b
Examples:
  headstart fit reviews.csv
  headstart fit reviews.csv --strategy full --epochs 3 --out runs/full
  headstart fit reviews.csv --freeze 4
  headstart fit train.tsv --test test.tsv --columns text,label
  headstart fit photos/ --model dir:weights/mobilenet
  headstart fit tickets.csv --task text-classification --multi-label --separator ";"
  headstart fit pairs.csv --columns text=question,text_pair=answer,label=is_right --strategy full
  headstart fit --like runs/full --seed 1
  headstart fit reviews.csv --advice advice/reviews-1
  headstart fit --resume runs/full
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headstart import api, folder
from headstart.cli import _show
from headstart.cli._options import settings_of, settings_options
from headstart.errors import OutputError
from headstart.settings import FitSettings


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to make. [default: runs/NAME-N]")
@click.option(
    "--like", type=click.Path(path_type=Path), help="Repeat this run; options that are given override its own."
)
@click.option("--advice", type=click.Path(path_type=Path), help="Do what this folder of headstart advise says.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with this run, which was interrupted.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--dry-run", is_flag=True, help="Print the settings as JSON and do nothing.")
@settings_options()
def command(
    data: str | None,
    out: Path | None,
    like: Path | None,
    advice: Path | None,
    resume: Path | None,
    is_json: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Fits, or with --dry-run says with what it would."""
    asked, settings, out = _asked(data, out, like, advice, resume, given)
    if dry_run:
        click.echo(_show.as_json({"data": asked, "settings": dataclasses.asdict(settings)}))
        return
    _fit(asked, settings, out=out, resume=resume is not None, is_json=is_json)


def _asked(
    data: str | None,
    out: Path | None,
    like: Path | None,
    advice: Path | None,
    resume: Path | None,
    given: Mapping[str, Any],
) -> tuple[str, FitSettings, Path]:
    """The data, the settings and the run folder."""
    if resume is not None:
        if any((data, out, like, advice)) or any(value is not None for value in given.values()):
            raise click.UsageError("--resume goes on with everything as it was. Give it alone, or with --json.")
        return _begun(resume)
    if like is not None and advice is not None:
        raise click.UsageError("--like and --advice both say how to go about it. Give one of them.")
    asked, base = (data, _advised(advice)) if like is None else _repeat(like, data, given)
    if asked is None:
        raise click.UsageError("DATA is missing. Give a file, a folder or a data set's id, or --like RUN.")
    return asked, settings_of(given, base=base), api.fresh_folder(asked) if out is None else out


def _advised(advice: Path | None) -> FitSettings:
    """The settings that carry out advice; without any the defaults."""
    if advice is None:
        return FitSettings()
    from headstart.advising import ADVICE, carried_out

    try:
        facts = json.loads((advice / ADVICE).read_text(encoding="utf-8"))
        return api.settings_from(carried_out(facts))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f'"{advice / ADVICE}" cannot be read. --advice takes a folder of headstart advise.'
        ) from error


def _begun(out: Path) -> tuple[str, FitSettings, Path]:
    """The data and settings of an interrupted run."""
    found = folder.request(out)
    if not isinstance(found["data"], str):
        raise OutputError(f'"{out}" learnt from data in memory. Go on with headstart.fit(data, out=..., resume=True).')
    return found["data"], api.settings_from(found["settings"]), out


def _fit(data: str, settings: FitSettings, *, out: Path, resume: bool, is_json: bool) -> None:
    from headstart import launch, run
    from headstart.cli._progress import listening

    with listening() as listener:
        done = run.fit(data, settings, out=out, resume=resume, listener=listener)
    if not launch.is_first():
        return
    where = {"model folder": done.folder / "model", "page": done.folder / "report.html"}
    if is_json:
        click.echo(_show.as_json({"run": done.folder, **where, "scores": done.scores}))
    else:
        click.echo("\n".join([*_show.scores(done.scores), "", *_show.places(where)]))


def _repeat(earlier: Path, data: str | None, given: Mapping[str, Any]) -> tuple[str, FitSettings]:
    """The data and settings of an earlier run, without those that what is given now makes meaningless."""
    path = earlier / "run.json"
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        model, asked = recorded["model"], recorded["data"]["asked"]
        name, revision = f"{model['source']}:{model['name']}", model["revision"]
        settings = _unfrozen(api.settings_from(recorded["settings"]), given)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f'"{path}" cannot be read. --like takes the folder of a finished run.') from error
    if given["model"] is not None:
        settings = dataclasses.replace(settings, revision=None)
    else:
        # What was chosen then now has a name, so that a newer model or commit does not slip in.
        settings = dataclasses.replace(
            settings, model=name if settings.model is None else settings.model, revision=revision
        )
    return asked if data is None else data, settings


def _unfrozen(recorded: FitSettings, given: Mapping[str, Any]) -> FitSettings:
    """An earlier run's settings without what `freeze` came to there, or without it where another word replaces it."""
    if given["freeze"] is not None:
        kept = recorded.strategy if recorded.strategy == "lora" else FitSettings().strategy
        return dataclasses.replace(recorded, strategy=kept, top=None)
    if recorded.freeze is None:
        return recorded
    if given["strategy"] is not None or given["top"] is not None:
        return dataclasses.replace(recorded, freeze=None)
    return dataclasses.replace(recorded, top=None)
