"""Advice on tasks whose figure is no share of rows: raced, judged by their own counts, and carried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import families
import headstart
import tones
from headstart import spoken
from headstart.advising import Advice
from headstart.api import settings_from
from headstart.settings import FitSettings

pytestmark = pytest.mark.usefixtures("few_rounds")
SIDE = families.SIDE
ROWS = 42
"""Too few for learning curves, which have tests of their own."""
FEW = 9
"""Of pictures and recordings, each of which takes a while."""


def _named(at: int) -> dict[str, Any]:
    good, bad = families.GOOD[at % 4], families.BAD[at // 4 % 4]
    text = f"the {good} {families.PLAIN[at % 5]} was {bad} {at}"
    return {"text": text, "spans": [_span(text, good, "GOOD"), _span(text, bad, "BAD")]}


def _span(text: str, word: str, label: str) -> dict[str, Any]:
    start = text.index(word)
    return {"start": start, "end": start + len(word), "label": label}


def _asked(at: int) -> dict[str, Any]:
    good = families.GOOD[at % 4]
    context = f"the {families.PLAIN[at % 5]} was {good} {at}"
    answers = {"text": [good], "answer_start": [context.index(good)]}
    return {"question": "how was it", "context": context, "answers": answers}


def _labelled(at: int) -> dict[str, Any]:
    names = [name for bit, name in enumerate(("good", "bad")) if at >> bit & 1]
    words = [{"good": families.GOOD, "bad": families.BAD}[name][at // 4 % 4] for name in names]
    return {"text": " ".join(["the", *words, families.PLAIN[at % 5], str(at)]), "labels": names}


def _paired(at: int) -> dict[str, Any]:
    good = families.GOOD[at // 2 % 4]
    other = good if at % 2 else families.BAD[at // 2 % 4]
    return {"premise": f"the {good} day {at}", "hypothesis": f"it was {other} {at}", "label": ("no", "yes")[at % 2]}


def _boxed(at: int) -> dict[str, Any]:
    """A bright square on the left or a dark one on the right."""
    picture = families.picture((90, 90, 90), seed=at)
    left, shade = ((2, (250, 250, 60)), (SIDE // 2 + 2, (10, 10, 120)))[at % 2]
    top, side = 2 + at % 5, SIDE // 3
    picture.paste(shade, (left, top, left + side, top + side))
    boxes = {"bbox": [[left, top, side, side]], "category": ["bright" if at % 2 == 0 else "dark"]}
    return {"file_name": picture, "objects": boxes}


def _masked(at: int) -> dict[str, Any]:
    """A bright field on one side, and the mask that says so."""
    picture, mask = families.picture((90, 90, 90), seed=at), Image.new("L", (SIDE, SIDE))
    left = (0, SIDE // 2)[at % 2]
    picture.paste((250, 250, 60), (left, 0, left + SIDE // 2, SIDE))
    mask.paste(1, (left, 0, left + SIDE // 2, SIDE))
    return {"file_name": picture, "mask": mask}


SAID = ("ab", "ba", "aab", "bb")


def _said(at: int) -> dict[str, Any]:
    """A short recording in which every letter has a tone of its own."""
    return {"sound": SAID[at % 4], "transcription": SAID[at % 4]}


TASKS: dict[str, tuple[Any, str]] = {
    "token-classification": (_named, "entity_f1"),
    "question-answering": (_asked, "f1"),
    "multi-label-text-classification": (_labelled, "f1_micro"),
    "text-pair-classification": (_paired, "accuracy"),
    "object-detection": (_boxed, "map"),
    "semantic-segmentation": (_masked, "mean_iou"),
    "automatic-speech-recognition": (_said, "word_accuracy"),
}
MODELS = {"object-detection": "resnet", "semantic-segmentation": "resnet", "automatic-speech-recognition": "hubert"}
"""The tiny model that is advised on, where it is not one of texts."""


@pytest.fixture(scope="module", params=TASKS)
def advised(request: Any, tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> tuple[str, Advice]:
    folder = tmp_path_factory.mktemp("advised")
    data = written(request.param, folder)
    model = family(MODELS.get(request.param, "bert"))
    asked = {"candidates": f"dir:{model}", "epochs": 1, "precision": "float32", "lr": 0.02, "batch_size": 8}
    asked |= (
        {"image_size": 2 * SIDE, "image_scale": "fit", "head_width": 8} if MODELS.get(request.param) == "resnet" else {}
    )
    return request.param, headstart.advise(data, out=folder / "advice", **asked)


def written(name: str, folder: Path) -> Path:
    """A file of rows for a task, with pictures in files beside it."""
    lines = []
    for at in range(FEW if name in MODELS else ROWS):
        row = TASKS[name][0](at)
        for column, value in row.items():
            if isinstance(value, Image.Image):
                row[column] = f"{column}-{at}.png"
                value.save(folder / row[column])
        if "sound" in row:
            row["file_name"] = tones.write(folder / f"{at}.wav", row.pop("sound"), seed=at).name
        lines.append(json.dumps(row))
    data = folder / "rows.jsonl"
    data.write_text("\n".join(lines))
    return data


def test_every_way_is_judged_by_the_tasks_own_figure(advised: tuple[str, Advice]) -> None:
    name, advice = advised
    facts = advice.facts
    assert (facts["task"], facts["primary"]) == (name, TASKS[name][1])
    kinds = {one["kind"] for one in facts["standings"]}
    assert {"pretrained", "baseline"} <= kinds
    for one in facts["standings"]:
        # of words more may be wrong than were said
        least = -9 if name == "automatic-speech-recognition" else 0
        assert least <= one["score"]["low"] <= one["score"]["value"] <= one["score"]["high"] <= 1
    assert not facts["verdict"]["not_tried"]


def test_every_depth_is_scored_by_the_tasks_own_points(advised: tuple[str, Advice]) -> None:
    facts = advised[1].facts
    assert [one["blocks"] for one in facts["scores"]][:2] == [1, 2]
    assert all(0 < one["accuracy"]["value"] <= 1 for one in facts["scores"])


def test_the_sentence_names_the_figure_and_the_settings_carry_it_out(advised: tuple[str, Advice]) -> None:
    name, advice = advised
    assert spoken.metric(TASKS[name][1]) in advice.sentence
    assert (advice.folder / "advice.html").read_text().count("<h2") > 1
    if advice.facts["verdict"]["taken"] and advice.facts["verdict"]["taken"]["settings"]:
        assert isinstance(settings_from(advice.settings), FitSettings)


def test_curves_of_figures_that_are_no_share_of_rows_are_measured(family: families.Family, tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(json.dumps(_labelled(at)) for at in range(110)))
    asked = {"candidates": f"dir:{family('bert')}", "epochs": 1, "precision": "float32", "lr": 0.02}
    curves = headstart.advise(data, out=tmp_path / "advice", **asked).facts["worth"]["curves"]
    assert set(curves) >= {"pretrained", "baseline"}
    assert all(0 <= score <= 1 for seeds in curves["pretrained"]["scores"] for score in seeds)
