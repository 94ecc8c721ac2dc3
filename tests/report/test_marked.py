"""Entities are marked where they are, and nothing of a text becomes markup."""

from __future__ import annotations

from headstart.data.truths.spans import Span
from headstart.report import marked
from headstart.report.marked import Piece

TEXT = "Ada met Bob in Bonn"
SPANS = (Span(15, 19, "LOC"), Span(0, 3, "PER"))


def told(pieces: list[Piece]) -> list[tuple[str, str | None]]:
    return [(piece.text, piece.label) for piece in pieces]


def test_pieces_make_the_whole_text_again() -> None:
    assert told(marked.pieces(TEXT, SPANS)) == [("Ada", "PER"), (" met Bob in ", None), ("Bonn", "LOC")]
    assert "".join(piece.text for piece in marked.pieces(TEXT, SPANS)) == TEXT


def test_a_label_has_the_same_colour_everywhere() -> None:
    assert marked.pieces("Ada", [Span(0, 3, "PER")])[0].hue == marked.pieces(TEXT, SPANS)[0].hue == marked.hue("PER")


def test_of_a_long_text_the_part_with_the_first_mistake_is_shown() -> None:
    text = "x " * 200 + "Ada ran " + "y " * 200
    real, said = marked.shown(text, [Span(400, 403, "PER")], [], length=120)
    assert ("Ada", "PER") in told(real)
    assert told(said)[0] == ("…", None)
    assert told(said)[-1] == ("…", None)
    assert sum(len(piece.text) for piece in said) == 122


def test_of_a_short_text_all_is_shown() -> None:
    real, said = marked.shown(TEXT, SPANS, [], length=320)
    assert told(real) == told(marked.pieces(TEXT, SPANS))
    assert told(said) == [(TEXT, None)]


def test_a_page_escapes_texts_and_labels_and_loads_nothing() -> None:
    page = marked.page("<t>", [("<b>Ada</b> & co", [Span(3, 6, "<i>")])])
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "<t>" not in page
    assert "http" not in page
