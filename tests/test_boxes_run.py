"""From drawn shapes to a model folder that finds them, in headstart and in plain transformers alike."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from PIL import Image, ImageDraw
from pyarrow import parquet

import detectors
import families
import headstart
from headstart.cli import main
from headstart.contracts import Frame
from headstart.data.read import read
from headstart.data.truths import boxes
from headstart.errors import SettingError
from headstart.model import Model, usage
from headstart.network import Headed, Whole, class_of
from headstart.run import Run
from headstart.sources import dir as folders
from headstart.tasks import object_detection as task
from headstart.tasks.boxes import found_boxes

SIZE = (96, 72)


def shapes(folder: Path, num: int, *, seed: int = 0) -> Path:
    """Grey pictures with one to three dark squares or discs, and a metadata.jsonl that says where."""
    folder.mkdir(exist_ok=True)
    rng = random.Random(seed)
    lines = []
    for number in range(num):
        picture = Image.new("RGB", SIZE, (200 + rng.randrange(40),) * 3)
        objects = []
        for column in rng.sample(range(3), rng.randint(1, 3)):
            side, kind = rng.randint(16, 26), rng.choice(("disc", "square"))
            left, top = 32 * column + rng.randint(1, 4), rng.randint(0, SIZE[1] - side)
            shade = tuple(rng.randrange(0, 120) for _ in range(3))
            draw = ImageDraw.Draw(picture)
            (draw.ellipse if kind == "disc" else draw.rectangle)(
                (left, top, left + side - 1, top + side - 1), fill=shade
            )
            objects.append({"label": kind, "box": [left, top, left + side, top + side]})
        picture.save(folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "objects": objects}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


GIVEN: dict[str, Any] = {"precision": "float32", "batch_size": 8, "image_scale": "1", "ema": 0.0, "head_width": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, family: families.Family) -> Run:
    folder = tmp_path_factory.mktemp("boxes")
    data = shapes(folder / "shapes", 32)
    more = {"strategy": "full", "epochs": 20, "patience": 20, "lr": 0.01, "augment": "crop,flip"}
    return headstart.fit(data, model=f"dir:{family('resnet')}", out=folder / "run", **GIVEN, **more)


def test_a_fit_learns_to_find_and_loads_again_to_the_bit(run: Run) -> None:
    assert run.scores["primary"] == "map"
    assert run.scores["metrics"]["map50"]["value"] > 0.5
    assert isinstance(run.model.network, Headed)
    picture = str(run.folder.parent / "shapes" / "0.png")
    again = headstart.load(run.folder)
    assert torch.equal(run.model.answers([picture]).output[0], again.answers([picture]).output[0])


def test_boxes_lie_within_their_picture_the_surest_first(run: Run) -> None:
    (answer,) = run.model.predict([str(run.folder.parent / "shapes" / "0.png")])
    scores = [one["score"] for one in answer["boxes"]]
    assert scores == sorted(scores, reverse=True)
    for one in answer["boxes"]:
        left, top, right, bottom = one["box"]
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]


def test_scores_have_baselines_that_need_no_model(run: Run) -> None:
    assert set(run.scores["baselines"]) == {"the most frequent boxes", "spots by colour and size"}


def test_predictions_are_written_beside_the_truth(run: Run) -> None:
    for row in parquet.read_table(run.folder / "predictions.parquet").to_pylist():
        said = boxes.loads(row["prediction"])
        assert all(one["score"] < 0.5 for one in json.loads(row["scored"])[len(said) :])


def test_the_page_shows_what_is_there_beside_what_was_found(run: Run) -> None:
    page = (run.folder / "report.html").read_text()
    assert "mean average precision" in page
    if any(not row["correct"] for row in parquet.read_table(run.folder / "predictions.parquet").to_pylist()):
        assert page.count('class="drawn"') >= 2


def test_predict_prints_boxes_and_draws_them(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = str(run.folder.parent / "shapes" / "0.png")
    assert main(["predict", str(run.folder), picture, "--draw", str(tmp_path / "drawn")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["image"] == picture
    assert {"label", "box", "score"} == set(found["boxes"][0])
    with Image.open(tmp_path / "drawn" / "0.png") as drawn:
        assert drawn.size == SIZE
    assert main(["predict", str(run.folder), picture, "--draw", str(tmp_path / "drawn")]) != 0
    assert "is no empty folder" in capsys.readouterr().err


def test_things_across_tiles_are_found_once(run: Run, tmp_path: Path) -> None:
    picture = Image.new("RGB", (230, 150), (220, 220, 220))
    where = [(20, 30), (84, 40), (150, 90)]
    for left, top in where:
        ImageDraw.Draw(picture).rectangle((left, top, left + 21, top + 21), fill=(60, 30, 90))
    picture.save(tmp_path / "wide.png")
    (answer,) = run.model.predict([str(tmp_path / "wide.png")])
    assert len(run.model.answers([str(tmp_path / "wide.png")]).output[0]) > 1
    for left, top in where:
        near = [
            one["label"]
            for one in answer["boxes"]
            if one["score"] >= 0.5 and abs(one["box"][0] - left) < 8 and abs(one["box"][1] - top) < 8
        ]
        assert len(near) == len(set(near))


def test_evaluate_judges_other_pictures(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = shapes(tmp_path / "more", 8, seed=7)
    assert main(["evaluate", str(run.folder), str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["map50"]["value"] > 0.4


def told_by_the_card(model: Model, folder: Path, pictures: list[str]) -> Any:
    """What the card's Python answers about pictures, its edges not rounded."""
    opened = ", ".join(f'Image.open("{picture}").convert("RGB")' for picture in pictures)
    code = usage(model).replace('folder = "."', f'folder = "{folder}"').replace("round(edge, 2)", "edge")
    told: dict[str, Any] = {}
    exec(code.replace('Image.new("RGB", (64, 64), "red")', opened), told)
    return told["answers"]


