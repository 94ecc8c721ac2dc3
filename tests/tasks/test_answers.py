"""Answers are judged as SQuAD's published evaluation judges them; every expected figure was worked out by hand."""

from __future__ import annotations

import pytest

from headstart.tasks.spans import answers_judged

NORMALISED = {
    "an article": ("the Eiffel Tower", "eiffel tower"),
    "articles in the middle": ("in a house by an old road", "in house by old road"),
    "an article as part of a word stays": ("theatre, another, Anna", "theatre another anna"),
    "an article alone": ("The", ""),
    "an article before a full stop": ("a. b", "b"),
    "punctuation": ("U.S. (1945-1950)!", "us 19451950"),
    "an apostrophe joins": ("Newton's law", "newtons law"),
    "currency and percent": ("$3.5 %", "35"),
    "spaces of all kinds": ("  two\t\n words ", "two words"),
    "a hyphen around an article": ("state-of-the-art", "stateoftheart"),
    "typographic quotes stay": ("“Yes”", "“yes”"),
    "a long dash stays": ("1945–1950", "1945–1950"),
    "accents stay": ("Café DÉJÀ", "café déjà"),
    "Chinese stays": ("北京。", "北京。"),
    "upper case beyond ASCII": ("ÅNGSTRÖM", "ångström"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "expected"), NORMALISED.values(), ids=NORMALISED)
def test_an_answer_is_normalised(text: str, expected: str) -> None:
    assert answers_judged.normalised(text) == expected


JUDGED = {
    # given, golds, exact match, F1
    "the same": ("Paris", ["Paris"], 1.0, 1.0),
    "but for article and full stop": ("The Paris.", ["paris"], 1.0, 1.0),
    "one of several": ("1973", ["October 1973", "1973"], 1.0, 1.0),
    "half of the words": ("October", ["October 1973"], 0.0, 2 / 3),
    "the most alike of several": ("in October 1973", ["1973", "October 1973"], 0.0, 4 / 5),
    "a word too many": ("big red dog", ["red dog"], 0.0, 4 / 5),
    "words in another order": ("dog red", ["red dog"], 0.0, 1.0),
    "a word twice, gold once": ("no no", ["no"], 0.0, 2 / 3),
    "nothing in common": ("London", ["Paris"], 0.0, 0.0),
    "nothing given": ("", ["Paris"], 0.0, 0.0),
    "only an article given": ("the", ["Paris"], 0.0, 0.0),
    "rightly nothing": ("", [], 1.0, 1.0),
    "wrongly something": ("Paris", [], 0.0, 0.0),
    "a gold that is an article is none": ("", ["the"], 1.0, 1.0),
    "such a gold beside another": ("a", ["The", "cat"], 0.0, 0.0),
    "hyphen against space": ("two-thirds", ["two thirds"], 0.0, 0.0),
    "possessive": ("Newton’s law", ["Newton's law"], 0.0, 1 / 2),
    "Chinese without spaces is one word": ("北京市", ["北京"], 0.0, 0.0),
}


@pytest.mark.parametrize(("given", "golds", "exact", "overlap"), JUDGED.values(), ids=JUDGED)
def test_an_answer_is_judged(given: str, golds: list[str], exact: float, overlap: float) -> None:
    assert answers_judged.exact_match(given, golds) == exact
    assert answers_judged.f1(given, golds) == pytest.approx(overlap)
