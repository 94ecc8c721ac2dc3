"""Encode texts, images or recordings with MODEL: vectors in a .npz or .parquet file, in flat memory.

INPUTS are text files (an item is a line), tables (CSV, TSV, JSONL, Parquet: an item is a row), images, recordings or
folders of them; - reads lines from stdin. Blank lines are passed over.

\b
Examples:
  headstart encode sentence-transformers/all-MiniLM-L6-v2 new.txt --out vectors.npz
  headstart encode dir:models/resnet-18 photos/ --out photos.parquet
  echo "Hello, my dog is cute" | headstart encode google-bert/bert-base-uncased - --tokens --layers all --out hello.npz
  echo "Hello, my dog is cute" | headstart encode google-bert/bert-base-uncased - --attention attention.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headstart.cli import _show
from headstart.cli._options import settings_of, settings_options
from headstart.errors import DataError, OutputError

if TYPE_CHECKING:
    from headstart.encoding.encoder import Encoder
    from headstart.progress import Listener


@click.command(help=__doc__)
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), help="File to write: .npz or .parquet.")
@click.option("--tokens", is_flag=True, help="Also write every token's id, what it covers, and its hidden state.")
@click.option("--layers", default="last", show_default=True, help="last, all, a number, or a range such as 3-6.")
@click.option("--attention", type=click.Path(path_type=Path), help="Page to draw the first text's attention maps on.")
@settings_options("columns", "max_length", "precision", "revision", "offline", "trust")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object about what was written.")
def command(model: str, inputs: tuple[str, ...], **given: Any) -> None:
    """Encodes and writes."""
    from headstart.cli import _vectors
    from headstart.cli._items import stream_items
    from headstart.cli._progress import listening
    from headstart.encoding.encoder import load_backbone

    out, page = given.pop("out"), given.pop("attention")
    is_json, tokens, layers = (given.pop(name) for name in ("is_json", "tokens", "layers"))
    if out is None and page is None:
        raise click.UsageError("Name a file to write with --out, or a page with --attention.")
    if out is not None:
        _vectors.writer_for(out)
    settings = settings_of(given)
    encoder = load_backbone(
        model,
        revision=settings.revision,
        offline=settings.offline,
        trust=settings.trust,
        precision=settings.precision,
    )
    items = stream_items(inputs, _field(encoder), task="encode", columns=settings.columns)
    facts: dict[str, Any] = {}
    if page is not None:
        items = _draw(encoder, items, page)
        facts["attention"] = str(page)
    if out is not None:
        with listening() as listener, _vectors.writing(out) as add:
            rows = _write(encoder, items, add, listener, tokens=tokens, layers=layers, max_length=settings.max_length)
        facts |= {"rows": rows, "vectors": str(out)}
    click.echo(_show.as_json(facts) if is_json else "\n".join(_show.places(facts)))


def _field(encoder: Encoder) -> Any:
    """How items of the model's modality are found in files."""
    from headstart.contracts import Field

    names = {
        "text": ("sentence", "review", "content", "body"),
        "image": ("file_name", "image_path", "path", "filename"),
        "audio": ("file_name", "audio_path", "path", "filename"),
    }
    modality = encoder.backbone.modality
    return Field(modality, modality, "what is encoded", aliases=names[modality])


def _write(
    encoder: Encoder, items: Iterable[str], add: Any, listener: Listener, *, tokens: bool, layers: str, max_length: Any
) -> int:
    """Encodes and writes part by part; how many items that were."""
    from headstart.progress import Advance, Stage

    listener(Stage("encode", str(encoder.backbone.ref)))
    coming, going = itertools.tee(items)
    rows = 0
    for part in encoder.stream(coming, layers=layers, states=tokens, max_length=max_length, listener=listener):
        add(list(itertools.islice(going, len(part))), part)
        rows += len(part)
        listener(Advance("encode", rows, None, unit="items"))
    if not rows:
        raise DataError("There is nothing to encode. Expected at least one line, row or file.")
    return rows


def _draw(encoder: Encoder, items: Iterator[str], page: Path) -> Iterator[str]:
    """Writes the page for the first item, and gives all items back, that one too."""
    from headstart.encoding import attention
    from headstart.report import maps

    first = next(items, None)
    if first is None:
        raise DataError("There is nothing to encode. Expected at least one line, row or file.")
    if page.exists():
        raise OutputError(f'"{page}" exists already. Choose another --attention, or move it away.')
    tokens, weights = attention.of(encoder.backbone, first)
    try:
        page.write_text(maps.page(str(encoder.backbone.ref), tokens, weights), encoding="utf-8")
    except OSError as error:
        raise OutputError(f'"{page}" cannot be written: {error.strerror}. Choose another --attention.') from error
    return itertools.chain([first], items)
