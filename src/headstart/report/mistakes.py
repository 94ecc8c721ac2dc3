"""The rows a model got wrong while being most sure of itself, with their text or a small picture.

Only `predictions.parquet` is read, and the pictures its rows name where they still are.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.data import images
from headstart.data.truths import answers, boxes, labels, masks, spans
from headstart.data.truths.spans import Span
from headstart.data.truths.transcripts import aligned
from headstart.report import drawn, marked
from headstart.report.marked import Piece
from headstart.report.words import shortened

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL import Image

SHOWN = 12
TEXT_LENGTH = 320
WRONG = "wrong_words"
"""The column that predictions have where they are transcripts: how many words are wrong, by which the worst is told."""
WORDS = 60
"""Of a transcript that are shown."""
SIDE = 120
"""Longest side of a picture on the page, in pixels."""
OVERLAP = "mean_iou"
"""The column that predictions have where they are masks: how well each fits, by which the worst is told."""
BOXED = 240
"""The same where things in it are to be seen."""


@dataclass(frozen=True)
class Mistake:
    """One row, what it is, what the model took it for, and how sure it was."""

    truth: str
    prediction: str
    confidence: float
    file: str
    row: int
    text: str | None
    picture: str | None
    """A data URI; None for text, and for a picture that is no longer at its place."""
    real: list[Piece] | None = None
    """The text with its true entities marked, where rows have entities; `said` with those that were found."""
    said: list[Piece] | None = None
    asked: str | None = None
    """The question, where the text was asked one."""
    found: str | None = None
    """The picture with what was found drawn on it, where `picture` has what is there."""


def worst(predictions: Path, *, count: int = SHOWN) -> tuple[list[Mistake], int]:
    """The most confident mistakes, worst first, and how many mistakes there are in all.

    Args:
        predictions: The predictions.parquet of a run.
        count: How many to show.
    """
    from pyarrow import parquet

    names = parquet.read_schema(predictions).names
    content = "image" if "image" in names else next(name for name in names if name != "label")
    contents = [content, *(name for name in ("context", "text_pair") if name in names)]
    columns = [*dict.fromkeys(contents), "label", "file", "row", "prediction", "confidence"]
    columns += [name for name in (OVERLAP, WRONG) if name in names]
    table = parquet.read_table(predictions, columns=columns, filters=[("correct", "==", False)])
    first = ("confidence", "descending")
    if OVERLAP in names or WRONG in names:
        first = (OVERLAP, "ascending") if OVERLAP in names else (WRONG, "descending")
    order = [first, ("file", "ascending"), ("row", "ascending")]
    return _mistakes(table.sort_by(order).slice(0, count), content), table.num_rows


def _mistakes(table: pa.Table, content: str) -> list[Mistake]:
    if {"question", "context"} <= set(table.column_names):
        return list(map(_of_an_answer, table.to_pylist()))
    if WRONG in table.column_names:
        return list(map(_of_a_transcript, table.to_pylist()))
    if OVERLAP in table.column_names:
        return list(map(_of_a_mask, table.to_pylist()))
    said = [*table["label"].to_pylist(), *table["prediction"].to_pylist()]
    if content == "image" and boxes.are_boxes(said):
        return list(map(_of_boxes, table.to_pylist()))
    if spans.are_spans(said):
        return list(map(_of_entities, table.to_pylist()))
    told = _listed if labels.are_lists(said) else str
    return [
        Mistake(
            truth=told(row["label"]),
            prediction=told(row["prediction"]),
            confidence=float(row["confidence"]),
            file=Path(row["file"]).name,
            row=int(row["row"]),
            text=None if content == "image" else shortened(_both(row, content), TEXT_LENGTH),
            picture=thumbnail(Path(row[content])) if content == "image" else None,
        )
        for row in table.to_pylist()
    ]


def _both(row: Mapping[str, Any], content: str) -> str:
    """The text, or both of a pair."""
    return f"{row[content]} ‖ {row['text_pair']}" if "text_pair" in row else str(row[content])


def _listed(names: str) -> str:
    """Several labels as one reads them."""
    return ", ".join(labels.loads(names)) or "none"


def _of_a_transcript(row: Mapping[str, Any]) -> Mistake:
    """What was said in a recording beside what was heard, each with the words marked that the other has not."""
    pairs = aligned(row["label"], row["prediction"])
    return Mistake(
        truth=shortened(row["label"], TEXT_LENGTH),
        prediction=shortened(row["prediction"], TEXT_LENGTH),
        confidence=float(row["confidence"]),
        file=Path(row["file"]).name,
        row=int(row["row"]),
        text=f"{Path(row['audio']).name}: {row[WRONG]} wrong words",
        picture=None,
        real=_marked_words([(one, "missed" if not other else "taken for another") for one, other in pairs], pairs),
        said=_marked_words([(other, "added" if not one else "wrong") for one, other in pairs], pairs),
    )


def _marked_words(words: list[tuple[str, str]], pairs: list[tuple[str, str]]) -> list[Piece]:
    """The words of one side, those marked that stand beside another."""
    found: list[Piece] = []
    for (word, fault), (one, other) in zip(words[:WORDS], pairs, strict=False):
        if word:
            found += [Piece(word) if one == other else Piece(word, fault, marked.hue(fault)), Piece(" ")]
    return found + ([Piece("…")] if len(words) > WORDS else [])


def _of_entities(row: Mapping[str, Any]) -> Mistake:
    """A row whose entities were not all found, or some of them where there are none."""
    real, said = spans.loads(row["label"]), spans.loads(row["prediction"])
    return _in_context(row, "text", real, said, "entities")


def _of_an_answer(row: Mapping[str, Any]) -> Mistake:
    """A question that was answered otherwise than by any that counts as right; the first of these is shown."""
    real, said = (
        [Span(one["start"], one["start"] + len(one["text"]), "answer") for one in answers.loads(row[column])[:1]]
        for column in ("label", "prediction")
    )
    return replace(_in_context(row, "context", real, said, "answers"), asked=row["question"])


def _in_context(row: Mapping[str, Any], content: str, real: list[Span], said: list[Span], plural: str) -> Mistake:
    true_pieces, said_pieces = marked.shown(row[content], real, said, length=TEXT_LENGTH)
    return Mistake(
        truth=f"{len(real)} {plural}",
        prediction=f"{len(said)} {plural}",
        confidence=float(row["confidence"]),
        file=Path(row["file"]).name,
        row=int(row["row"]),
        text=shortened(row[content], TEXT_LENGTH),
        picture=None,
        real=true_pieces,
        said=said_pieces,
    )


def _of_boxes(row: Mapping[str, Any]) -> Mistake:
    """A picture in which not all boxes were found, or some where there are none: drawn with the true and with those."""
    real, said = (
        [{"label": box.label, "box": box.edges} for box in boxes.loads(row[column]) if not box.is_crowd]
        for column in ("label", "prediction")
    )
    small = _opened(Path(row["image"]))
    whole = images.size_if_known(row["image"])
    pictures: list[str | None] = [None, None]
    if small is not None and whole is not None:
        small = _resized(small.convert("RGB"), BOXED)
        pictures = [_data_uri(drawn.boxed(small, some, scale=small.size[0] / whole[0])) for some in (real, said)]
    return Mistake(
        truth=f"{len(real)} boxes",
        prediction=f"{len(said)} boxes",
        confidence=float(row["confidence"]),
        file=Path(row["file"]).name,
        row=int(row["row"]),
        text=None,
        picture=pictures[0],
        found=pictures[1],
    )


def _of_a_mask(row: Mapping[str, Any]) -> Mistake:
    """A picture whose mask was not found to the pixel: drawn with the true one and with that."""
    real, said = masks.loads(row["label"]), masks.loads(row["prediction"])
    small = _opened(Path(row["image"]))
    small = None if small is None else _resized(small.convert("RGB"), BOXED)
    uris = [None if small is None else _data_uri(drawn.masked(small, mask)) for mask in (real, said)]
    return Mistake(
        truth=f"{len(real.regions)} classes",
        prediction=f"mean IoU {row[OVERLAP]:.3f}",
        confidence=float(row["confidence"]),
        file=Path(row["image"]).name,
        row=int(row["row"]),
        text=None,
        picture=uris[0],
        found=uris[1],
    )


def thumbnail(path: Path) -> str | None:
    """The picture as a small data URI, or None where it can no longer be read; tiny ones are enlarged unblurred."""
    small = _opened(path)
    return None if small is None else _data_uri(_resized(small, SIDE))


def _opened(path: Path) -> Image.Image | None:
    """The picture as one sees it, large ones already made smaller where that is cheap."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * BOXED, 2 * BOXED))
            upright = ImageOps.exif_transpose(image)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _resized(image: Image.Image, side: int) -> Image.Image:
    from PIL import Image

    factor = side / max(image.size)
    how = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), how)


def _data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=82)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
