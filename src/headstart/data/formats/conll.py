"""Files of tagged words, a word a line and a blank line between sentences, as parts: CoNLL in its many spellings.

What the tags mean is `spans`' business; here lines are cut into columns, and the two that matter are told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from headstart.data.part import SAMPLE_ROWS, Chunk, Part, batches
from headstart.data.problems import Fault
from headstart.data.truths.spans import OUTSIDE, TAG, fault_of_tag
from headstart.errors import DataError

EXTENSIONS = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".bioes")
COLUMNS = ("tokens", "tags")
DOCUMENT = "-DOCSTART-"
COMMENT = re.compile(r"#\s*(new(doc|par)\b|[\w ]+=)")
ID = re.compile(r"\d+")
RANGE = re.compile(r"\d+[-.]\d+")
"""In CoNLL-U, a line about several words together, or about one that is not in the text."""


@dataclass
class _Sentence:
    """Lines of a sentence with their numbers, each cut into columns; `fault` where one cannot be read."""

    row: int
    lines: list[tuple[int, list[str]]] = field(default_factory=list)
    fault: Fault | None = None


@dataclass(frozen=True)
class _Form:
    """How many columns a line has, and which hold the word and the tag."""

    width: int
    word: int
    tag: int
    is_numbered: bool


def open_conll(path: Path, name: str) -> Part:
    """The sentences of a file, a row each, whose number is that of their first line.

    Raises:
        DataError: No column of it holds tags.
    """
    some = [one for one in islice(_sentences(path), SAMPLE_ROWS) if one.fault is None]
    form = _form_of(some, name)
    rows = [(sentence.row, *_cells(sentence, form)) for sentence in some]
    sample = {column: [row[at] for row in rows] for at, column in enumerate(COLUMNS, start=1)}
    said = f"{name}: words are column {form.word + 1} and tags column {form.tag + 1} of {form.width}."
    return Part(name, COLUMNS, sample, partial(_chunks, path, form), base=path.parent, said=(said,))


def looks_tagged(start: bytes) -> bool:
    """Whether a file that begins so holds tagged words, a line each."""
    lines = [line.split() for line in start.decode("utf-8", "replace").splitlines()[:-1] if line.strip()]
    lines = [line for line in lines if line[0] not in (DOCUMENT, "#") and not RANGE.fullmatch(line[0])]
    tagged = sum(_has_tag(line) for line in lines)
    return len(lines) > 1 and tagged * 10 >= len(lines) * 9


def _is_tag(text: str) -> bool:
    return text == OUTSIDE or TAG.fullmatch(text) is not None


def _sentences(path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence(0)
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            text, fault = _decoded(line, number)
            if fault is None and (not text.strip() or text.startswith(DOCUMENT)):
                if sentence.row:
                    yield sentence
                sentence = _Sentence(0)
                continue
            columns = text.split("\t") if "\t" in text else text.split()
            if COMMENT.match(text) or (text.startswith("#") and not _has_tag(columns)):
                continue
            if RANGE.fullmatch(columns[0]) and len(columns) > 2:
                continue
            sentence.row = sentence.row or number
            sentence.fault = sentence.fault or fault
            sentence.lines.append((number, columns))
    if sentence.row:
        yield sentence


def _has_tag(columns: Sequence[str]) -> bool:
    return any(_is_tag(column) for column in columns[1:])


def _decoded(line: bytes, number: int) -> tuple[str, Fault | None]:
    try:
        return line.decode().rstrip("\r\n"), None
    except UnicodeDecodeError:
        said = f"line {number} is not valid UTF-8. Save the file as UTF-8."
        return line.decode("utf-8", "replace").rstrip("\r\n"), Fault("bad-encoding", said)


def _form_of(sentences: Sequence[_Sentence], name: str) -> _Form:
    lines = [columns for sentence in sentences for _, columns in sentence.lines]
    if not lines:
        raise DataError(
            f"{name} holds no sentence. Write a word and its tag on each line, a blank line between sentences."
        )
    width = Counter(map(len, lines)).most_common(1)[0][0]
    lines = [columns for columns in lines if len(columns) == width]
    is_numbered = width > 2 and sum(ID.fullmatch(columns[0]) is not None for columns in lines) * 10 > len(lines) * 9
    word = int(is_numbered)
    tags = [at for at in range(word + 1, width) if sum(_is_tag(columns[at]) for columns in lines) * 2 > len(lines)]
    if not tags:
        raise DataError(
            f"{name}: none of the {width} columns holds tags such as B-PER and O. "
            f"Write a word and its tag on each line, with a tab between them."
        )
    return _Form(width, word, _with_entities(lines, tags), is_numbered)


def _with_entities(lines: Sequence[Sequence[str]], tags: Sequence[int]) -> int:
    """The last of these columns that has any entity, for there may be columns of another annotation."""
    filled = [at for at in tags if any(columns[at] != OUTSIDE for columns in lines)]
    return (filled or tags)[-1]


def _cells(sentence: _Sentence, form: _Form) -> tuple[Any, Any]:
    """Words and tags, or what is wrong with a line."""
    if sentence.fault is not None:
        return sentence.fault, []
    for number, columns in sentence.lines:
        if len(columns) != form.width:
            has = f"{len(columns)} column{'s' * (len(columns) != 1)}"
            said = (
                f'line {number}, "{" ".join(columns)[:40]}", has {has}, and other lines have {form.width}. Complete it.'
            )
            return Fault("ragged-line", said), []
        fault = fault_of_tag(columns[form.tag])
        if fault is not None:
            return [line[form.word] for _, line in sentence.lines], Fault(fault.kind, f"line {number}: {fault.said}")
        if not columns[form.word].strip():
            return Fault("empty-word", f"line {number} has a tag and no word. Remove it, or write the word."), []
    return [line[form.word] for _, line in sentence.lines], [line[form.tag] for _, line in sentence.lines]


def _chunks(path: Path, form: _Form, wanted: Sequence[str]) -> Iterator[Chunk]:
    for batch in batches(_sentences(path)):
        cells = [_cells(sentence, form) for sentence in batch]
        columns = dict(zip(COLUMNS, map(list, zip(*cells, strict=True)), strict=True))
        yield Chunk([sentence.row for sentence in batch], {column: columns[column] for column in wanted})
