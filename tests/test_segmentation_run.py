"""Masks learnt from start to end: by every strategy, on every plain family, saved, opened again, and in a snippet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import families
import headstart
from headstart import cli, model
from headstart.data.images import open_image
from headstart.data.truths import masks
from headstart.errors import MismatchError, SettingError
from headstart.network import Headed
from headstart.tasks import semantic_segmentation as task

SIDE = 48


def shapes(folder: Path, num: int = 12) -> Path:
    """Pictures of a dark disc on a bright ground, of two sizes, and their masks."""
    generator = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(num):
        width, height = (SIDE, SIDE) if number % 2 else (SIDE + 32, SIDE)
        x, y = generator.integers(12, width - 12), generator.integers(12, height - 12)
        down, across = np.mgrid[:height, :width]
        is_disc = (down - y) ** 2 + (across - x) ** 2 < 100
        pixels = np.where(is_disc[..., None], (40, 60, 160), (220, 210, 190)) + generator.integers(
            -20, 21, (height, width, 3)
        )
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number}.png")
        Image.fromarray(is_disc.astype(np.uint8)).save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("ground\ndisc\n")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes(tmp_path_factory.mktemp("shapes") / "data")


def fitted(data: Path, family: families.Family, out: Path, **given: Any) -> Any:
    usual = {
        "model": str(family(given.pop("model", "resnet"))),
        "epochs": 2,
        "image_size": 64,
        "batch_size": 4,
        "head_width": 16,
    }
    return headstart.fit(data, out=out, **{**usual, "lr": 1e-2, "precision": "float32", "image_scale": "1", **given})


@pytest.fixture(scope="module")
def run(data: Path, family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fitted(
        data, family, tmp_path_factory.mktemp("run") / "run", epochs=20, strategy="full", patience=20, ema=0.0
    )


def test_discs_are_found(run: Any) -> None:
    assert run.scores["metrics"]["mean_iou"]["value"] > 0.75
    assert set(run.scores["baselines"]) == {"the commonest class", "colours + linear model"}
    assert set(run.scores["per_class"]) == {"ground", "disc"}


def test_an_answer_is_json_at_the_size_of_the_picture(run: Any, data: Path) -> None:
    (answer,) = model.load(run.folder).predict([str(data / "images" / "0.png")])
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["width"], answer["height"]) == (SIDE + 32, SIDE)
    assert sum(one["share"] for one in answer["regions"]) == pytest.approx(1)
    decoded = [masks.decoded(one["rle"]["counts"], one["rle"]["size"]) for one in answer["regions"]]
    assert np.sum(decoded, axis=0).min() == np.sum(decoded, axis=0).max() == 1


def test_a_saved_model_answers_to_the_bit(run: Any, data: Path) -> None:
    pictures = [str(path) for path in sorted((data / "images").iterdir())]
    ours, theirs = run.model.answers(pictures).output, model.load(run.folder).answers(pictures).output
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_tiles_and_company_do_not_change_an_answer(run: Any, data: Path) -> None:
    pictures = [str(path) for path in sorted((data / "images").iterdir())]
    together, fitted_model = run.model.predict(pictures), model.load(run.folder)
    assert [fitted_model.predict([picture])[0]["regions"] for picture in pictures] == [
        one["regions"] for one in together
    ]


@pytest.mark.parametrize("name", ["mobilenet", "vit", "convnext"])
def test_every_plain_family_gets_a_decoder(name: str, data: Path, family: families.Family, tmp_path: Path) -> None:
    found = fitted(data, family, tmp_path / "run", model=name, epochs=1)
    assert isinstance(found.model.network, Headed)
    assert model.load(found.folder).predict([str(data / "images" / "1.png")])


@pytest.mark.parametrize("strategy", ["top", "gradual", "scratch"])
def test_every_strategy_trains_it(strategy: str, data: Path, family: families.Family, tmp_path: Path) -> None:
    found = fitted(data, family, tmp_path / "run", strategy=strategy, epochs=1)
    assert 0 <= found.scores["metrics"]["mean_iou"]["value"] <= 1


def test_frozen_moves_no_weight_and_no_statistic_below(data: Path, family: families.Family, tmp_path: Path) -> None:
    found = fitted(data, family, tmp_path / "run", strategy="frozen", epochs=1)
    before = model._ref.load(f"dir:{family('resnet')}", offline=True).module.state_dict()
    after = found.model.network.module.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"head": "mlp"}, "--head mlp: this task answers for places"),
        ({"pool": "max"}, "--pool max: this task answers for places"),
        ({"read": "1"}, "--read 1: this task answers for places"),
        ({"augment": "mixup"}, "--augment mixup mixes whole pictures"),
    ],
    ids=str,
)
def test_what_has_no_meaning_for_places_is_refused(
    given: dict[str, str], says: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=says):
        fitted(data, family, tmp_path / "run", **given)


def test_a_model_of_texts_is_refused(data: Path, family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="reads text and the rows hold image"):
        fitted(data, family, tmp_path / "run", model="bert")


def test_pictures_and_masks_are_written_on_request(run: Any, data: Path, tmp_path: Path) -> None:
    command = ["predict", str(run.folder), str(data / "images"), "--out", str(tmp_path / "found.jsonl")]
    command += ["--draw", str(tmp_path / "drawn"), "--masks", str(tmp_path / "masks")]
    assert cli.main(command) == 0
    answers = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    for answer in answers:
        stem = Path(answer["image"]).stem
        with Image.open(tmp_path / "masks" / f"{stem}.png") as mask:
            disc = sum(one["share"] for one in answer["regions"] if one["label"] == "disc")
            assert (np.asarray(mask) == 1).mean() == pytest.approx(disc)
            assert mask.size == (answer["width"], answer["height"])
            is_disc = np.asarray(mask) == 1
        files = (answer["image"], tmp_path / "drawn" / f"{stem}.png")
        before, after = (np.asarray(open_image(path)) for path in files)
        assert not ((before != after).any(axis=2) & ~is_disc).any()


def test_the_page_shows_truth_beside_what_was_found(run: Any) -> None:
    page = (run.folder / "report.html").read_text()
    assert "that fit their masks least" in page
    assert all(f'<th scope="col" class="number">{heading}</th>' in page for heading in ("IoU", "Pixels"))
    assert page.count('<img class="drawn"') >= 2


def test_the_cards_python_finds_the_same_masks(run: Any, data: Path) -> None:
    picture = data / "images" / "1.png"  # read in one piece
    told: dict[str, Any] = {"open_image": open_image}
    code = model.usage(run.model).replace('folder = "."', f'folder = "{run.folder / "model"}"')
    exec(code.replace('Image.new("RGB", (64, 64), "red")', f'open_image("{picture}")'), told)
    (answer,) = run.model.predict([str(picture)])
    ours = masks.numbers(task.mask_of(answer), {name: number for number, name in enumerate(told["names"])}, rest=-1)
    assert (told["answers"][0].numpy() == ours).mean() > 0.999  # but for ties
