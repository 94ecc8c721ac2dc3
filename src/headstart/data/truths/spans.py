"""Entities however they are written, tags of words or spans of characters, made one: a text with labelled spans.

A row holds them as JSON, sorted: [{"start": 0, "end": 5, "label": "PER"}]. Files of tagged words are read by `conll`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.data.problems import Fault, closest, short
from headstart.data.truths.words import joined, words

OUTSIDE = "O"
TAG = re.compile(r"([BIELSUM])-(\S.*)")
"""A tag of a word within an entity: begins (B, or S and U where it is the whole), goes on (I, M), ends (E, L)."""
ALONE, LAST = "BSU", "ELSU"
START, END, LABEL = ("start", "begin", "start_offset"), ("end", "stop", "end_offset"), ("label", "type", "entity_group")
"""What people call the parts of a span."""


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a text, and what they are."""

    start: int
    end: int
    label: str


def loads(text: str) -> list[Span]:
    """The spans of a row."""
    return [Span(one["start"], one["end"], one["label"]) for one in json.loads(text)]


def dumps(spans: Sequence[Span]) -> str:
    """Spans as a row holds them."""
    rows = [vars(span) for span in sorted(spans, key=lambda span: span.start)]
    return json.dumps(rows, ensure_ascii=False)


def are_spans(values: Sequence[Any]) -> bool:
    """Whether a column holds spans or tags of words: lists of them, or such lists written as JSON."""
    found = {_kind_of_list(plain(value)) for value in values}
    return "spans" in found or ("empty" in found and "other" not in found)


def _kind_of_list(value: Any) -> str | None:
    """Whether it is a list of "spans" or of tags, perhaps by number; of anything "other"; or "empty"; None for none."""
    if isinstance(value, str):
        if re.match(r"\s*\[\s*([{\[]|\"([BIELSUM]-|O\"))", value):
            return "spans"
        if re.match(r"\s*\[\s*[\"']", value):
            return "other"
        return "empty" if re.fullmatch(r"\s*\[\s*\]\s*", value) else None
    if not isinstance(value, list):
        return None
    if any(isinstance(one, Mapping | list | int) or fault_of_tag(one) is None for one in value):
        return "spans"
    return "other" if value else "empty"


def unified(content: Any, truth: Any) -> tuple[Any, Any]:
    """Text and spans of one row, each as it belongs into the table or as what is wrong with it.

    Args:
        content: A text, or a list of words.
        truth: Spans (objects with start, end and label, or lists of these), or one tag for each word.
    """
    truth = plain(_parsed(truth))
    content = plain(content)
    if isinstance(content, Fault):
        return content, dumps([])
    if isinstance(truth, Fault):
        return content, truth
    if not isinstance(truth, list):
        return content, Fault("not-spans", f'"{short(truth)}" is no list. Give spans or tags; an empty list for none.')
    if isinstance(content, list):
        return tagged(content, truth)
    return content, _checked(content, truth) if isinstance(content, str) else dumps([])


def plain(value: Any) -> Any:
    """Arrays and tuples, as Parquet and pandas give them, as lists."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return list(value) if isinstance(value, tuple) else value


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


# ---------------------------------------------------------------------------------------------------- tags of words


def tagged(given: Sequence[Any], tags: Sequence[Any]) -> tuple[Any, Any]:
    """Text and spans of tagged words, or a fault in the place of what is wrong."""
    if not given:
        return Fault("empty-text", "there are no words. Give some, or remove the row."), dumps([])
    fault = next(filter(None, map(_fault_of_word, range(len(given)), given)), None)
    if fault is not None:
        return fault, dumps([])
    if len(tags) != len(given):
        said = f"there are {len(given)} words and {len(tags)} tags. Give one tag for each word."
        return " ".join(given), Fault("unequal-lengths", said)
    fault = next(filter(None, map(fault_of_tag, tags)), None)
    if fault is not None:
        return " ".join(given), fault
    found = list(entities(tags))
    text, places = joined(given, frozenset(edge for first, after, _ in found for edge in (first, after)))
    return text, dumps([Span(places[first][0], places[after - 1][1], label) for first, after, label in found])


def _fault_of_word(number: int, word: Any) -> Fault | None:
    if not isinstance(word, str):
        kind = type(word).__name__
        return Fault("not-text", f'word {number + 1}, "{short(word)}", is of type {kind}. Put it in quotes.')
    if not word.strip():
        return Fault("empty-word", f"word {number + 1} is empty. Remove it together with its tag.")
    return None


def fault_of_tag(tag: Any) -> Fault | None:
    """What is wrong with a tag, if anything."""
    if not isinstance(tag, str):
        if isinstance(tag, int):
            return Fault("numbered-tag", f"tag {tag} is a number without a name. Write tags as B-PER, I-PER and O.")
        return Fault("not-a-tag", f'tag "{short(tag)}" is of type {type(tag).__name__}. Write it as B-PER, I-PER or O.')
    if tag == OUTSIDE or TAG.fullmatch(tag):
        return None
    prefix, dash, rest = tag.partition("-")
    if dash and rest and len(prefix) == 1:
        near = f"{prefix.upper()}-{rest}" if TAG.fullmatch(f"{prefix.upper()}-{rest}") else f"B-{rest}"
        said = f'tag "{short(tag)}" begins with none of B, I, E, L, S, U and M. Did you mean "{near}"?'
        return Fault("unknown-prefix", said)
    if not tag.strip() or tag in ("o", "0", "-", "_"):
        return Fault("unknown-tag", f'tag "{tag}" is no tag. Write O for words outside of entities.')
    said = f'tag "{short(tag)}" has no prefix. Write B-{tag} for the first word of an entity, I-{tag} for the others.'
    return Fault("tag-without-prefix", said)


def entities(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First word, the word after the last, and label of each entity, in whichever scheme the tags are written.

    IOB1, IOB2, BIOES and BILOU agree on it: an entity goes on with I, M, E or L of its own label, unless it has ended.

    Source: the chunks of conlleval, Tjong Kim Sang and Buchholz, CoNLL 2000, as seqeval reads them.
    """
    first, label, is_over = 0, OUTSIDE, True
    for number, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, own = tag.partition("-")
        if label != OUTSIDE and (is_over or prefix in ALONE or own != label):
            yield first, number, label
            label = OUTSIDE
        if tag != OUTSIDE:
            first, label = (number, own) if label == OUTSIDE else (first, label)
            is_over = prefix in LAST


