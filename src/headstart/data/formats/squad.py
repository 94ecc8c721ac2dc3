"""Files in SQuAD's form, versions 1.1 and 2.0: articles of paragraphs of questions, as a part with one row a question.

Whether an answer is where it is said to be is looked at with the cells of the row, as for any other format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from headstart.contracts import Problem
from headstart.data.part import MISSING, SAMPLE_ROWS, Chunk, Part, batches
from headstart.data.problems import Fault, at_row
from headstart.errors import DataError

COLUMNS = ("id", "title", "context", "question", "answers")
Row = Mapping[str, Any]


def is_squad(value: Any) -> bool:
    """Whether a JSON value has the outer form of such a file."""
    articles = value.get("data") if isinstance(value, dict) else None
    return isinstance(articles, list) and any(isinstance(one, dict) and "paragraphs" in one for one in articles)


def open_squad(value: Mapping[str, Any], path: Path, name: str) -> Part:
    """The questions of a file.

    Args:
        value: What the JSON file holds; see `is_squad`.
        path: The file.
        name: How messages call it.

    Raises:
        DataError: It has no question at all.
    """
    rows = [row for row in islice(_questions(value["data"]), SAMPLE_ROWS) if not isinstance(row, Fault)]
    if not rows:
        raise DataError(f'{name} has no question. Each paragraph should have "context" and "qas", a list of questions.')
    sample = {column: [row[column] for row in rows] for column in COLUMNS}
    return Part(name, COLUMNS, sample, partial(_chunks, value["data"], name), base=path.parent)


def _questions(articles: Sequence[Any]) -> Iterator[Row | Fault]:
    """A row for every question, in the order of the file; a fault where there should have been some and are none."""
    for number, article in enumerate(articles, start=1):
        paragraphs = _list_in(article, "paragraphs")
        if paragraphs is None:
            yield Fault("not-squad", f'article {number} of "data" has no list "paragraphs". Give it one, or remove it.')
            continue
        for at, paragraph in enumerate(paragraphs, start=1):
            yield from _asked(paragraph, article, f'paragraph {at} of article {number} ("{article.get("title", "")}")')


def _asked(paragraph: Any, article: Row, where: str) -> Iterator[Row | Fault]:
    questions = _list_in(paragraph, "qas")
    if questions is None:
        yield Fault("not-squad", f'{where} has no list "qas" of questions. Give it one, or remove the paragraph.')
        return
    for question in questions:
        if isinstance(question, dict):
            yield _row(question, paragraph, article)
        else:
            yield Fault("not-squad", f"{where}: a question is of type {type(question).__name__}, not an object.")


def _row(question: Row, paragraph: Row, article: Row) -> Row | Fault:
    answers = question.get("answers", MISSING)
    impossible, which = question.get("is_impossible", False), f'question "{question.get("id", "")}"'
    if impossible and answers not in ([], MISSING):
        return Fault(
            "answered-and-impossible", f'{which} is marked "is_impossible" and has answers. Remove one of them.'
        )
    if answers == [] and not impossible:
        return Fault("unanswered", f'{which} has no answer and is not marked "is_impossible". Add one, or mark it.')
    return {
        "id": question.get("id", MISSING),
        "title": article.get("title", MISSING),
        "context": paragraph.get("context", MISSING),
        "question": question.get("question", MISSING),
        "answers": [] if impossible else answers,
    }


def _list_in(value: Any, key: str) -> list[Any] | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def _chunks(articles: Sequence[Any], name: str, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(enumerate(_questions(articles), start=1)):
        good = [(number, row) for number, row in batch if not isinstance(row, Fault)]
        bad: list[Problem] = [at_row(row, file=name, row=number) for number, row in batch if isinstance(row, Fault)]
        columns = {column: [row[column] for _, row in good] for column in wanted}
        yield Chunk([number for number, _ in good], columns, bad)
