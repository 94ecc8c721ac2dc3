"""Foreign code runs with `trust` and never without, and that it ran is written down wherever the model is told of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import families
import headstart
from headstart.errors import UnsafeModel
from headstart.sources import dir as folders

CODE = """from pathlib import Path

from transformers import BertConfig, BertModel

(Path({place!r}) / "CANARY").touch()


class OwnConfig(BertConfig):
    model_type = "own"


class OwnModel(BertModel):
    config_class = OwnConfig
"""


@pytest.fixture
def own(family: families.Family, tmp_path: Path) -> Path:
    """A folder whose config names a model class in a Python file beside it; the file leaves CANARY when it runs."""
    folder = Path(shutil.copytree(family("bert"), tmp_path / "own"))
    config = json.loads((folder / "config.json").read_text())
    named = {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "own", "auto_map": named}))
    (folder / "modeling_own.py").write_text(CODE.format(place=str(tmp_path)))
    return folder


def test_without_trust_a_model_with_code_is_refused_and_the_switch_named(own: Path) -> None:
    with pytest.raises(UnsafeModel, match="--trust"):
        folders.load(str(own), revision=None, offline=True)
    assert not (own.parent / "CANARY").exists()


def test_without_trust_the_key_is_named_where_no_script_lies_beside(own: Path) -> None:
    (own / "modeling_own.py").unlink()
    with pytest.raises(UnsafeModel, match=r'config\.json: the key "auto_map" can run .*--trust'):
        folders.load(str(own), revision=None, offline=True)


def test_with_trust_the_code_runs_and_the_reference_says_so(own: Path) -> None:
    backbone = folders.load(str(own), revision=None, offline=True, trust=True)
    assert backbone.ref.ran_code
    assert {"modeling_own.py", "model.safetensors"} <= set(backbone.ref.sha256)
    assert type(backbone.module).__name__ == "OwnModel"
    assert (own.parent / "CANARY").exists()


def test_a_fitted_model_with_code_asks_for_trust_again(own: Path, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    headstart.fit(data, out=tmp_path / "run", model=f"dir:{own}", trust=True, precision="float32")
    with pytest.raises(UnsafeModel, match="--trust"):
        headstart.load(tmp_path / "run")
    assert headstart.load(tmp_path / "run", trust=True).predict(["a lovely day"])


def test_with_trust_a_null_among_the_keys_does_no_harm(own: Path) -> None:
    facts = json.loads((own / "tokenizer_config.json").read_text())
    (own / "tokenizer_config.json").write_text(json.dumps({**facts, "auto_map": None}))
    backbone = folders.load(str(own), revision=None, offline=True, trust=True)
    assert backbone.ref.ran_code
    assert type(backbone.module).__name__ == "OwnModel"
    assert backbone.prepare(["a day"]).lengths.tolist() == [4]


def test_with_trust_a_model_without_code_runs_none(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True, trust=True)
    assert not backbone.ref.ran_code


def test_trust_does_not_let_other_refusals_pass(own: Path) -> None:
    (own / "model.safetensors").unlink()
    (own / "pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00truetR.")
    with pytest.raises(UnsafeModel, match=r'would import "os\.system"'):
        folders.load(str(own), revision=None, offline=True, trust=True)


@pytest.mark.parametrize("trust", [True, False], ids=["asked for", "no code there"])
def test_a_run_writes_down_whether_code_ran(trust: bool, own: Path, family: families.Family, tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "rows.csv", families.reviews(40))
    model = f"dir:{own if trust else family('bert')}"
    done = headstart.fit(data, out=tmp_path / "run", model=model, trust=trust, precision="float32")

    run = json.loads((done.folder / "run.json").read_text())
    assert (run["settings"]["trust"], run["model"]["ran_code"]) == (trust, trust)
    told = [done.folder / "report.html", done.folder / "model" / "README.md"]
    assert [("came with code of its own" in path.read_text()) for path in told] == [trust, trust]