def verify_alike(theirs: Any, ours: Any) -> None:
    """The same boxes of each picture, in any order, for the scores of some may differ by their last bits only."""
    for one, other in zip(theirs, ours, strict=True):
        assert one["boxes"]
        assert len(one["boxes"]) == len(other["boxes"])
        for mine in one["boxes"]:
            edges, sure = pytest.approx(mine["box"], abs=1e-3), pytest.approx(mine["score"], abs=1e-4)
            assert any((edges, sure, mine["label"]) == (it["box"], it["score"], it["label"]) for it in other["boxes"])


@pytest.fixture
def unrounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges as they are, for between two pixels' hundredths the last bits would decide."""
    monkeypatch.setattr(found_boxes, "round", lambda value, digits: value, raising=False)


@pytest.mark.usefixtures("unrounded")
def test_the_cards_python_finds_the_same_boxes(run: Run, tmp_path: Path) -> None:
    shapes(tmp_path, 2, seed=3)
    with Image.open(tmp_path / "0.png") as small, Image.open(tmp_path / "1.png") as other:
        wide = Image.new("RGB", (180, 110), (220, 220, 220))
        wide.paste(small, (30, 30))
        wide.paste(other, (90, 20))
    wide.save(tmp_path / "wide.png")  # read in several tiles
    pictures = [str(tmp_path / "0.png"), str(tmp_path / "wide.png")]
    verify_alike(told_by_the_card(run.model, run.folder / "model", pictures), run.model.predict(pictures))


def test_the_card_of_what_wraps_timm_calls_headstart() -> None:
    wrapped = type("Wrapped", (), {"__module__": "transformers.models.timm_wrapper.modeling_timm_wrapper"})()
    model: Any = SimpleNamespace(task=task, backbone=SimpleNamespace(module=wrapped))
    assert "headstart.load" in usage(model)


@pytest.mark.parametrize("augment", ["mixup", "cutmix"])
def test_whole_pictures_are_not_mixed(augment: str, family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"--augment {augment} mixes whole pictures"):
        headstart.fit(
            shapes(tmp_path / "s", 12), model=f"dir:{family('resnet')}", out=tmp_path / "run", **GIVEN, augment=augment
        )


