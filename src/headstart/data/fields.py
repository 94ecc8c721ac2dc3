"""Which task the data is for, and which of its columns are that task's fields; what was inferred is said in a sentence.

Names decide first, contents only where a single column is left that could be meant; otherwise the user is asked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.contracts import Field
from headstart.data.formats.embedded import is_embedded
from headstart.data.images import has_image_name
from headstart.data.part import Header, Part
from headstart.data.problems import closest, quoted
from headstart.data.sounds import has_sound_name
from headstart.data.truths.boxes import are_boxes
from headstart.data.truths.labels import are_lists
from headstart.data.truths.spans import are_spans
from headstart.errors import DataError, UnknownName

Candidates = Mapping[str, tuple[Field, ...]]


@dataclass(frozen=True)
class Asked:
    """What `--columns` says: the names of all columns in order, or the column of each field; never both."""

    order: tuple[str, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Binding:
    """The task, its fields, the column each was found in, and the sentence that says so."""

    task: str
    fields: tuple[Field, ...]
    columns: Mapping[str, str]
    said: str


@dataclass(frozen=True)
class _Match:
    columns: Mapping[str, str]
    guessed: tuple[str, ...]
    missing: tuple[Field, ...]


def content(fields: Sequence[Field]) -> tuple[Field, ...]:
    """What a task's items are made of: all fields but the truth; of two texts a pair."""
    return tuple(field for field in fields if field.name != "label")


def parse_columns(text: str | None) -> Asked:
    """The meaning of `--columns`: "text,label" names columns in order, "text=review,label=stars" renames.

    Raises:
        DataError: Both forms are mixed, a name is empty, or a name is given twice.
    """
    if text is None:
        return Asked()
    parts = [part.strip() for part in text.split(",")]
    pairs = [tuple(side.strip() for side in part.split("=", 1)) for part in parts]
    names = [pair[0] for pair in pairs]
    if len({len(pair) for pair in pairs}) > 1 or not all(side for pair in pairs for side in pair):
        raise DataError(f'--columns "{text}" is not a list. Write "text,label", or "text=review,label=stars".')
    if len(set(names)) < len(names):
        raise DataError(f'--columns "{text}" gives a name twice. Give each column a name of its own.')
    if len(pairs[0]) == 1:
        return Asked(order=tuple(names))
    return Asked(renames={pair[0]: pair[1] for pair in pairs})


def header_of(candidates: Candidates, asked: Asked, images: str | None = None) -> Header:
    """How a header of the data would be recognised, and where the user says that its pictures are."""
    fields = [one for fields in candidates.values() for one in fields]
    known = {name.casefold() for one in fields for name in (one.name, *one.aliases)}
    known |= {name.casefold() for name in asked.order}
    return Header(frozenset(known), asked.order, is_given=bool(asked.renames), images=Path(images) if images else None)


def infer(part: Part, candidates: Candidates, *, task: str | None, asked: Asked) -> Binding:
    """The task the part is for, and where its fields are.

    Args:
        part: The training data.
        candidates: Task name -> its fields.
        task: The task, where the user named one.
        asked: What the user said about the columns.

    Raises:
        UnknownName: There is no such task.
        DataError: No task fits, more than one does, or a field has no column; the message says what to pass.
    """
    if task is not None and task not in candidates:
        raise UnknownName("task", task, candidates)
    considered = {task: candidates[task]} if task is not None else dict(candidates)
    is_alone = len(considered) == 1
    matches = {name: _match(part, fields, asked, is_alone=is_alone) for name, fields in considered.items()}
    whole = {name: match for name, match in matches.items() if not match.missing}
    if not whole:
        raise DataError(_refusal(part, considered, matches, asked))
    fewest = min(len(match.guessed) for match in whole.values())
    best = [name for name, match in whole.items() if len(match.guessed) == fewest]
    best = [name for name in best if not any(_says_more(whole[other], whole[name]) for other in best)]
    if len(best) > 1:
        raise DataError(f"{part.name} could be for {quoted(best)}. Pass --task with one of them.")
    (name,) = best
    return Binding(name, candidates[name], whole[name].columns, _sentence(part, name, whole[name], task is not None))


