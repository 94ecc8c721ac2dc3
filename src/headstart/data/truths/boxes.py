"""Boxes around the things in a picture, however they were written down, made one; or the fault that keeps them from it.

A row holds them as JSON: [{"label": "cat", "box": [x0, y0, x1, y1]}], in pixels of the picture as one sees it, from its
upper left corner. The files that they come in are read by `coco`, `voc` and `yolo`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headstart.data.images import looks, size_if_known
from headstart.data.part import MISSING
from headstart.data.problems import Fault, short

Form = Literal["corners", "sized", "shares"]
"""How four numbers say a box: its corners x0, y0, x1, y1; its upper left corner and size x, y, width, height; or its
centre and size as shares of the picture."""
Size = tuple[int, int]
SLACK = 1.0
"""Pixels by which a box may stick out and is cut: what rounding and counting from 1 may come to."""
SAID: Mapping[Form, str] = {
    "corners": "[x0, y0, x1, y1] in pixels",
    "sized": "[x, y, width, height] in pixels",
    "shares": "centre and size as shares of the picture",
}
NUMBERS: Mapping[str, Form] = {"box": "corners", "xyxy": "corners", "bbox": "sized", "xywh": "sized"}
"""What people call the four numbers, and how these say a box then."""
LABELS = ("label", "category", "class", "category_name", "name")
CROWD = ("crowd", "iscrowd", "is_crowd", "difficult")


@dataclass(frozen=True)
class Box:
    """A thing in a picture: what it is, its edges in pixels, and whether it is one to be neither learnt nor judged."""

    label: str
    edges: tuple[float, float, float, float]
    is_crowd: bool = False


@dataclass(frozen=True)
class Given:
    """A box as a file gave it; `name` is what messages call it, `is_from_one` whether its pixels count from 1."""

    name: str
    label: Any
    numbers: Any
    form: Form
    is_crowd: bool = False
    is_from_one: bool = False


@dataclass(frozen=True)
class Drawn:
    """What a file says of one picture: its boxes, and its size where it says that too."""

    boxes: Sequence[Given]
    size: tuple[Any, Any] | None = None


def dumps(boxes: Sequence[Box]) -> str:
    """Boxes as a row holds them."""
    rows = [{"label": box.label, "box": list(box.edges), **({"crowd": True} if box.is_crowd else {})} for box in boxes]
    return json.dumps(rows, ensure_ascii=False)


def loads(text: str) -> list[Box]:
    """The boxes of a row."""
    return [Box(one["label"], tuple(one["box"]), one.get("crowd", False)) for one in json.loads(text)]


def are_boxes(values: Sequence[Any]) -> bool:
    """Whether a column holds boxes in any of the forms that are read."""
    return any(_are_some(_parsed(value)) for value in values)


def _are_some(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(name in value for name in NUMBERS)
    is_list = isinstance(value, list) and bool(value)
    return isinstance(value, Drawn) or (is_list and isinstance(value[0], Mapping) and _are_some(value[0]))


def unified(picture: Any, value: Any) -> tuple[Any, Any]:
    """The picture as it is and the boxes of one row, the latter as JSON or as what is wrong with them.

    Args:
        picture: The path of its file, by which boxes are held against its size.
        value: `Drawn`; or a list of {"label", "box" or "bbox"}; or an object of such lists; or either written as JSON.
    """
    if isinstance(value, Fault):
        return picture, value
    drawn = _drawn(_parsed(value))
    if isinstance(drawn, Fault):
        return picture, drawn
    size = size_if_known(picture) if isinstance(picture, str) else None
    if size is None and isinstance(picture, str):
        # without its size little can be said of the boxes, so what is wrong with the picture is said first
        return next(looks([picture])).fault or picture, dumps([])
    fault = None if size is None else _other_size(drawn, size)
    found = [_box(given, size) for given in drawn.boxes] if fault is None else [fault]
    boxes = [one for one in found if isinstance(one, Box)]
    return picture, next((one for one in found if isinstance(one, Fault)), dumps(boxes))


def _parsed(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _drawn(value: Any) -> Drawn | Fault:
    if isinstance(value, Drawn):
        return value
    if isinstance(value, Mapping):
        value = _in_rows(value)
    if isinstance(value, Fault):
        return value
    if value is None or value is MISSING or (isinstance(value, str) and not value.strip()):
        return Fault(
            "empty-boxes", "the boxes are empty. Give some, or [] where the picture shows nothing of interest."
        )
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        said = f'"{short(value)}" is no list of boxes. Write [{{"label": "cat", "box": [x0, y0, x1, y1]}}].'
        return Fault("not-boxes", said)
    boxes = [_given(f"box {number}", one) for number, one in enumerate(value, start=1)]
    fault = next((one for one in boxes if isinstance(one, Fault)), None)
    return Drawn([one for one in boxes if isinstance(one, Given)]) if fault is None else fault


def _in_rows(columns: Mapping[str, Any]) -> list[dict[str, Any]] | Fault:
    """An object of lists, as the `objects` of data sets on the Hub, as a list of objects."""
    known = {name: _parsed(columns[name]) for name in (*NUMBERS, *LABELS, *CROWD) if name in columns}
    lists = {name: values for name, values in known.items() if isinstance(values, list)}
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{count} in {name}" for name, count in lengths.items())
        return Fault(
            "boxes-uneven", f"the lists of the boxes differ in length: {said}. Give each box one entry in each."
        )
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _given(name: str, one: Any) -> Given | Fault:
    numbers = next((key for key in NUMBERS if isinstance(one, Mapping) and key in one), None)
    label = next((key for key in LABELS if isinstance(one, Mapping) and key in one), None)
    if numbers is None or label is None:
        lacks = '"label"' if numbers is not None else '"box" of four numbers'
        return Fault("not-a-box", f'{name}, "{short(one)}", has no {lacks}. Give a label, and x0, y0, x1, y1 as "box".')
    is_crowd = any(bool(one.get(key)) for key in CROWD)
    return Given(name, one[label], one[numbers], NUMBERS[numbers], is_crowd)


def _other_size(drawn: Drawn, size: Size) -> Fault | None:
    """What is wrong if the file of the picture has another size than is said of it."""
    if drawn.size is None or tuple(drawn.size) == size:
        return None
    width, height = drawn.size
    said = f"the picture is said to be {width} x {height} pixels, and its file has {size[0]} x {size[1]}."
    todo = "Is it turned, or scaled?" if (height, width) == size else "Boxes of another size do not fit it."
    return Fault("size-differs", f"{said} {todo} Correct the boxes and the size.")


def _box(given: Given, size: Size | None) -> Box | Fault:
    label = _label_of(given.label)
    if label is None:
        return Fault("empty-label", f"{given.name}: the label is {short(given.label)!r}. Name what it is, such as cat.")
    numbers = _four(given.numbers)
    if numbers is None:
        said = f"{given.name}: {short(given.numbers)} are not four finite numbers. Give {SAID[given.form]}."
        return Fault("not-four-numbers", said)
    told = f'{given.name}, "{short(label, 30)}" {short(given.numbers)},'
    if given.form != "shares" and max(map(abs, numbers)) <= 1 and (size is None or min(size) > 2):
        return Fault(
            "shares-for-pixels", f"{told} has shares of the picture where pixels were expected. Multiply them."
        )
    edges = _edges(numbers, given, size)
    if edges is None:
        return Fault(
            "size-unknown", f"{told} is in shares of a picture whose size cannot be read. Replace the picture."
        )
    return _within(label, edges, told, given, size)


def _label_of(value: Any) -> str | None:
    """The label as a word; numbers stand for themselves."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, str):
        return plain if plain.strip() else None
    return None if isinstance(plain, bool) or not isinstance(plain, int) else str(plain)


