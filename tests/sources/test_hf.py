"""Models of the Hub without a network: from its cache with the commit pinned, from packages to the byte, or not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest

import families
import local_hub
from headstart.errors import ModelNotFound, UnsafeModel
from headstart.sources import _packaged, hf
from headstart.sources.safety import digests

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def install(site: Path, model: Path) -> _packaged.Packaged:
    """What pip leaves behind for a package that carries this model, and what is known of it."""
    info, inside = site / "tiny_model-1.0.dist-info", site / "tiny_model"
    info.mkdir()
    inside.mkdir()
    for file in model.iterdir():
        (inside / file.name).write_bytes(file.read_bytes())
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"tiny_model/{file.name},,\n" for file in inside.iterdir()))
    digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    known = _packaged.KNOWN[MINILM]
    return replace(known, hub_id="tests/tiny", distribution="tiny-model", sha256=digest)


@pytest.fixture
def packaged(tmp_path: Path, family: families.Family, monkeypatch: pytest.MonkeyPatch) -> _packaged.Packaged:
    """A tiny model known to come as an installed package."""
    made = install(tmp_path, family("bert"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(_packaged, "KNOWN", {made.hub_id: made})
    return made


def test_a_packaged_model_loads_without_network_under_its_hub_id(packaged: _packaged.Packaged) -> None:
    backbone = hf.load("tests/tiny", revision=None, offline=True)
    assert str(backbone.ref) == "hf:tests/tiny"
    assert backbone.ref.sha256["model.safetensors"] == packaged.sha256
    assert backbone.ref.license == "apache-2.0"


def test_a_package_with_other_weights_is_refused(packaged: _packaged.Packaged, tmp_path: Path) -> None:
    weights = tmp_path / "tiny_model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UnsafeModel, match='"tiny-model" does not carry the weights published as tests/tiny'):
        hf.load("tests/tiny", revision=None, offline=True)


def test_a_package_is_never_imported(packaged: _packaged.Packaged, tmp_path: Path) -> None:
    (tmp_path / "tiny_model" / "__init__.py").write_text("raise SystemExit('imported')")
    hf.load("tests/tiny", revision=None, offline=True)


def test_an_installed_package_is_listed_as_available(packaged: _packaged.Packaged) -> None:
    (line,) = _packaged.listed()
    assert (line.ref, line.is_available) == ("hf:tests/tiny", True)


def test_a_package_that_is_not_installed_is_listed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(_packaged.KNOWN[MINILM], distribution="surely-not-installed")
    monkeypatch.setattr(_packaged, "KNOWN", {MINILM: absent})
    assert [line.is_available for line in _packaged.listed()] == [False]


def test_asking_for_a_revision_passes_the_package_by(packaged: _packaged.Packaged) -> None:
    with pytest.raises(ModelNotFound, match="network is off limits"):
        hf.load("tests/tiny", revision="v1", offline=True)


def test_a_missing_packaged_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(_packaged.KNOWN[MINILM], distribution="surely-not-installed")
    monkeypatch.setattr(_packaged, "KNOWN", {MINILM: absent})
    with pytest.raises(ModelNotFound, match=r'Run: pip install "headstart\[minilm\]"'):
        hf.load(MINILM, revision=None, offline=True)


def test_the_installed_minilm_is_the_published_one() -> None:
    known = _packaged.KNOWN[MINILM]
    if _packaged.folder_of(known) is None:
        pytest.skip("needs the extra headstart[minilm]")
    backbone = hf.load(MINILM, revision=None, offline=True)
    assert backbone.widths == (384,) * 7
    assert len(backbone.blocks) == 6


@pytest.mark.parametrize("revision", [None, "main", families.COMMIT], ids=["default", "branch", "commit"])
def test_a_cached_model_is_pinned_to_its_commit(revision: str | None, hub_cache: Path) -> None:
    backbone = hf.load("tests/tiny-bert", revision=revision, offline=True)
    assert backbone.ref.revision == families.COMMIT
    assert str(backbone.ref) == f"hf:tests/tiny-bert@{families.COMMIT}"


def test_a_cached_model_is_listed_with_its_size(hub_cache: Path) -> None:
    (line,) = [line for line in hf.listed() if line.ref == "hf:tests/tiny-bert"]
    assert (line.modality, line.is_available) == ("text", True)
    assert 0 < line.mib < 1


def test_the_variable_of_the_hub_for_offline_is_honoured(hub_cache: Path) -> None:
    # the suite runs with HF_HUB_OFFLINE=1; asking would raise, because the network is refused
    with pytest.raises(ModelNotFound, match="network is off limits"):
        hf.load("tests/absent", revision=None, offline=False)


@pytest.fixture
def hub(family: families.Family, tmp_path: Path) -> Iterator[local_hub.Hub]:
    """A Hub that has a tiny BERT as "tests/tiny", a script beside its weights."""
    repo = Path(shutil.copytree(family("bert"), tmp_path / "tests" / "tiny"))
    (repo / "train.py").write_text("raise SystemExit")
    with local_hub.hub_of(tmp_path) as hub:
        yield hub


def test_a_model_of_the_hub_is_fetched_by_its_id_and_pinned_to_its_commit(hub: local_hub.Hub) -> None:
    backbone = hf.load("tests/tiny", revision=None, offline=False)
    assert str(backbone.ref) == f"hf:tests/tiny@{hub.commit('tests/tiny')}"
    assert "tests/tiny/model.safetensors" in hub.given


def test_what_was_fetched_once_is_there_without_a_network(hub: local_hub.Hub) -> None:
    online = hf.load("tests/tiny", revision=None, offline=False)
    given = list(hub.given)
    offline = hf.load("tests/tiny", revision=None, offline=True)
    assert (offline.ref.revision, hub.given) == (online.ref.revision, given)


@pytest.mark.parametrize(("name", "revision"), [("tests/none", None), ("tests/tiny", "v9")], ids=["model", "revision"])
def test_what_the_hub_does_not_have_is_said(name: str, revision: str | None, hub: local_hub.Hub) -> None:
    with pytest.raises(ModelNotFound, match=f'The Hub did not give "{name}".*Check name, revision and HF_TOKEN'):
        hf.load(name, revision=revision, offline=False)


def test_a_download_that_breaks_off_is_said_and_gone_on_with(
    hub: local_hub.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.broken = "model.safetensors"
    with pytest.raises(ModelNotFound, match=r'"tests/tiny" broke off \(ReadTimeout: timed out\). The same command'):
        hf.load("tests/tiny", revision=None, offline=False)
    with pytest.raises(ModelNotFound, match='"tests/tiny" is on this machine in part alone'):
        hf.load("tests/tiny", revision=None, offline=True)
    hub.broken, first = "", list(hub.given)
    hf.load("tests/tiny", revision=None, offline=False)
    fetched = set(hub.given[len(first) :])
    assert "tests/tiny/model.safetensors" in fetched
    assert not fetched & set(first), "what had come stays"


def test_pickled_weights_are_not_fetched_where_there_are_safetensors(hub: local_hub.Hub) -> None:
    (hub.folder / "tests" / "tiny" / "pytorch_model.bin").write_bytes(b"never fetched")
    hf.load("tests/tiny", revision=None, offline=False)
    assert "tests/tiny/pytorch_model.bin" not in hub.given


def test_pickled_weights_are_fetched_where_there_are_no_others(hub: local_hub.Hub, family: families.Family) -> None:
    import torch
    from safetensors.torch import load_file

    repo = hub.folder / "tests" / "tiny"
    weights = load_file(family("bert") / "model.safetensors")
    torch.save(weights, repo / "pytorch_model.bin")
    (repo / "model.safetensors").unlink()
    backbone = hf.load("tests/tiny", revision=None, offline=False)
    assert backbone.ref.sha256["pytorch_model.bin"] == digests.sha256(repo / "pytorch_model.bin")
    assert torch.equal(backbone.module.state_dict()["pooler.dense.bias"], weights["pooler.dense.bias"])


@pytest.mark.parametrize("trust", [False, True])
def test_scripts_are_fetched_with_trust_only(trust: bool, hub: local_hub.Hub) -> None:
    backbone = hf.load("tests/tiny", revision=None, offline=False, trust=trust)
    assert ("tests/tiny/train.py" in hub.given) is trust
    # a script that no config names is not run
    assert not backbone.ref.ran_code


def test_a_script_that_another_program_fetched_is_passed_over(hub_cache: Path) -> None:
    (hub_cache / "snapshots" / families.COMMIT / "train_script.py").write_text("raise SystemExit")
    assert not hf.load("tests/tiny-bert", revision=None, offline=True).ref.ran_code


@pytest.mark.parametrize("name", ["model.py", "pytorch_model.bin", "model.pt", "weights.pkl", "flax_model.msgpack"])
def test_what_could_run_is_not_even_fetched(name: str) -> None:
    assert not any(fnmatch(name, pattern) for pattern in hf.PATTERNS)
