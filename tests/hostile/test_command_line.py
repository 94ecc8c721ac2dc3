"""Whatever cannot be done ends in one clear line and the right exit code, and leaves every file as it was."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from bad_data import CASES, Case
from bad_models import ASKED, SPOILT, Asked, Spoilt

import families
from headstart.cli import main

Content = dict[Path, bytes]
Shown = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def places(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Good models, data and runs by name, and some files that are not what they seem."""
    root = tmp_path_factory.mktemp("places")
    found = {name: root / name for name in ("photos", "run", "photo_run", "unfinished", "foreign")}
    found |= {"bert": family("bert"), "resnet": family("resnet")}
    found["rows"] = families.csv_of(root / "rows.csv", families.reviews(40))
    found["others"] = families.csv_of(root / "others.csv", [("a day", "pos"), ("one day", "neg"), ("the day", "meh")])
    families.pictures(found["photos"], 24)
    for run, data, model in (("run", "rows", "bert"), ("photo_run", "photos", "resnet")):
        words = ["fit", found[data], "--out", found[run], "--model", f"dir:{found[model]}", "--precision", "float32"]
        assert main(list(map(str, words))) == 0
    for name, content in (("unfinished", '{"event": "stage"}'), ("foreign", "")):
        found[name].mkdir()
        (found[name] / "events.jsonl").write_text(content)
    (found["foreign"] / "run.json").write_text(json.dumps({"settings": {}, "run": 7}))
    picture = (found["photos"] / "red" / "0.png").read_bytes()
    for name, bytes_ in (("empty.txt", b""), ("nothing.png", b""), ("broken.png", picture[: len(picture) // 2])):
        (root / name).write_bytes(bytes_)
        found[Path(name).stem] = root / name
    return found


@pytest.fixture(autouse=True)
def empty_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in a folder of their own, and nothing comes from stdin."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))


def content(folder: Path) -> Content:
    """Every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(words: list[str], says: str, capsys: Shown, *, desk: Path, code: int = 1) -> None:
    """Runs the command; whatever it was, it must end in words, in this code, and without a trace."""
    before = content(desk)
    capsys.readouterr()
    assert main(words) == code
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.lower().startswith("error: ")]
    assert (out, len(errors)) == ("", 1), err
    assert says in err
    assert "Traceback" not in err
    assert content(desk) == before
    assert not list(desk.glob("run*"))


def of_images(case: Case, data: Path) -> bool:
    return data.is_dir() and any(data.rglob("*.png"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fit_refuses_malformed_data(case: Case, places: dict[str, Path], tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "data").mkdir()
    data = case.build(tmp_path / "data")
    model = places["resnet" if of_images(case, data) else "bert"]
    words = ["fit", str(data), "--out", str(tmp_path / "run"), "--model", f"dir:{model}"]
    if case.columns is not None:
        words += ["--columns", case.columns]
    assert_refused(words, case.says, capsys, desk=tmp_path)


CHECKED = {"no such file", "row too short", "twenty-five bad rows", "one class", "zero-byte image", "damaged Parquet"}


@pytest.mark.parametrize("case", [case for case in CASES if case.id in CHECKED], ids=lambda case: case.id)
def test_a_check_says_the_same_and_ends_with_1(case: Case, tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "data").mkdir()
    data = case.build(tmp_path / "data")
    before = content(tmp_path)
    assert main(["check", str(data)]) == 1
    shown = "".join(capsys.readouterr())
    assert case.says.removeprefix("The data has ") in shown
    assert "Traceback" not in shown
    assert content(tmp_path) == before


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.id)
def test_a_fit_refuses_a_spoilt_model(spoilt: Spoilt, places: dict[str, Path], tmp_path: Path, capsys: Shown) -> None:
    data, model = places["photos" if spoilt.family == "resnet" else "rows"], tmp_path / "model"
    shutil.copytree(places[spoilt.family], model)
    spoilt.spoil(model)
    words = ["fit", str(data), "--out", str(tmp_path / "run"), "--model", f"dir:{model}"]
    assert_refused(words, spoilt.says, capsys, desk=tmp_path)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.id)
def test_what_cannot_be_done_is_refused(asked: Asked, places: dict[str, Path], tmp_path: Path, capsys: Shown) -> None:
    words = [word.format(out=tmp_path / "run", **places) for word in shlex.split(asked.words)]
    before = content(places["rows"].parent)
    assert_refused(words, asked.says, capsys, desk=tmp_path, code=asked.code)
    assert content(places["rows"].parent) == before


def test_a_run_folder_is_made_with_the_folders_above_it(places: dict[str, Path], tmp_path: Path, capsys: Shown) -> None:
    out = tmp_path / "not" / "yet" / "run"
    words = ["fit", places["rows"], "--model", f"dir:{places['bert']}", "--precision", "float32", "--out", out]
    assert main(list(map(str, words))) == 0
    assert (out / "model" / "headstart.json").is_file()


def test_there_are_cases_enough() -> None:
    assert len({case.id for case in (*CASES, *SPOILT, *ASKED)}) == len(CASES) + len(SPOILT) + len(ASKED) >= 150
