"""The starters' source: found by name, verified to the byte, listed below every model that has seen real data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headstart.errors import ModelNotFound, SettingError, UnknownName, UnsafeModel
from headstart.sources import _ref, starter


def test_a_starter_loads_with_its_name_licence_and_digest() -> None:
    backbone = starter.load("shapes-resnet", revision=None, offline=True)

    assert str(backbone.ref) == "starter:shapes-resnet"
    assert backbone.ref.license == "apache-2.0"
    assert backbone.ref.sha256["model.safetensors"] == starter.STARTERS["shapes-resnet"].sha256
    assert backbone.modality == "image"


def test_it_has_three_blocks_above_its_stem() -> None:
    backbone = starter.load("shapes-resnet", revision=None, offline=True)

    assert len(backbone.blocks) == 3
    assert backbone.widths == (32, 32, 64, 128)


def test_an_unknown_name_is_answered_with_the_closest_and_the_list() -> None:
    with pytest.raises(UnknownName, match=r'no starter "shape-resnet"\. Did you mean "shapes-resnet"\?'):
        starter.load("shape-resnet", revision=None, offline=True)


def test_a_revision_is_refused() -> None:
    with pytest.raises(SettingError, match="no revisions"):
        starter.load("shapes-resnet", revision="main", offline=True)


def test_weights_with_one_byte_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "shapes-resnet"
    shutil.copytree(starter.FOLDER / "shapes-resnet", copy)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    monkeypatch.setattr(starter, "FOLDER", tmp_path)

    with pytest.raises(UnsafeModel, match="not those that headstart shipped"):
        starter.load("shapes-resnet", revision=None, offline=True)


def test_every_shipped_folder_is_listed_and_no_other() -> None:
    folders = {path.name for path in starter.FOLDER.iterdir() if (path / "config.json").is_file()}

    assert {model.ref for model in starter.listed()} == {f"starter:{name}" for name in folders}


def test_it_is_listed_as_here_small_and_below_models_of_real_images() -> None:
    line = next(line for line in starter.listed() if not line.is_fresh)

    assert line.is_available
    assert line.license == "apache-2.0"
    assert line.mib < 1.5
    assert 0 < line.rank < 50


def test_an_architecture_without_weights_is_the_same_each_time_it_is_opened() -> None:
    ours, theirs = (starter.load("small-conformer", revision=None, offline=True) for _ in range(2))

    assert ours.is_fresh
    assert all(
        bool((one == other).all())
        for one, other in zip(ours.module.parameters(), theirs.module.parameters(), strict=True)
    )


def test_it_is_taken_only_where_everything_is_trained() -> None:
    assert _ref.best("audio", may_be_fresh=True)[0] == "starter:small-conformer"
    with pytest.raises(ModelNotFound, match="--strategy scratch --model starter:small-conformer"):
        _ref.best("audio")


def test_a_config_with_one_byte_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(starter.FOLDER / "small-conformer", tmp_path / "small-conformer")
    config = tmp_path / "small-conformer" / "config.json"
    config.write_text(config.read_text().replace("384", "385"))
    monkeypatch.setattr(starter, "FOLDER", tmp_path)

    with pytest.raises(UnsafeModel, match="the config is not the one that headstart shipped"):
        starter.load("small-conformer", revision=None, offline=True)
