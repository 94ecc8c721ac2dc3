"""A file in SQuAD's form is read question by question, and what is out of form is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headstart.data.formats import squad
from headstart.errors import DataError

ANSWER = [{"text": "1973", "answer_start": 3}]


def asked(*questions: Any, context: str = "in 1973") -> dict[str, Any]:
    return {"version": "1.1", "data": [{"title": "T", "paragraphs": [{"context": context, "qas": list(questions)}]}]}


def rows(value: dict[str, Any]) -> tuple[list[int], list[Any], list[str]]:
    """Row numbers, answers and messages."""
    part = squad.open_squad(value, Path("some/train.json"), "train.json")
    (chunk,) = part.chunks(("question", "answers"))
    return list(chunk.rows), list(chunk.columns["answers"]), [problem.message for problem in chunk.problems]


def test_every_question_is_a_row_with_its_context() -> None:
    value = asked(
        {"id": "a", "question": "when?", "answers": ANSWER}, {"id": "b", "question": "how?", "answers": ANSWER}
    )
    part = squad.open_squad(value, Path("train.json"), "train.json")
    assert part.sample["id"] == ["a", "b"]
    assert part.sample["context"] == ["in 1973"] * 2
    assert rows(value) == ([1, 2], [ANSWER, ANSWER], [])


def test_a_question_marked_impossible_has_no_answer() -> None:
    value = asked({"id": "a", "question": "who?", "is_impossible": True, "answers": [], "plausible_answers": ANSWER})
    assert rows(value)[1] == [[]]


GOOD = {"id": "a", "question": "when?", "answers": ANSWER}
BAD = {
    "answers though impossible": ({**GOOD, "is_impossible": True}, 'question "a" is marked "is_impossible"'),
    "no answer though possible": ({**GOOD, "answers": [], "is_impossible": False}, 'question "a" has no answer'),
    "a question that is a word": ("when?", "a question is of type str"),
}


@pytest.mark.parametrize(("question", "said"), BAD.values(), ids=BAD)
def test_a_bad_question_is_named_and_the_others_stay(question: Any, said: str) -> None:
    numbers, _, (message,) = rows(asked(GOOD, question, GOOD))
    assert numbers == [1, 3]
    assert message.startswith("train.json, row 2: ")
    assert said in message


@pytest.mark.parametrize(
    ("article", "said"),
    [
        ({"title": "T"}, 'article 1 of "data" has no list "paragraphs"'),
        ({"title": "T", "paragraphs": [{"context": "c"}]}, 'paragraph 1 of article 1 ("T") has no list "qas"'),
        ({"title": "T", "paragraphs": ["c"]}, 'paragraph 1 of article 1 ("T") has no list "qas"'),
        ("T", 'article 1 of "data" has no list "paragraphs"'),
    ],
    ids=["no paragraphs", "no questions", "a paragraph that is a text", "an article that is a text"],
)
def test_what_is_out_of_form_is_named(article: Any, said: str) -> None:
    value = asked(GOOD)
    message = rows({**value, "data": [article, *value["data"]]})[2][0]
    assert said in message


def test_a_file_without_questions_is_refused() -> None:
    with pytest.raises(DataError, match=r"train.json has no question"):
        squad.open_squad(asked(), Path("train.json"), "train.json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(asked(GOOD), True), ({"data": [{"question": "q"}]}, False), ([GOOD], False), ({"data": {}}, False)],
    ids=["SQuAD", "flat rows", "a list", "no list"],
)
def test_the_form_is_recognised(value: Any, expected: bool) -> None:
    assert squad.is_squad(value) is expected
