"""Texts with their entities marked: cut into pieces for a page, or a page of nothing else.

Pieces are plain text; the layout escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from headstart.data.truths.spans import Span
from headstart.report import layout

BEFORE = 80
"""Characters shown before the first mistake of a long text."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text, with the label of the entity that it is, and the hue it is marked in."""

    text: str
    label: str | None = None
    hue: int = 0


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """The text from beginning to end, entities and what lies between them."""
    found, at = [], 0
    for span in sorted(spans, key=lambda one: one.start):
        found += [Piece(text[at : span.start]), Piece(text[span.start : span.end], span.label, hue(span.label))]
        at = span.end
    return [piece for piece in [*found, Piece(text[at:])] if piece.text]


def hue(label: str) -> int:
    """The colour of a label, the same on every page."""
    return sum(label.encode()) * 47 % 360


def shown(text: str, truth: Sequence[Span], found: Sequence[Span], *, length: int) -> tuple[list[Piece], list[Piece]]:
    """The part of a text where truth and what was found first differ, each marked; the whole where it is short."""
    wrong = sorted(set(truth) ^ set(found), key=lambda span: span.start)
    start = max(0, wrong[0].start - BEFORE) if wrong and len(text) > length else 0
    stop = min(len(text), start + length)
    inside = [
        [_moved(span, start) for span in spans if start <= span.start and span.end <= stop] for spans in (truth, found)
    ]
    part = text[start:stop]
    ends = Piece("…") if start else None, Piece("…") if stop < len(text) else None
    real, said = (_between(pieces(part, spans), *ends) for spans in inside)
    return real, said


def _moved(span: Span, start: int) -> Span:
    return replace(span, start=span.start - start, end=span.end - start)


def _between(middle: list[Piece], before: Piece | None, after: Piece | None) -> list[Piece]:
    return [piece for piece in (before, *middle, after) if piece is not None]


def page(title: str, items: Sequence[tuple[str, Sequence[Span]]]) -> str:
    """One self-contained page of texts with their entities; everything from the texts is escaped."""
    labels = sorted({span.label for _, spans in items for span in spans})
    texts = [pieces(text, spans) for text, spans in items]
    legend = [Piece(label, label, hue(label)) for label in labels]
    return layout.filled("marked.html", {"title": title, "texts": texts, "legend": legend})
