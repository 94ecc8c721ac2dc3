"""Answers as people write them down, each found in the text it was cut out of, or the fault that keeps it from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.data.part import MISSING
from headstart.data.problems import Fault, short

STARTS = ("answer_start", "start")
"""What people call the character an answer begins at."""
Answer = dict[str, Any]
"""Its "text", and the character of the context it begins at, "start"."""


def unified(context: Any, value: Any) -> tuple[Any, Any]:
    """Context and answers of one row, the latter as JSON or as what is wrong with them."""
    if not isinstance(context, str):
        return context, dumps([])  # what is wrong with the context is said of that
    found = placed(value, context)
    return context, found if isinstance(found, Fault) else dumps(found)


def dumps(answers: Sequence[Mapping[str, Any]]) -> str:
    """Answers as a row holds them."""
    return json.dumps([{"text": one["text"], "start": one["start"]} for one in answers], ensure_ascii=False)


def loads(text: str) -> list[Answer]:
    """The answers of a row."""
    found: list[Answer] = json.loads(text)
    return found


def placed(value: Any, context: str) -> list[Answer] | Fault:
    """What counts as right, each where it stands in the context; empty where the question has no answer.

    Args:
        value: A text; texts in a list; {"text": [...], "answer_start": [...]}; or a list of {"text", "answer_start"}.
            The same written as JSON. An empty list says that there is no answer. Without a start the first place where
            the answer occurs counts.
        context: The text it is cut out of.
    """
    told = _told(_parsed(value))
    if isinstance(told, Fault):
        return told
    found = [_placed(text, start, context) for text, start in told]
    return next((one for one in found if isinstance(one, Fault)), [one for one in found if not isinstance(one, Fault)])


def _parsed(value: Any) -> Any:
    """A text that is a JSON list or object as what it holds: a CSV has no other way to write these."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value
        # an answer such as "[1973]" is no list of answers
        is_told = isinstance(found, dict) or all(isinstance(one, str | dict) for one in found)
        return found if is_told else value
    return value


def _told(value: Any) -> list[tuple[Any, Any]] | Fault:
    """Text and start of each answer, the start None where it is not given."""
    if isinstance(value, str) and value.strip():
        return [(value, None)]
    if isinstance(value, Mapping):
        return _in_columns(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _in_a_list(value)
    if value is MISSING or value is None or value == "":
        return Fault("empty-answer", "the answer is empty. Fill it in, or write [] where the question has none.")
    kind = type(value).__name__
    return Fault("not-an-answer", f'"{short(value)}" is of type {kind}, and the text of an answer was expected.')


def _in_columns(value: Mapping[str, Any]) -> list[tuple[Any, Any]] | Fault:
    texts = value.get("text")
    starts = next((value[name] for name in STARTS if name in value), None)
    if isinstance(texts, str):
        return [(texts, starts)]
    if not isinstance(texts, Sequence):
        return Fault("not-an-answer", 'the answers have no list "text". Write {"text": ["…"], "answer_start": [0]}.')
    starts = [None] * len(texts) if starts is None else starts
    if not isinstance(starts, Sequence) or len(starts) != len(texts):
        num = len(starts) if isinstance(starts, Sequence) else 1
        return Fault("answers-uneven", f"there are {len(texts)} answers and {num} starts. Give each answer one.")
    return list(zip(texts, starts, strict=True))


def _in_a_list(value: Sequence[Any]) -> list[tuple[Any, Any]] | Fault:
    told = list[tuple[Any, Any]]()
    for one in value:
        if isinstance(one, Mapping):
            told.append((one.get("text", MISSING), next((one[name] for name in STARTS if name in one), None)))
        else:
            told.append((one, None))
    return told


def _placed(text: Any, start: Any, context: str) -> Answer | Fault:
    if not isinstance(text, str) or not text.strip():
        said = "an answer is empty" if isinstance(text, str) else "an answer has no text"
        return Fault("empty-answer", f"{said}. Fill it in, or write [] where the question has none.")
    first = context.find(text)
    if first < 0:
        said = f'the answer "{short(text)}" does not occur in the context.{_hint(text, context)}'
        return Fault("answer-not-in-context", said)
    if start is None:
        return {"text": text, "start": first}
    at = _whole_number(start)
    if at is None:
        said = f'the answer "{short(text)}" starts at "{short(start)}". Give a character, 0 or more.'
        return Fault("not-a-start", said)
    if context.startswith(text, at):
        return {"text": text, "start": at}
    stands = f'there the context has "{short(context[at : at + len(text)])}"'
    if at >= len(context):
        stands = f"the context ends at {len(context)}"
    return Fault(
        "answer-misplaced",
        f'the answer "{short(text)}" is said to start at character {at}, but {stands}; it occurs at {first}. '
        f"Correct the start, or leave it out.",
    )


def _whole_number(value: Any) -> int | None:
    """A number of characters: 3, or 3.0 as tables write it."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool) or not isinstance(plain, int | float) or plain != plain or plain < 0 or plain % 1:
        return None
    return int(plain)


def _hint(text: str, context: str) -> str:
    """Where it would occur if case and spaces did not matter."""
    folded, whole = " ".join(text.casefold().split()), " ".join(context.casefold().split())
    if folded in whole:
        return " It does with other capitals or spaces. Copy it from the context as it stands there."
    return " Copy it from the context."