# --------------------------------------------------------------------------------------------- spans of characters


def _checked(text: str, given: Sequence[Any]) -> Any:
    """The spans as a row holds them, or what is wrong with the first bad one."""
    found = []
    for number, one in enumerate(given):
        span = _read(f"span {number + 1}", one)
        fault = span if isinstance(span, Fault) else _fault_within(f"span {number + 1}", span, text)
        if fault is not None:
            return fault
        found.append(span)
    edges = words(text)
    starts, ends = {start for start, _ in edges}, {end for _, end in edges}
    ordered = sorted(found, key=lambda span: (span.start, span.end))
    for number, span in enumerate(ordered):
        if number and span.start < ordered[number - 1].end:
            both = f"{_told(ordered[number - 1], text)} and {_told(span, text)}"
            return Fault("overlapping-spans", f"{both} overlap. Keep one of them: a character has one label.")
        if span.start not in starts or span.end not in ends:
            said = f"{_told(span, text)} begins or ends within a word. Let it cover whole words."
            return Fault("half-a-word", said)
    return dumps(ordered)


def _read(name: str, one: Any) -> Any:
    if isinstance(one, Mapping):
        values: list[Any] = [next((one[key] for key in keys if key in one), None) for keys in (START, END, LABEL)]
    elif isinstance(one, list | tuple) and len(one) == 3:
        values = list(one)
    else:
        if isinstance(one, str) and fault_of_tag(one) is None:
            said = f'"{one}" is a tag of a word, and the text is not given in words. Give a list of words beside it.'
            return Fault("tags-of-text", said)
        return Fault("not-a-span", f'{name}, "{short(one)}", has no start, end and label. Give all three.')
    start, end, label = (value.item() if hasattr(value, "item") else value for value in values)
    if not _is_place(start) or not _is_place(end):
        return Fault(
            "not-a-place", f"{name}: start {start!r} and end {end!r} must be whole numbers, counted in characters."
        )
    if not isinstance(label, str) or not label.strip():
        return Fault("empty-label", f"{name}: the label is {label!r}. Name what it is, such as PER.")
    return Span(start, end, label)


def _is_place(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fault_within(name: str, span: Span, text: str) -> Fault | None:
    where = f'{name}, [{span.start}, {span.end}) "{short(span.label)}",'
    if span.start == span.end:
        return Fault("empty-span", f"{where} covers nothing. The end is the character after the last.")
    if span.start > span.end:
        return Fault("inverted-span", f"{where} ends before it begins. Give start, then end.")
    if span.start < 0 or span.end > len(text):
        said = f"{where} lies outside of the text, which has {len(text)} characters. Count from 0, in characters."
        return Fault("outside-text", said)
    covered = text[span.start : span.end]
    if covered != covered.strip():
        return Fault("span-with-space", f'{where} begins or ends with a space: "{short(covered)}". Leave that out.')
    return None


def _told(span: Span, text: str) -> str:
    return f'[{span.start}, {span.end}) "{short(text[span.start : span.end], 30)}" {short(span.label, 30)}'


def nearest(label: str, known: Sequence[str]) -> str:
    """What to do about a label that no training row has."""
    near = closest(label, known)
    return f'Did you mean "{near}"?' if near else "Correct it, or add training rows."
