"""Every verb at work, once, on a small folder of images and the model that ships with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from headstart.cli import main

COLORS = {"red": (200, 30, 30), "blue": (30, 30, 200)}


def paint(folder: Path, *, count: int, seed: int) -> Path:
    """A folder for each color, of small noisy images of it."""
    noise = np.random.default_rng(seed)
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = noise.normal(color, 25, (32, 32, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images to learn from."""
    return paint(tmp_path_factory.mktemp("photos"), count=30, seed=1)


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made by the command line."""
    out = tmp_path_factory.mktemp("runs") / "photos"
    assert main(["fit", str(photos), "--out", str(out), "--model", "starter:shapes-resnet"]) == 0
    return out


def printed(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> str:
    """What the command wrote to stdout."""
    capsys.readouterr()
    assert main(words) == code
    return capsys.readouterr().out


def as_object(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object that the command wrote to stdout."""
    found: dict[str, Any] = json.loads(printed([*words, "--json"], capsys))
    return found


def test_fit_prints_verdict_metric_baselines_and_where_to_look(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = printed(["fit", str(photos), "--out", str(tmp_path / "r"), "--model", "starter:shapes-resnet"], capsys)
    for part in ("test accuracy", "95 % interval", "majority class", "pixels + logistic regression"):
        assert part in shown
    assert str(tmp_path / "r" / "model") in shown
    assert str(tmp_path / "r" / "report.html") in shown


def test_fit_says_the_same_as_json(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = as_object(["fit", str(photos), "--out", str(tmp_path / "r"), "--model", "starter:shapes-resnet"], capsys)
    assert said["run"] == str(tmp_path / "r")
    assert said["scores"] == json.loads((tmp_path / "r" / "scores.json").read_text())


def test_a_run_can_be_repeated_to_the_bit(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(["fit", "--like", str(run), "--out", str(tmp_path / "again")], capsys)
    weights = Path("model") / "head.safetensors"
    weights = weights if (run / weights).exists() else Path("model") / "model.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (run / weights).read_bytes()


def test_check_says_task_and_classes(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(["check", str(photos)], capsys)
    assert shown.startswith("image-classification, from a folder")
    assert "blue" in shown


def test_check_says_the_same_as_json(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = as_object(["check", str(photos)], capsys)
    assert (said["task"], said["classes"]["red"]) == ("image-classification", {"train": 30})


def test_check_ends_with_1_where_a_fit_would_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = paint(tmp_path, count=30, seed=3)
    (photos / "red" / "0.png").write_bytes(b"")
    assert "1 error" in printed(["check", str(photos)], capsys, code=1)
    assert "1 error" in printed(["check", str(photos), "--skip-bad-rows"], capsys, code=0)


def test_evaluate_judges_on_other_data(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = paint(tmp_path, count=5, seed=2)
    assert "on 10 rows" in printed(["evaluate", str(run), str(others)], capsys)
    assert as_object(["evaluate", str(run), str(others)], capsys)["rows"] == 10


def test_predict_prints_one_object_for_each_image(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = paint(tmp_path, count=2, seed=4)
    answers = [json.loads(line) for line in printed(["predict", str(run), str(others)], capsys).splitlines()]
    assert [answer["image"] for answer in answers] == sorted(map(str, others.rglob("*.png")))
    assert all(answer["probabilities"].keys() == COLORS.keys() for answer in answers)


def test_predict_writes_a_file_and_prints_its_name(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others, out = paint(tmp_path / "others", count=2, seed=4), tmp_path / "answers.csv"
    assert printed(["predict", str(run), str(others), "--out", str(out)], capsys) == f"{out}\n"
    assert len(out.read_text().splitlines()) == 1 + 4


def test_report_writes_the_page_again(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = run / "report.html"
    page.unlink()
    assert printed(["report", str(run)], capsys) == f"{page}\n"
    assert page.exists()


def test_models_lists_the_one_that_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert "starter:shapes-resnet" in printed(["models"], capsys)
    listed = {model["ref"]: model for model in as_object(["models"], capsys)["models"]}
    assert listed["starter:shapes-resnet"]["is_available"]


def test_doctor_finds_the_machine_fit_for_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(["doctor"], capsys).startswith("ok  ")
