"""Figures and warnings from token counts."""

from __future__ import annotations

import pytest

from headstart.data.findings.lengths import token_facts


def test_counts_become_figures() -> None:
    facts, warnings = token_facts([5, 10, 30], limit=20, words=[4, 8, 18], unknown=[0, 0, 9], long="cut")

    assert facts["tokens.cut"] == 1
    assert facts["tokens.lost"] == 10
    assert facts["tokens.per.word"] == 1.5
    assert facts["tokens.unknown"] == 0.2
    assert [problem.kind for problem in warnings] == ["texts-cut", "unknown-tokens"]


def test_words_in_shreds_are_warned_of() -> None:
    _, warnings = token_facts([30], limit=512, words=[10], unknown=[0], long="cut")

    assert [problem.kind for problem in warnings] == ["words-in-shreds"]


def test_ordinary_texts_give_no_warning() -> None:
    assert token_facts([13] * 100, limit=512, words=[10] * 100, unknown=[0] * 100, long="cut")[1] == []


@pytest.mark.parametrize(("long", "part"), [("cut", "end"), ("head-tail", "middle")])
def test_a_warning_says_which_part_of_long_texts_is_lost(long: str, part: str) -> None:
    _, (warning,) = token_facts([5, 30], limit=20, words=[5, 30], unknown=[0, 0], long=long)
    assert f"lose their {part}. Raise" in warning.message


def test_texts_read_in_parts_lose_nothing() -> None:
    facts, warnings = token_facts([5, 30], limit=20, words=[5, 30], unknown=[0, 0], long="chunks")
    assert (facts["tokens.cut"], facts["tokens.lost"], warnings) == (0, 0, [])