def bind(part: Part, binding: Binding, asked: Asked) -> Mapping[str, str]:
    """Field name -> column, for a further file of the same task.

    Raises:
        DataError: A field has no column.
    """
    if set(binding.columns.values()) <= set(part.columns):
        return binding.columns
    match = _match(part, binding.fields, asked, is_alone=True)
    if match.missing:
        raise DataError(_refusal(part, {binding.task: binding.fields}, {binding.task: match}, asked))
    return match.columns


def _says_more(one: _Match, other: _Match) -> bool:
    """Whether a task reads all columns that another does, and more: of two texts, a pair is meant."""
    return set(one.columns.values()) > set(other.columns.values())


def _match(part: Part, fields: Sequence[Field], asked: Asked, *, is_alone: bool) -> _Match:
    by_name = {one.name: _by_name(one, part, asked) for one in fields}
    # where a single task is meant, what is asked for is done, and what is wrong with the values is said by row
    trusted = asked.renames if is_alone else {}
    named = {
        one.name: column
        for one in fields
        if (column := by_name[one.name]) is not None
        and _is_meant(one, part.sample[column], is_asked=one.name in trusted)
    }
    found = dict(named)
    # Files first and text last: a column of file names would do as text, and a column of classes too.
    for kind in ("image", "audio", "mask", "boxes", "spans", "labels", "label", "transcript", "text"):
        for one in fields:
            if one.kind == kind and one.name not in found and one.name not in asked.renames and not one.is_named:
                column = _by_content(one, part, fields, found)
                found |= {one.name: column} if column is not None else {}
    columns = {one.name: found[one.name] for one in fields if one.name in found}
    missing = tuple(one for one in fields if one.name not in found)
    return _Match(columns, tuple(name for name in columns if name not in named), missing)


def _by_name(wanted: Field, part: Part, asked: Asked) -> str | None:
    if wanted.name in asked.renames:
        column = asked.renames[wanted.name]
        return column if column in part.columns else None
    taken = set(asked.renames.values())
    by_fold = {column.casefold(): column for column in reversed(part.columns) if column not in taken}
    names = [wanted.name, *wanted.aliases]
    if wanted.kind == "transcript":
        names = names[1:] + names[:1]  # a column "label" beside one of transcripts holds something else
    elif wanted.name in part.columns and wanted.name not in taken:
        return wanted.name
    return next((by_fold[name.casefold()] for name in names if name.casefold() in by_fold), None)


def _is_meant(wanted: Field, values: Sequence[Any], *, is_asked: bool) -> bool:
    """Whether a column is a field's: one that was asked for is taken as it is, unless it tells two tasks apart."""
    return _could_hold(wanted, values) or (is_asked and not (wanted.kind == "label" and _are_images(values)))


def _could_hold(wanted: Field, values: Sequence[Any]) -> bool:
    """Whether a column of the right name may be meant: a class is no list and no file, and several are a list, where
    nobody says otherwise; spans, boxes and masks are nothing else, sounds no images."""
    if wanted.kind in ("image", "audio"):
        return not (_are_sounds if wanted.kind == "image" else _are_images)(values)
    if wanted.kind == "boxes":
        return are_boxes(values)
    if wanted.kind == "mask":
        return _are_images(values)
    if wanted.kind == "spans":
        return are_spans(values)
    if wanted.kind == "labels":
        return wanted.separator is not None or (are_lists(values) and not are_boxes(values))
    return wanted.kind != "label" or not (_are_several(values) or _are_images(values))


def _are_several(values: Sequence[Any]) -> bool:
    """Whether a column holds lists of whatever a row may have several of."""
    return are_spans(values) or are_boxes(values) or are_lists(values)


def _by_content(wanted: Field, part: Part, fields: Sequence[Field], found: Mapping[str, str]) -> str | None:
    """The one column left that could be meant; a class only where no column would stay unused."""
    left = [column for column in part.columns if column not in found.values()]
    is_told_by_content = wanted.kind == "labels" and wanted.separator is None
    if wanted.kind in ("label", "labels") and not is_told_by_content and len(left) > len(fields) - len(found):
        return None
    could = [column for column in left if _could_be(wanted, part.sample[column])]
    if wanted.kind in ("label", "labels") and len(could) > 1:
        # In few rows texts may repeat as well; then the one that a text cannot be is the class.
        could = [column for column in could if not _is_prose(part.sample[column])]
    return could[0] if len(could) == 1 else None


