"""Answers in every form they are written in are found where they stand, and what is wrong with one is said."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.data.part import MISSING
from headstart.data.problems import Fault
from headstart.data.truths import answers

CONTEXT = "Anna was born in 1973. In 1973 she was small."
BORN = {"text": "1973", "start": 17}
LATER = {"text": "1973", "start": 26}
GOOD = {
    "a text": ("1973", [BORN]),
    "texts in a list": (["1973", "Anna"], [BORN, {"text": "Anna", "start": 0}]),
    "as the Hub has SQuAD": ({"text": ["1973"], "answer_start": [26]}, [LATER]),
    "as SQuAD's file has them": ([{"text": "1973", "answer_start": 26}], [LATER]),
    "one text with one start": ({"text": "1973", "answer_start": 26}, [LATER]),
    "without starts": ({"text": ["1973"]}, [BORN]),
    "under another name": ([{"text": "1973", "start": 26}], [LATER]),
    "a start as tables have it": ([{"text": "1973", "answer_start": 26.0}], [LATER]),
    "JSON in a cell": ('{"text": ["1973"], "answer_start": [26]}', [LATER]),
    "a list in a cell": ('["1973"]', [BORN]),
    "no answer": ([], []),
    "no answer in a cell": ("[]", []),
    "no answer as the Hub has it": ({"text": [], "answer_start": []}, []),
    "the same answer twice": (["1973", "1973"], [BORN, BORN]),
}


@pytest.mark.parametrize(("value", "expected"), GOOD.values(), ids=GOOD)
def test_answers_are_found(value: Any, expected: list[answers.Answer]) -> None:
    assert answers.placed(value, CONTEXT) == expected


def test_an_answer_in_brackets_is_an_answer() -> None:
    assert answers.placed("[1973]", "as in [1973] ") == [{"text": "[1973]", "start": 6}]


BAD = {
    "nothing": (None, "empty-answer", "write [] where"),
    "an empty cell": ("", "empty-answer", "write [] where"),
    "no such column in the row": (MISSING, "empty-answer", "Fill it in"),
    "a number": (1973, "not-an-answer", '"1973" is of type int'),
    "not in the context": ("1974", "answer-not-in-context", '"1974" does not occur in the context. Copy it'),
    "other capitals": ("anna", "answer-not-in-context", "with other capitals or spaces"),
    "two spaces": ("was  born", "answer-not-in-context", "with other capitals or spaces"),
    "at another place": ([{"text": "1973", "answer_start": 0}], "answer-misplaced", 'the context has "Anna"'),
    "beyond the end": ([{"text": "1973", "answer_start": 99}], "answer-misplaced", "the context ends at 45"),
    "a negative start": ([{"text": "1973", "answer_start": -1}], "not-a-start", 'starts at "-1"'),
    "half a character": ([{"text": "1973", "answer_start": 17.5}], "not-a-start", 'starts at "17.5"'),
    "a word as start": ([{"text": "1973", "answer_start": "17"}], "not-a-start", 'starts at "17"'),
    "a truth value as start": ([{"text": "1973", "answer_start": True}], "not-a-start", 'starts at "True"'),
    "more starts than texts": ({"text": ["1973"], "answer_start": [1, 2]}, "answers-uneven", "1 answers and 2 starts"),
    "one start for two texts": ({"text": ["1973", "Anna"], "answer_start": 17}, "answers-uneven", "2 answers and 1"),
    "no texts": ({"answer_start": [17]}, "not-an-answer", 'no list "text"'),
    "an empty answer among others": (["1973", " "], "empty-answer", "an answer is empty"),
    "an answer without text": ([{"answer_start": 17}], "empty-answer", "has no text"),
}


@pytest.mark.parametrize(("value", "kind", "said"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(value: Any, kind: str, said: str) -> None:
    fault = answers.placed(value, CONTEXT)
    assert isinstance(fault, Fault)
    assert fault.kind == kind
    assert said in fault.said
