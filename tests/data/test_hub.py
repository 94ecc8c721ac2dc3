"""Data sets of the Hub, from splits held in memory and from a cache made by hand; no network."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import datasets
import pytest
from PIL import Image

from headstart.data.formats.hub import is_hub_id, open_hub, part_of


@pytest.mark.parametrize("text", ["hub:imdb", "hub:org/name", "org/name", "org/name#config", "org/a-b"])
def test_ids_of_the_hub_are_recognised(text: str) -> None:
    assert is_hub_id(text)


@pytest.mark.parametrize("text", ["rows.csv", "data/rows.csv", "./data/rows", "/data/rows", "a/b/c", "imdb"])
def test_paths_are_not_taken_for_ids(text: str) -> None:
    assert not is_hub_id(text)


def test_numbered_classes_become_their_names() -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    data = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)

    (chunk,) = part_of(data, "hub:org/name train").chunks(["text", "label"])

    assert list(chunk.columns["label"]) == ["pos", "neg", None]


def test_embedded_images_become_files_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    content = BytesIO()
    Image.new("RGB", (3, 2)).save(content, "PNG")
    embedded = {"image": [{"bytes": content.getvalue(), "path": "a.png"}]}
    data = datasets.Dataset.from_dict(embedded, features=datasets.Features({"image": datasets.Image()}))

    (chunk,) = part_of(data, "hub:org/name train").chunks(["image"])

    assert Path(chunk.columns["image"][0]).read_bytes() == content.getvalue()


def test_a_data_set_downloaded_before_opens_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    builder = datasets.load_dataset_builder(
        "json", data_files={"train": [_lines(tmp_path)], "test": [_lines(tmp_path)]}
    )
    builder.download_and_prepare()
    prepared = Path(builder.cache_dir)
    # what a download from the Hub leaves: folders named for the data set and its configuration
    (tmp_path / "org___json").mkdir()
    prepared.parents[1].rename(tmp_path / "org___json/default")

    parts = open_hub("hub:org/json", offline=True)

    assert {split: part.sample["text"] for split, part in parts.items()} == {"train": ["a b"], "test": ["a b"]}


def _lines(folder: Path) -> str:
    (folder / "rows.jsonl").write_text('{"text": "a b", "label": "x"}\n')
    return str(folder / "rows.jsonl")