def _could_be(wanted: Field, values: Sequence[Any]) -> bool:
    if wanted.kind in ("image", "mask"):
        return _are_images(values)
    if wanted.kind == "boxes":
        return are_boxes(values)
    if wanted.kind == "spans":
        return are_spans(values) and not are_boxes(values)
    if wanted.kind == "labels" and wanted.separator is None:
        return are_lists(values) and not are_boxes(values)
    if wanted.kind == "audio":
        return _are_sounds(values)
    are_files = _are_images(values) or _are_sounds(values)
    if wanted.kind in ("text", "transcript"):
        return _is_text(values) and not are_files
    return _repeats(values) and not are_files and not _are_several(values)


def _are_images(values: Sequence[Any]) -> bool:
    written = [value for value in values if isinstance(value, (str, os.PathLike)) and str(value)]
    return bool(written) and all(has_image_name(os.fspath(value)) for value in written)


def _are_sounds(values: Sequence[Any]) -> bool:
    written = [value for value in values if value is not None and not (isinstance(value, str) and not value)]
    return bool(written) and all(
        has_sound_name(os.fspath(value)) if isinstance(value, str | os.PathLike) else is_embedded(value)
        for value in written
    )


def _is_text(values: Sequence[Any]) -> bool:
    written = [value for value in values if isinstance(value, str)]
    return sum(any(mark.isalpha() for mark in value) for value in written) * 2 > len(values)


def _is_prose(values: Sequence[Any]) -> bool:
    written = [value for value in values if isinstance(value, str)]
    return sum(" " in value.strip() for value in written) * 2 > len(values)


def _repeats(values: Sequence[Any]) -> bool:
    distinct = {str(value) for value in values}
    return len(distinct) * 2 <= len(values) + 1


def _sentence(part: Part, task: str, match: _Match, is_given: bool) -> str:
    places = [f'{name} is column "{column}"' for name, column in match.columns.items()]
    guesses = f" ({' and '.join(match.guessed)} judged by the contents)" if match.guessed else ""
    header = "" if part.is_named else f"{part.name} has no header; "
    given = ", as asked" if is_given else ", inferred"
    return f"{header}task {task}{given}; {', '.join(places)}{guesses}."


def _likelihood(match: _Match, fields: Sequence[Field]) -> tuple[int, ...]:
    """How likely a task is meant that does not fit: what is found of it, what is not, and of tasks that fit equally
    badly one of classes, and one without files, for no column looked like any."""
    kinds = [one.kind for one in fields]
    has_files = "image" in kinds or "audio" in kinds
    return len(match.columns), -len(match.missing), int("label" in kinds), int(not has_files)


def _refusal(part: Part, candidates: Candidates, matches: Mapping[str, _Match], asked: Asked) -> str:
    task = max(matches, key=lambda name: _likelihood(matches[name], candidates[name]))
    match, names = matches[task], [one.name for one in candidates[task]]
    if not part.is_named:
        return (
            f"{part.name} has no header, and which of its {len(part.columns)} columns is which is not certain. "
            f"Pass --columns {','.join(names)} in the order of the columns."
        )
    if not match.columns and len(candidates) > 1:
        needs = "; ".join(f"{name} needs {quoted(one.name for one in fields)}" for name, fields in candidates.items())
        pairs = ",".join(f"{name}={column}" for name, column in zip(names, part.columns, strict=False))
        return (
            f"{part.name} fits no task: its columns are {quoted(part.columns)}. {needs}. "
            f"Say which column is which, for example --columns {pairs}."
        )
    wanted, held = match.missing[0].name, _by_name(match.missing[0], part, asked)
    unfit = f' ("{held}" does not hold values of its kind)' if held is not None else ""
    left = [column for column in part.columns if column not in (*match.columns.values(), held)]
    guess = closest(asked.renames.get(wanted, wanted), left)
    mean = f' Did you mean "{guess}"?' if guess else ""
    other = guess or (left[0] if left else "COLUMN")
    lacks = f'"{asked.renames[wanted]}" for "{wanted}"' if wanted in asked.renames else f'for "{wanted}"'
    return (
        f"{part.name} has no column {lacks}{unfit}; its columns are {quoted(part.columns)}.{mean} "
        f"Name it with --columns {wanted}={other}."
    )
