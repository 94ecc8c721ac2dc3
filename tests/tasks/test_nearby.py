"""Answers without a model are sentences of the text, and names in them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from headstart.contracts import Rows
from headstart.tasks.spans import nearby

TEXT = "Ada was born in Bonn. She met Grace Hopper in 1973, by train. They laughed!"


def rows(*questions: str) -> Rows:
    return Rows(pa.table({"question": list(questions), "context": [TEXT] * len(questions)}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, ["Ada was born in Bonn.", "She met Grace Hopper in 1973, by train.", "They laughed!"]),
        ("It cost 3.5 million.", ["It cost 3.5 million."]),
        ("北京很大。天气好！", ["北京很大。", "天气好！"]),
        ("no end", ["no end"]),
        (" ", [" "]),
    ],
    ids=["English", "a number with a point", "Chinese", "no mark", "nothing"],
)
def test_a_text_is_split_into_its_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in nearby.split(text)] == expected


def test_the_sentence_that_shares_words_with_the_question_is_found() -> None:
    asked = rows("Where was Ada born?", "Whom did she meet by train?")
    found = [TEXT[start:end] for start, end in nearby.sentences(asked, asked)]
    assert found == ["Ada was born in Bonn.", "She met Grace Hopper in 1973, by train."]


def test_the_longest_name_that_the_question_has_not_is_found() -> None:
    asked = rows("Where was Ada born?", "Whom did she meet by train?", "Why did they laugh?")
    places = nearby.split(TEXT)
    assert [TEXT[start:end] for start, end in nearby.names(asked, places)] == ["Bonn", "Grace Hopper", "They laughed!"]
