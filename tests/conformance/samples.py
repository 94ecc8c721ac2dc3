"""Rows to try a task on, made from what it says of its fields: how each kind of truth is made, and a sure answer.

A new kind of truth joins the conformance suite by an entry in `TRUTHS`; a new kind of content by one in `CONTENTS`.
"""

# B rows, T tokens, C classes

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from torch.nn.functional import one_hot

import families
import tones
from headstart.contracts import Rows
from headstart.data.truths import answers, boxes, labels, masks, spans, words
from headstart.tasks import semantic_segmentation
from headstart.tasks.speech import ctc

NAMES = ("alpha", "beta", "gamma")
SETS = (("alpha",), ("alpha", "beta"), ("gamma",), (), ("beta", "gamma"), ("gamma",), ("beta",), NAMES)
"""Of names, none, one and several; those of every third row have no "gamma"."""
ROWS = 8
SURE = 30.0
SHADES = ((200, 60, 40), (40, 190, 80), (50, 60, 200))
"""Of each class where it is painted into a picture."""
SAID = ("a", "b", "c", "a", "b", "c", "a", "b")
"""What is said in the recordings, a tone for each letter."""


def _texts(place: Path) -> list[str]:
    return [" ".join([families.GOOD[i], families.BAD[i]] * (1 + i % 3)) for i in range(ROWS)]


SPOTS = tuple((2 + 3 * (i % 3), 3 + 5 * (i % 2), 17 + 3 * (i % 3), 21 + 4 * (i % 2)) for i in range(ROWS))
"""Where in each picture there is something: its left, top, right and bottom edge in pixels."""
SPOT_COLORS = ("red", "lime", "blue")
"""Of things in the order of `NAMES`."""


def _pictures(place: Path) -> list[str]:
    from PIL import ImageDraw

    files = [place / f"{i}.png" for i in range(ROWS)]
    for i, file in enumerate(files):
        picture = families.picture((200 * (i % 2), 90 * (i % 3), 30 * i), seed=i)
        left, top, right, bottom = SPOTS[i]
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill=SPOT_COLORS[i % len(NAMES)])
        picture.save(file)
    return [str(file) for file in files]


def _sounds(place: Path) -> list[str]:
    return [str(tones.write(place / f"{i}.wav", SAID[i], seed=i)) for i in range(ROWS)]


CONTENTS: Mapping[str, Callable[[Path], list[str]]] = {"text": _texts, "image": _pictures, "audio": _sounds}
"""Kind of field -> as many of its values as there are rows, each as far from the others as it can be."""


@dataclass(frozen=True)
class Truth:
    """A kind of truth: values of the field made from the content beside it, what a sure and right network gives for
    targets and so many classes, answers as they compare with what the field holds, and of targets how many there are
    in each row, shape (B,), and what one of them costs a network that knows nothing. `learnt` is the primary metric
    that the tiny model reaches on eight rows in thirty steps.
    """

    of: Callable[[list[str]], list[str]]
    perfect: Callable[[torch.Tensor, int], torch.Tensor]
    told: Callable[[Any], Any]
    num: Callable[[torch.Tensor], torch.Tensor]
    unknowing: Callable[[torch.Tensor, int], torch.Tensor]
    learnt: float = 0.8