def _four(value: Any) -> tuple[float, float, float, float] | None:
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        return None
    plain = [one.item() if hasattr(one, "item") else one for one in value]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in plain):
        return None
    a, b, c, d = map(float, plain)
    return a, b, c, d


def _edges(
    numbers: tuple[float, float, float, float], given: Given, size: Size | None
) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom in pixels; None where that takes a size that is not known."""
    a, b, c, d = numbers
    if given.form == "sized":
        return a, b, a + c, b + d
    if given.form == "shares":
        if size is None:
            return None
        width, height = size
        return (a - c / 2) * width, (b - d / 2) * height, (a + c / 2) * width, (b + d / 2) * height
    # the first pixel of those counted from 1 lies between 0 and 1
    return (a - 1, b - 1, c, d) if given.is_from_one and a < c and b < d else (a, b, c, d)


def _within(
    label: str, edges: tuple[float, float, float, float], told: str, given: Given, size: Size | None
) -> Box | Fault:
    """The box cut to the picture, or what is wrong with its edges."""
    left, top, right, bottom = edges
    if right < left or bottom < top:
        return Fault("inverted-box", f"{told} ends before it begins. Give {SAID[given.form]}.")
    if right == left or bottom == top:
        return Fault("empty-box", f"{told} has no width or no height. Correct it, or remove it.")
    if size is None:
        return Box(label, _plain(edges), given.is_crowd)
    width, height = size
    if left < -SLACK or top < -SLACK or right > width + SLACK or bottom > height + SLACK:
        said = f"{told} lies outside of the picture, which has {width} x {height} pixels.{_hint(given, size)}"
        return Fault("outside-picture", said)
    cut = _plain((max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)))
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        return Fault("outside-picture", f"{told} lies at the edge of the picture and covers none of it. Remove it.")
    return Box(label, cut, given.is_crowd)


def _plain(edges: tuple[float, ...]) -> tuple[float, float, float, float]:
    """To a thousandth of a pixel, past which digits only say how it was computed."""
    left, top, right, bottom = (round(edge, 3) for edge in edges)
    return left, top, right, bottom


def _hint(given: Given, size: Size) -> str:
    """What would make it fit, if anything would."""
    a, b, c, d = _four(given.numbers) or (0.0, 0.0, 0.0, 0.0)
    if given.form == "sized" and 0 <= a < c <= size[0] and 0 <= b < d <= size[1]:
        return ' As corners x0, y0, x1, y1 it would fit: call these "box".'
    if given.form == "corners" and a + c <= size[0] and b + d <= size[1]:
        return ' As x, y, width, height it would fit: call these "bbox".'
    return f" Give {SAID[given.form]}."
