"""`headstart encode` writes what the model says of each item, row by row, and leaves nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import families
from headstart.cli import main
from headstart.encoding.encoder import load_backbone

TEXTS = ["the film was dull", "fine", "a kind, warm day with one clear view"]
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "new.txt"
    path.write_text("\n".join(TEXTS) + "\n\n", encoding="utf-8")
    return path


@pytest.fixture
def model(family: families.Family) -> str:
    return str(family("bert"))


def test_npz_holds_the_vectors_in_the_order_of_the_lines(model: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npz"
    assert main(["encode", model, str(lines), "--out", str(out)]) == 0
    expected = load_backbone(model).encode(TEXTS)
    with np.load(out) as found:
        assert set(found) == {"mean_2", "cls"}
        np.testing.assert_allclose(found["mean_2"], expected.mean, **CLOSE)
        np.testing.assert_allclose(found["cls"], expected.cls, **CLOSE)


def test_npz_holds_the_real_tokens_end_to_end(model: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.npz"
    assert main(["encode", model, str(lines), "--out", str(out), "--tokens", "--layers", "all"]) == 0
    alone = [load_backbone(model).encode([text], layers="0") for text in TEXTS]
    with np.load(out) as found:
        starts = found["starts"]
        assert starts.tolist() == np.cumsum([0, *(one.hidden.shape[1] for one in alone)]).tolist()
        for row, one in enumerate(alone):
            np.testing.assert_allclose(found["hidden_0"][starts[row] : starts[row + 1]], one.hidden[0], **CLOSE)
            assert one.ids is not None
            assert found["ids"][starts[row] : starts[row + 1]].tolist() == one.ids[0].tolist()
        assert found["where"].shape == (starts[-1], 2)


def test_parquet_has_a_row_for_each_item(model: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.parquet"
    assert main(["encode", model, str(lines), "--out", str(out), "--tokens"]) == 0
    frame, expected = pd.read_parquet(out), load_backbone(model).encode(TEXTS)
    assert frame["item"].tolist() == TEXTS
    np.testing.assert_allclose(np.stack(frame["mean_2"].tolist()), expected.mean, **CLOSE)
    assert expected.mask is not None
    assert [len(row) for row in frame["ids"]] == expected.mask.sum(axis=1).tolist()


def test_parts_are_written_behind_one_another(
    model: str, lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.encoding.encoder.CHUNK", 2)
    for name in ("v.npz", "v.parquet"):
        assert main(["encode", model, str(lines), "--out", str(tmp_path / name), "--tokens"]) == 0
    expected = load_backbone(model).encode(TEXTS)
    with np.load(tmp_path / "v.npz") as found:
        np.testing.assert_allclose(found["mean_2"], expected.mean, **CLOSE)
        assert expected.mask is not None
        assert np.diff(found["starts"]).tolist() == expected.mask.sum(axis=1).tolist()
    assert pd.read_parquet(tmp_path / "v.parquet")["item"].tolist() == TEXTS


def test_images_are_written_as_maps(family: families.Family, tmp_path: Path) -> None:
    photos = families.pictures(tmp_path / "photos", 4)
    out = tmp_path / "v.npz"
    assert main(["encode", str(family("resnet")), str(photos), "--out", str(out), "--tokens"]) == 0
    with np.load(out) as found:
        assert found["hidden_2"].shape[:2] == (4, 16)
        np.testing.assert_allclose(found["mean_2"], found["hidden_2"].mean(axis=(2, 3)), **CLOSE)


def test_json_says_what_was_written(
    model: str, lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "v.npz"
    assert main(["encode", model, str(lines), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 3, "vectors": str(out)}


def test_attention_is_drawn_on_a_page_of_its_own(model: str, lines: Path, tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    assert main(["encode", model, str(lines), "--attention", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    # two layers of two heads, and an average for each layer
    assert text.count("data:image/png;base64,") == 6
    assert "http" not in text.replace("http-equiv", "")


REFUSED: dict[str, tuple[list[str], int, str]] = {
    "nothing to write to": ([], 2, "--out"),
    "another format": (["--out", "v.csv"], 1, "ends in none of"),
    "a layer that is not there": (["--out", "v.npz", "--layers", "9"], 1, "the layers are 0 to 2"),
    "too long": (["--out", "v.npz", "--max-length", "999"], 1, "--max-length 999"),
    "no such folder": (["--out", "none/v.npz"], 1, "There is no folder"),
}


@pytest.mark.parametrize(("options", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_said_in_one_line(
    model: str,
    lines: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["encode", model, str(lines), *options]) == code
    assert said in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", [b"\n\n", b"fine\n\xff\xfe\n"], ids=["no lines", "not UTF-8"])
def test_bad_lines_leave_no_file(model: str, tmp_path: Path, content: bytes, capsys: Any) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    assert main(["encode", model, str(tmp_path / "bad.txt"), "--out", str(tmp_path / "v.npz")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.txt"]
