"""What the values in masks are called: by a file that names numbers or colours, and otherwise after themselves."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from headstart.contracts import Problem, Rows
from headstart.data.problems import Fault, at_row, closest, quoted, short
from headstart.data.truths.masks import BY_DEFAULT, Mask, Region, by_value, dumps, loads
from headstart.errors import DataError

FILES = ("palette.json", "palette.txt", "classes.json", "classes.txt", "labels.txt", "codes.txt")
"""What such a file may be called beside the data, looked for in this order."""
IGNORED = frozenset({"ignore", "ignored", "void", "unlabeled", "unlabelled"})
"""Names of what is no class."""
COLOUR = re.compile(r"#[0-9a-f]{6}")
ON = "255"
Names = Mapping[str, str]
"""Value -> name."""


@dataclass(frozen=True)
class Named:
    """Splits whose masks have names, rows that cannot have any, and what was made of the values in a sentence."""

    splits: Mapping[str, Rows]
    problems: tuple[Problem, ...]
    said: str


def palette_of(given: str | Names | None, data: Any) -> Path | Names | None:
    """The names of the values or the file that has them: as given, or one beside the data, or None.

    Raises:
        DataError: The one that was given is not there.
    """
    if isinstance(given, Mapping):
        return given
    if given is not None:
        if not Path(given).is_file():
            raise DataError(f'There is no file "{given}" to name the classes. Check --palette.')
        return Path(given)
    if not isinstance(data, str | os.PathLike):
        return None
    folder = Path(data) if Path(data).is_dir() else Path(data).parent
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def names_in(path: Path) -> Names:
    """The names in a palette.

    JSON may be a list of names by number from 0, an object of names and their numbers or colours, or a list of objects
    with "name" and "id", "value" or "color". In text a line is a name, numbered from 0, or a name with a number or
    with red, green and blue before or behind it.

    Raises:
        DataError: It says something else, or one value has two names.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        pairs = list(_of_json(json.loads(text)) if path.suffix.lower() == ".json" else _of_lines(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f'{path} does not name classes ({short(error)}). Write {{"background": 0, "cell": 1}}, or colours as '
            f'"#ff0000".'
        ) from error
    names: dict[str, str] = {}
    for name, value in pairs:
        if names.setdefault(value, name) != name:
            raise DataError(f'{path} gives {value} two names, "{names[value]}" and "{name}". Keep one.')
    if not names:
        raise DataError(f"{path} names no class. Fill it in, or remove it.")
    return names


def _of_json(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            # both ways round are written: {"cell": 1}, and {"1": "cell"}
            is_turned = isinstance(value, str) and not _is_value(value) and _is_value(name)
            yield (value, _value(name)) if is_turned else (_name(name), _value(value))
        return
    for number, one in enumerate(found):
        if isinstance(one, Mapping):
            key = next(key for key in ("value", "id", "color", "colour", "rgb") if key in one)
            yield _name(one.get("name", one.get("label"))), _value(one[key])
        else:
            yield _name(one), str(number)


def _of_lines(text: str) -> Iterator[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        words = re.split(r"[\s,;:=]+", line)
        for size in (3, 1):
            before, after = words[:size], words[-size:]
            if len(words) > size and all(map(_is_value, after)):
                yield _name(" ".join(words[:-size])), _value(after if size == 3 else after[0])
                break
            if len(words) > size and all(map(_is_value, before)):
                yield _name(" ".join(words[size:])), _value(before if size == 3 else before[0])
                break
        else:
            yield _name(line), str(number)


def _is_value(word: str) -> bool:
    return word.isdecimal() or COLOUR.fullmatch(word.lower()) is not None


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no name")
    return value.strip()


def _value(value: Any) -> str:
    """A number, or a colour as "#rrggbb"."""
    if isinstance(value, list | tuple):
        red, green, blue = (int(one) for one in value[:3])
        if not all(0 <= one <= 255 for one in (red, green, blue)):
            raise ValueError(f"{value} is no colour")
        return f"#{red:02x}{green:02x}{blue:02x}"
    if isinstance(value, bool) or not _is_value(str(value)):
        raise ValueError(f"{value!r} is neither a number nor a colour")
    return str(value).lower() if str(value).startswith("#") else str(int(value))


def named(splits: Mapping[str, Rows], field: str, palette: Path | Names | None) -> Named:
    """The rows with the regions of their masks named.

    Args:
        splits: Their masks as `masks.read` leaves them.
        field: That of the masks.
        palette: What names the values: a file, the names themselves, or None.
    """
    path = palette if isinstance(palette, Path) else None
    masks = {split: list(map(loads, rows.column(field))) for split, rows in splits.items()}
    masks = _plain_greys(masks)
    names = _after_themselves(masks["train"]) if palette is None else palette
    names = names_in(names) if isinstance(names, Path) else names
    found, problems = {}, list[Problem]()
    for split, rows in splits.items():
        values, kept = [], []
        places = zip(masks[split], rows.column("file"), rows.column("row"), strict=True)
        for number, (mask, file, row) in enumerate(places):
            made = _named(mask, names, path)
            if isinstance(made, Fault):
                problems.append(at_row(made, file=file, row=row, field=field))
            else:
                values.append(dumps(made))
                kept.append(number)
        table = rows.take(kept).table if len(kept) < len(rows) else rows.table
        at = table.column_names.index(field)
        found[split] = Rows(table.set_column(at, field, pa.array(values, pa.large_string())))
    return Named(found, tuple(problems), _said(names, path))


def _plain_greys(masks: dict[str, list[Mask]]) -> dict[str, list[Mask]]:
    """Where every colour of every mask is a grey, the greys as numbers: such masks are numbers saved in colour."""
    values = {region.value for several in masks.values() for mask in several for region in mask.regions}
    greys = {value: str(int(value[1:3], 16)) for value in values if value == f"#{value[1:3] * 3}"}
    if not greys or any(value.startswith("#") and value not in greys for value in values):
        return masks

    def plain(region: Region) -> Region:
        return replace(region, value=greys.get(region.value, region.value))

    return {
        split: [replace(mask, regions=tuple(map(plain, mask.regions))) for mask in several]
        for split, several in masks.items()
    }


def _after_themselves(masks: Sequence[Mask]) -> Names:
    """Names of the values that occur: class_3 for a number, a colour as it is; 255 is none unless all is on or off."""
    values = sorted({region.value for mask in masks for region in mask.regions}, key=by_value)
    if BY_DEFAULT in values and set(values) != {"0", ON}:
        values.remove(BY_DEFAULT)
    return {value: value if value.startswith("#") else f"class_{value}" for value in values}


def _named(mask: Mask, names: Names, path: Path | None) -> Mask | Fault:
    regions = []
    for region in mask.regions:
        name = names.get(region.value)
        if name is None and region.value != BY_DEFAULT:
            return _unknown(region.value, names, path)
        if name is not None and name.casefold() not in IGNORED:
            regions.append(replace(region, label=name))
    if not regions:
        return Fault("mask-ignored", "every pixel of the mask is ignored. Draw something in it, or remove the row.")
    return replace(mask, regions=tuple(regions))


def _unknown(value: str, names: Names, path: Path | None) -> Fault:
    what = f"pixels of the mask have the {'colour' if value.startswith('#') else 'number'} {value}"
    if path is None:
        return Fault(
            "unseen-class", f"{what}, which no training mask has; those have {quoted(names)}. Name all in a palette."
        )
    near = closest(value, names) if value.startswith("#") else None
    hint = f' Is it "{names[near]}", {near}?' if near else ""
    return Fault("unknown-value", f"{what}, and {path.name} names {quoted(names)}.{hint} Add it, or correct the mask.")


def _said(names: Names, path: Path | None) -> str:
    classes = [f"{value} {name}" for value, name in names.items() if name.casefold() not in IGNORED]
    ignored = [value for value, name in names.items() if name.casefold() in IGNORED]
    if BY_DEFAULT not in names and all(value.isdecimal() for value in names):
        ignored.append(BY_DEFAULT)
    source = f"named by {path.name}" if path is not None else "called after their values, for no palette names them"
    left = f"; ignored: {', '.join(ignored)}" if ignored else ""
    return f"{len(classes)} classes in the masks, {source}: {', '.join(classes[:20])}{left}."