# -------------------------------------------------------------------------------------- the ecosystem's own detectors


FRAME = Frame(64, 0.5)
OPEN = transformers.AutoModelForObjectDetection.from_pretrained


@pytest.mark.parametrize("name", detectors.NAMES)
def test_a_detector_learns_a_step_and_opens_in_its_own_class(name: str, tmp_path: Path) -> None:
    detectors.make(name, tmp_path / "model")
    rows = read(shapes(tmp_path / "s", 4), candidates={"object-detection": task.fields}).splits["train"]
    learned, backbone = task.learn(rows), folders.load(str(tmp_path / "model"), revision=None, offline=True)
    assert class_of(task, backbone) == task.auto_class
    whole = Whole(backbone.task_module(task.auto_class, learned.names), output=task.output)
    inputs = backbone.prepare(task.items(rows), where=True, frame=FRAME).take(range(4))
    targets = task.collate(rows, learned, inputs.where)
    assert inputs.where is not None, "asked for"

    optimizer = torch.optim.AdamW(whole.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        loss = task.loss(whole(inputs), targets)
        loss.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach().sum()))
    model = Model("object-detection", learned, backbone, whole.eval(), frame=FRAME)
    model.save(tmp_path / "saved")

    assert losses[-1] < losses[0]
    opened, told = OPEN(tmp_path / "saved", output_loading_info=True)
    assert not told["missing_keys"]
    assert set(opened.config.id2label.values()) == {"disc", "square"}
    with torch.no_grad():
        ours, theirs = whole.module(**inputs.tensors), opened.eval()(**inputs.tensors)
    torch.testing.assert_close(ours.logits, theirs.logits, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(ours.pred_boxes, theirs.pred_boxes, atol=1e-6, rtol=1e-5)
    # weights that are mapped from a file lie at other addresses, which moves the last bits of products
    said, again = (each.answers(task.items(rows)).output[0] for each in (model, headstart.load(tmp_path / "saved")))
    torch.testing.assert_close(said, again, atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("unrounded")
@pytest.mark.parametrize("name", ["detr", "rt_detr"])  # one class or none, and each class by itself
def test_the_cards_python_opens_a_detector(name: str, tmp_path: Path) -> None:
    detectors.make(name, tmp_path / "model")
    pictures = [str(shapes(tmp_path / "s", 1) / "0.png"), str(tmp_path / "small.png")]
    with Image.open(pictures[0]) as tiled:
        tiled.crop((0, 0, 60, 50)).save(pictures[1])
    learned = task.Learned(("disc", "square"))
    backbone = folders.load(str(tmp_path / "model"), revision=None, offline=True)
    whole = Whole(backbone.task_module(task.auto_class, learned.names), output=task.output).eval()
    for part, weight in whole.named_parameters():
        if "class_embed" in part and part.endswith("bias"):
            torch.nn.init.zeros_(weight)  # so that some are sure enough to be told
    model = Model("object-detection", learned, backbone, whole, frame=Frame(64, 1.0))
    model.save(tmp_path / "saved")
    verify_alike(told_by_the_card(model, tmp_path / "saved", pictures), model.predict(pictures))


@pytest.mark.parametrize("name", ["yolos", "rt_detr", "deformable_detr"])
def test_a_fit_of_a_detector_goes_from_start_to_end(name: str, tmp_path: Path) -> None:
    detectors.make(name, tmp_path / "model")
    more = {"strategy": "full", "epochs": 1, "image_size": 64, "lr": 1e-3}
    data = shapes(tmp_path / "s", 10)
    run = headstart.fit(data, model=f"dir:{tmp_path / 'model'}", out=tmp_path / "run", **{**GIVEN, **more})
    assert not isinstance(run.model.network, Headed)
    before, after = (OPEN(folder).state_dict() for folder in (tmp_path / "model", run.folder / "model"))
    moved = [name for name, tensor in after.items() if name in before and not torch.equal(tensor, before[name])]
    assert any("decoder" in name or "encoder" in name for name in moved)
