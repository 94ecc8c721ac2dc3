"""Predict with the model of RUN: one JSON object for each item on stdout, or a file with --out.

FILES are text files (an item is a line), tables (CSV, TSV, JSONL, Parquet: an item is a row), images,
recordings, or folders of these; - reads lines from stdin. Blank lines are passed over.

\b
Examples:
  headstart predict runs/reviews-1 new.txt
  echo "Lovely." | headstart predict runs/reviews-1 -
  headstart predict runs/reviews-1 new.csv --columns text=review --out answers.parquet
  headstart predict runs/photos-1 inbox/
  echo '{"premise": "A man sings.", "hypothesis": "It is silent."}' | headstart predict runs/pairs-1 -
  headstart predict runs/names-1 letters.txt --html letters.html
  headstart predict runs/speech-1 talk.flac --subtitles talk.vtt
  headstart predict runs/cells-1 slides/ --draw drawn/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headstart.cli import _show
from headstart.cli._options import settings_options
from headstart.progress import Advance, Listener, Stage, silent

if TYPE_CHECKING:
    from headstart.cli._items import Item
    from headstart.model import Model

ITEMS_AT_A_TIME = 512
"""Answers appear after this many items; far more than a batch, so that sorting by length still pays."""


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True)
@settings_options("columns", "trust")
@click.option("--out", type=click.Path(path_type=Path), help="File to write instead: .jsonl, .csv or .parquet.")
@click.option(
    "--html", type=click.Path(path_type=Path), help="Page to write with the entities or answers in texts marked."
)
@click.option(
    "--subtitles",
    type=click.Path(path_type=Path),
    help="Folder to write what is said in recordings to, as .srt; or a file, .srt or .vtt, for one recording.",
)
@click.option(
    "--draw", type=click.Path(path_type=Path), help="Folder to write each picture to with what is found in it drawn on."
)
@click.option("--masks", type=click.Path(path_type=Path), help="Folder to write the mask of each picture to, as PNG.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of one for each item.")
def command(
    run: Path,
    files: tuple[str, ...],
    columns: str | None,
    trust: bool | None,
    out: Path | None,
    html: Path | None,
    subtitles: Path | None,
    draw: Path | None,
    masks: Path | None,
    is_json: bool,
) -> None:
    """Predicts and prints or writes."""
    from headstart import model as models
    from headstart.cli import _draw, _subtitles, _write
    from headstart.cli._items import read_items
    from headstart.cli._progress import listening

    if out is not None:
        _write.writer_for(out)
    model = models.load(run, trust=bool(trust))
    if html is not None:
        _write.verify_page(html, model.task.fields)
    if subtitles is not None:
        _subtitles.verify(subtitles, any(field.kind == "transcript" for field in model.task.fields))
    if draw is not None:
        _draw.verify(draw, model.task)
    if masks is not None:
        _draw.verify_masks(masks, model.task)
    fields = [field for field in model.task.fields if field.name != "label"]
    items = read_items(files, fields, task=model.task_name, columns=columns)
    names = [field.name for field in fields]
    if out is None and html is None and subtitles is None and not is_json:
        # Answers are progress enough, and bars would be drawn over them.
        for number, answer in enumerate(predictions(model, items, names=names, listener=silent)):
            click.echo(_show.as_json(answer))
            _draw.write_all(answer, number, draw, masks)
        return
    with listening() as listener:
        found = list(predictions(model, items, names=names, listener=listener))
    for number, answer in enumerate(found):
        _draw.write_all(answer, number, draw, masks)
    if out is not None:
        _write.write(found, out)
    if html is not None:
        _write.write_page(found, html, title=f"{run.name}, {', '.join(Path(file).name for file in files)}")
    if subtitles is not None:
        _subtitles.write(found, subtitles)
    click.echo(_show.as_json({"predictions": found}) if is_json else out or html or subtitles)


def predictions(
    model: Model, items: Sequence[Item], *, names: Sequence[str], listener: Listener
) -> Iterator[dict[str, Any]]:
    """Each item under its fields' names, with what the model says of it."""
    listener(Stage("predict", f"{len(items):,} items"))
    for start in range(0, len(items), ITEMS_AT_A_TIME):
        some = items[start : start + ITEMS_AT_A_TIME]
        for item, prediction in zip(some, model.predict(some), strict=True):
            parts = (item,) if isinstance(item, str) else item
            yield {**dict(zip(names, parts, strict=True)), **prediction}
        listener(Advance("predict", min(start + len(some), len(items)), len(items), unit="items"))
