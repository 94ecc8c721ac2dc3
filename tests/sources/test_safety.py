"""A model folder is looked at before anything loads it: code and pickles are refused, what is missing is named."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import families
from headstart.errors import ModelNotFound, SettingError, UnsafeModel
from headstart.sources import _folder
from headstart.sources import dir as folders
from headstart.sources.safety import model_folder


@pytest.fixture
def copy(family: families.Family, tmp_path: Path) -> Path:
    """A tiny model folder to spoil."""
    return Path(shutil.copytree(family("bert"), tmp_path / "copy"))


def with_keys(path: Path, **values: Any) -> None:
    facts = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**facts, **values}))


@pytest.mark.parametrize("name", model_folder.CONFIGS)
@pytest.mark.parametrize(
    "values",
    [
        {"auto_map": {"AutoModel": "x.Y"}},
        {"trust_remote_code": True},
        {"custom_pipelines": {"x": {}}},
        {"attn_implementation": "somebody/kernel"},
        {"_attn_implementation_internal": "somebody/kernel"},
        {"text_config": {"auto_map": {}}},
        {"parts": [{"auto_map": {}}]},
    ],
    ids=["auto_map", "trust", "pipelines", "kernel", "hidden kernel", "nested", "in a list"],
)
def test_a_config_that_names_code_is_refused(copy: Path, name: str, values: dict[str, Any]) -> None:
    with_keys(copy / name, **values)
    with pytest.raises(UnsafeModel, match="can run or fetch code; the model is refused"):
        folders.load(str(copy), revision=None, offline=True)


@pytest.mark.parametrize(
    "values",
    [{"custom_pipelines": None}, {"_attn_implementation_autoset": True}],
    ids=["null", "what transformers 4 wrote"],
)
def test_what_transformers_itself_writes_is_let_pass(copy: Path, values: dict[str, Any]) -> None:
    with_keys(copy / "config.json", **values)
    assert folders.load(str(copy), revision=None, offline=True).module is not None


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt", "weights.pkl"])
def test_weights_that_torch_never_saved_are_refused(copy: Path, name: str) -> None:
    (copy / "model.safetensors").rename(copy / name)
    with pytest.raises(UnsafeModel, match=f"{name}: it is no file of torch.save"):
        folders.load(str(copy), revision=None, offline=True)


def test_several_pickles_of_which_none_is_called_as_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "a.pt")
    (copy / "b.pt").write_bytes(b"")
    with pytest.raises(UnsafeModel, match=r"pickled weights only \(a.pt, b.pt\), and none is pytorch_model.bin"):
        folders.load(str(copy), revision=None, offline=True)


def test_pickles_beside_safetensors_are_passed_over(copy: Path) -> None:
    (copy / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert folders.load(str(copy), revision=None, offline=True).module is not None


@pytest.mark.parametrize(("repo", "is_refused"), [("models--a--b", False), ("models--c--d", True)])
def test_a_snapshot_may_link_to_the_blobs_of_its_own_repository_only(
    repo: str, is_refused: bool, copy: Path, tmp_path: Path
) -> None:
    snapshot, blob = tmp_path / "models--a--b" / "snapshots" / "1", tmp_path / repo / "blobs" / "2"
    snapshot.parent.mkdir(parents=True)
    blob.parent.mkdir(parents=True)
    (copy / "config.json").rename(blob)
    copy.rename(snapshot)
    (snapshot / "config.json").symlink_to(f"../../../{repo}/blobs/2")
    with pytest.raises(UnsafeModel, match="out of the model folder") if is_refused else contextlib.nullcontext():
        folders.load(str(snapshot), revision=None, offline=True)


def test_a_view_is_of_copies_where_links_cannot_be_made(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path, target_is_directory: bool = False) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    (copy / "more").mkdir()
    with_keys(copy / "config.json", auto_map=None)
    backbone: Any = folders.load(str(copy), revision=None, offline=True)
    assert backbone.folder != copy
    assert not any(path.is_symlink() for path in backbone.folder.iterdir())
    assert len(backbone.blocks) == 2


def test_a_view_is_made_once_and_anew_when_the_folder_changes(copy: Path) -> None:
    def view() -> Path:
        backbone: Any = folders.load(str(copy), revision=None, offline=True)
        return Path(backbone.folder)

    with_keys(copy / "config.json", auto_map=None)
    first = view()
    assert view() == first
    with_keys(copy / "config.json", note="another")
    assert view() != first
    assert "auto_map" not in json.loads((view() / "config.json").read_text())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "no model.safetensors"),
        ("tokenizer*", "no tokenizer"),
    ],
)
def test_what_is_missing_is_named(copy: Path, name: str, says: str) -> None:
    for path in copy.glob(name):
        path.unlink()
    with pytest.raises(ModelNotFound, match=says):
        folders.load(str(copy), revision=None, offline=True)


def test_a_config_that_is_no_json_is_named(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(ModelNotFound, match=r"config\.json is not valid JSON"):
        folders.load(str(copy), revision=None, offline=True)


def test_a_folder_has_no_revisions(copy: Path) -> None:
    with pytest.raises(SettingError, match="has no revisions"):
        folders.load(str(copy), revision="v1", offline=True)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: mit\n---\n# Model", "mit"),
        ("---\ntags:\n- x\nlicense: apache-2.0\nlanguage: en\n---\n", "apache-2.0"),
        ("# Model\nlicense: mit", None),
        ("", None),
    ],
    ids=["first", "in between", "not in front", "empty"],
)
def test_the_licence_is_read_from_the_cards_front_matter(tmp_path: Path, card: str, expected: str | None) -> None:
    (tmp_path / "README.md").write_text(card)
    assert _folder.card_license(tmp_path) == expected
