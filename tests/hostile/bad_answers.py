"""Malformed questions and answers, each made by one small function in an empty folder, with what must be said."""

from __future__ import annotations

import json
from typing import Any

from bad_data import Build, Case, text_file

CONTEXT = "Ada was born in Bonn."
GOOD = {"question": "Who?", "context": CONTEXT, "answers": {"text": ["Ada"], "answer_start": [0]}}


def flat(**changed: Any) -> Build:
    """rows.jsonl with two good rows and between them one that is changed; None leaves a field out."""
    bad = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return text_file("rows.jsonl", "\n".join(map(json.dumps, (GOOD, bad, GOOD))))


def squad(*questions: Any, **paragraph: Any) -> Build:
    """rows.json in SQuAD's form: a good question, and these."""
    good = {"id": "a", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    value = {"data": [{"title": "t", "paragraphs": [{"context": CONTEXT, "qas": [good, *questions], **paragraph}]}]}
    return text_file("rows.json", json.dumps(value))


def asked(**changed: Any) -> dict[str, Any]:
    return {"id": "b", "question": "Where?", "answers": [{"text": "Bonn", "answer_start": 16}], **changed}


ROW = 'rows.jsonl, row 2, field "label": '
CASES: tuple[Case, ...] = (
    Case("an answer that is not in the context", flat(answers="Berlin"), f'{ROW}the answer "Berlin" does not occur'),
    Case("an answer in other letters", flat(answers="ada"), f"{ROW}the answer"),
    Case("an answer at another place", flat(answers={"text": ["Ada"], "answer_start": [4]}), 'the context has "was"'),
    Case("an answer beyond the end", flat(answers={"text": ["Ada"], "answer_start": [400]}), "the context ends at 21"),
    Case("a start that is a word", flat(answers={"text": ["Ada"], "answer_start": ["0"]}), 'starts at "0". Give'),
    Case("a start below zero", flat(answers={"text": ["Ada"], "answer_start": [-3]}), 'starts at "-3"'),
    Case("fewer starts than texts", flat(answers={"text": ["Ada", "Bonn"], "answer_start": [0]}), "2 answers and 1"),
    Case("an empty answer", flat(answers={"text": [""], "answer_start": [0]}), f"{ROW}an answer is empty"),
    Case("an answer of spaces", flat(answers=["  "]), f"{ROW}an answer is empty"),
    Case("no answers field in a row", flat(answers=None), f"{ROW}the answer is empty"),
    Case("an answer that is a number", flat(answers=1973), f'{ROW}"1973" is of type int'),
    Case("an empty question", flat(question=" "), 'row 2, field "question": the text is empty'),
    Case("no context in a row", flat(context=None), 'row 2, field "context": the text is missing'),
    Case("a context that is a number", flat(context=7), 'row 2, field "context": "7" is of type int'),
    Case("a context with a NUL byte", flat(context="Ada\0 Bonn"), 'field "context": it holds a NUL byte'),
    Case(
        "no column of answers",
        text_file("rows.jsonl", json.dumps({"question": "Who?", "context": CONTEXT})),
        'no column for "label"',
    ),
    Case(
        "a cell with half a list",
        text_file("rows.csv", 'question,context,answers\nWho?,Ada was born.,Ada\nWho?,Ada was born.,"[""Ada"\n'),
        'rows.csv, row 2, field "label": the answer "["Ada" does not occur',
    ),
    Case(
        "SQuAD, answered and impossible", squad(asked(is_impossible=True)), 'rows.json, row 2: question "b" is marked'
    ),
    Case(
        "SQuAD, no answer and not impossible", squad(asked(answers=[])), 'rows.json, row 2: question "b" has no answer'
    ),
    Case("SQuAD, an answer elsewhere", squad(asked(answers=[{"text": "Bonn", "answer_start": 3}])), "it occurs at 16"),
    Case("SQuAD, no question in a question", squad({"id": "b", "answers": []}), "has no answer"),
    Case("SQuAD, a paragraph without questions", squad(qas=[]), "rows.json has no question"),
    Case("JSON that breaks off", text_file("rows.json", '{"data": [{"paragraphs": ['), "rows.json is not valid JSON"),
    Case("JSON that is a number", text_file("rows.json", "17"), "is no list of JSON objects"),
    Case(
        "no row has an answer",
        text_file("rows.jsonl", json.dumps({**GOOD, "answers": []})),
        "no training row has an answer",
    ),
)
