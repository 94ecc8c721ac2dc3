"""Figures and warnings from token counts."""

from __future__ import annotations

from headstart.data.lengths import token_facts


def test_counts_become_figures() -> None:
    facts, warnings = token_facts([5, 10, 30], limit=20, words=[4, 8, 18], unknown=[0, 0, 9])

    assert facts["tokens.cut"] == 1
    assert facts["tokens.per.word"] == 1.5
    assert facts["tokens.unknown"] == 0.2
    assert [problem.kind for problem in warnings] == ["texts-cut", "unknown-tokens"]


def test_words_in_shreds_are_warned_of() -> None:
    _, warnings = token_facts([30], limit=512, words=[10], unknown=[0])

    assert [problem.kind for problem in warnings] == ["words-in-shreds"]


def test_ordinary_texts_give_no_warning() -> None:
    assert token_facts([13] * 100, limit=512, words=[10] * 100, unknown=[0] * 100)[1] == []