def _sure_of_classes(targets: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Logits of the right classes, whatever the targets' shape; where there is no target, of the first."""
    return SURE * one_hot(targets.clamp(min=0), num_classes).float()


def _of_words(text: str, label: str) -> list[spans.Span]:
    """The first two words as one entity, and each later one of them as another."""
    places = words.words(text)
    later = [spans.Span(*place, label) for place in places[2::2]]
    return [spans.Span(places[0][0], places[1][1], label), *later]


def _painted(pictures: list[str]) -> list[str]:
    """The right half of each picture painted in the shade of its class, and the masks of both halves."""
    found = []
    for i, path in enumerate(pictures):
        with Image.open(path) as picture:
            image = picture.convert("RGB")
        left, right = i % len(NAMES), (i + 1) % len(NAMES)
        numbers = np.full((families.SIDE, families.SIDE), left)
        numbers[:, families.SIDE // 2 :] = right
        for number, at in ((left, 0), (right, families.SIDE // 2)):
            image.paste(
                families.picture(SHADES[number], seed=i).crop((at, 0, at + families.SIDE // 2, families.SIDE)), (at, 0)
            )
        image.save(path)
        found.append(masks.dumps(masks.of_numbers(numbers, {n: (name, str(n)) for n, name in enumerate(NAMES)})))
    return found


def _sure_of_pixels(targets: torch.Tensor, num_classes: int) -> torch.Tensor:
    return _sure_of_classes(targets.long(), num_classes).movedim(3, 1)


def _unknowing_of_pixels(targets: torch.Tensor, num_classes: int) -> torch.Tensor:
    """The cross entropy of even chances, and how far those are from overlapping with the classes that are there."""
    found = []
    for row in targets:
        shares = [float((row == number).sum() / (row >= 0).sum()) for number in range(num_classes)]
        apart = [1 - 2 * share / num_classes / (1 / num_classes + share) for share in shares if share]
        found.append(math.log(num_classes) + sum(apart) / len(apart))
    return torch.tensor(found)


def _letters(row: torch.Tensor) -> list[int]:
    return [int(number) for number in row[ctc.FIRST :] if number >= 0]


def _sure_of_letters(targets: torch.Tensor, num_outputs: int) -> torch.Tensor:
    """Each letter at every second frame, and blanks between and behind them; of a model that writes, its tokens."""
    if not targets.is_floating_point():
        sure, starts, ends = (torch.full(targets.shape, value) for value in (0.0, 0.0, 1.0))
        return torch.stack([targets.clamp(min=-1).float(), sure, starts, ends], dim=1)[:, None]
    output = torch.zeros(len(targets), int(targets[:, ctc.FRAMES].max()), num_outputs)
    for row, target in enumerate(targets):
        output[row, :, int(target[ctc.NOTHING])] = SURE
        for at, letter in enumerate(_letters(target)):
            output[row, 2 * at, int(target[ctc.NOTHING])] = 0
            output[row, 2 * at, letter] = SURE
    return output


def _cost_of_any(target: torch.Tensor, num_outputs: int) -> float:
    """What a letter costs where every output is as likely as any: by the number of alignments, counted one by one; what
    is written has but one."""
    if not target.is_floating_point():
        return math.log(num_outputs)
    letters, num_frames = _letters(target), int(target[ctc.FRAMES])
    ways: dict[tuple[int, bool], int] = {(0, True): 1}  # letters written so far, and whether the last frame was blank
    for _ in range(num_frames):
        after: dict[tuple[int, bool], int] = {}
        for (done, is_blank), count in ways.items():
            steps = [(done, True)] + ([(done, False)] if not is_blank else [])
            if done < len(letters) and (is_blank or letters[done] != letters[done - 1]):
                steps.append((done + 1, False))
            for step in steps:
                after[step] = after.get(step, 0) + count
        ways = after
    alignments = ways.get((len(letters), True), 0) + ways.get((len(letters), False), 0)
    return (num_frames * math.log(num_outputs) - math.log(alignments)) / len(letters)


TRUTHS: Mapping[str, Truth] = {
    "mask": Truth(
        _painted,
        _sure_of_pixels,
        lambda answer: masks.dumps(semantic_segmentation.mask_of(answer)),
        lambda targets: (targets >= 0).sum(dim=(1, 2)),
        _unknowing_of_pixels,
    ),
    "label": Truth(
        lambda content: [NAMES[i % len(NAMES)] for i in range(len(content))],
        _sure_of_classes,
        lambda answer: answer["label"],
        lambda targets: torch.ones(len(targets)),
        lambda targets, num_classes: torch.full((len(targets),), math.log(num_classes)),
    ),
    "labels": Truth(
        lambda content: [labels.dumps(SETS[i % len(SETS)]) for i in range(len(content))],
        lambda targets, _: SURE * (2 * targets - 1),
        lambda answer: labels.dumps(answer["labels"]),
        lambda targets: torch.full((len(targets),), targets.shape[1]),
        lambda targets, num_labels: torch.full((len(targets),), math.log(2.0)),
    ),
    "answers": Truth(
        lambda contexts: [_answer(i, context) for i, context in enumerate(contexts)],
        lambda targets, _: SURE * (2 * (targets > 0).float() - 1),
        lambda answer: answers.dumps([] if answer["start"] is None else [{**answer, "text": answer["answer"]}]),
        lambda targets: torch.ones(len(targets)),
        # it might be any token of the text, or none
        lambda targets, _: (1 + (targets >= 0).sum(dim=1).float()).log().mean(dim=1),
    ),
    "transcript": Truth(
        lambda content: list(SAID[: len(content)]),
        _sure_of_letters,
        lambda answer: answer["text"],
        lambda targets: ((targets[:, ctc.FIRST :] if targets.is_floating_point() else targets) >= 0).sum(dim=1),
        lambda targets, num_outputs: torch.tensor([_cost_of_any(row, num_outputs) for row in targets]),
    ),
    "boxes": Truth(
        lambda content: [_boxes(i) for i in range(len(content))],
        lambda targets, num_classes: _sure_of_boxes(targets, num_classes),
        lambda answer: boxes.dumps([boxes.Box(one["label"], tuple(one["box"])) for one in answer["boxes"]]),
        lambda targets: (targets[..., 0] >= 0).sum(dim=1),
        # every place might show each class or not; ten places learn from a box
        lambda targets, num_classes: torch.full((len(targets),), targets.shape[1] * num_classes * math.log(2) / 10),
        # to be right at every overlap up to 0.95 takes longer
        learnt=0.3,
    ),
    "spans": Truth(
        lambda content: [spans.dumps(_of_words(text, NAMES[i % len(NAMES)])) for i, text in enumerate(content)],
        _sure_of_classes,
        lambda answer: spans.dumps([spans.Span(one["start"], one["end"], one["label"]) for one in answer["entities"]]),
        lambda targets: (targets >= 0).sum(dim=1),
        lambda targets, num_tags: torch.full((len(targets),), math.log(num_tags)),
    ),
}
"""Kind of field -> how it is tried."""


def _boxes(number: int) -> str:
    """What is in a picture."""
    left, top, right, bottom = map(float, SPOTS[number])
    return boxes.dumps([boxes.Box(NAMES[number % len(NAMES)], (left, top, right, bottom))])


def _sure_of_boxes(targets: torch.Tensor, num_classes: int) -> torch.Tensor:
    """A query for each box, which says where it is and of what class, and which is not of a place of the picture."""
    labels = targets[..., 0].long()
    is_real = labels >= 0
    logits = SURE * (2 * one_hot(labels.clamp(min=0), num_classes) * is_real[..., None] - 1.0)
    kind = torch.tensor([0.0, 0.0, -1.0]).expand(*labels.shape, 3)
    return torch.cat([targets[..., 1:], kind, logits], dim=-1)


def _answer(number: int, context: str) -> str:
    """The first word, the second, both, or none."""
    first, second = context.split()[:2]
    told = (first, second, f"{first} {second}", None)[number % 4]
    return answers.dumps([] if told is None else [{"text": told, "start": context.index(told)}])


def rows_of(task: Any, place: Path) -> Rows:
    """Eight rows with the task's fields, three classes among them."""
    columns: dict[str, list[str]] = {}
    for field in task.fields:
        if field.kind in CONTENTS:
            made = CONTENTS[field.kind](place)
            # of two contents the second is the first of other rows
            columns[field.name] = made[len(columns) :] + made[: len(columns)]
        else:
            columns[field.name] = TRUTHS[field.kind].of(columns[field.within or next(iter(columns))])
    return Rows(pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()}))


def truth_of(task: Any) -> Truth:
    """How the truth of the task's rows is tried."""
    return next(TRUTHS[field.kind] for field in task.fields if field.name == "label")
