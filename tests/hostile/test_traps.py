"""Folders made to harm are refused before their code or any reader of weights runs; every payload touches a canary."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from bad_models import with_larger_tokenizer
from traps import CANARY, MISFITS, NOT_LIVE, PAYLOADS, PICKLED, PICKLES, TRAPS, Trap, canary_of

import families
from headstart.errors import ModelError, UnsafeModel
from headstart.sources import dir as folders
from headstart.sources.safety import archives

FOUND_WHEN_CONVERTED = {"one number a million times", "no weights", "no number in a pickle"}
SHARDS = {"a shard that is missing", "a shard elsewhere"}
"""Pickles that hold only tensors and dictionaries, as they should, and are refused for what is in them."""


@pytest.fixture
def folder(family: families.Family, tmp_path: Path) -> Path:
    """A tiny BERT to set a trap in."""
    return Path(shutil.copytree(family("bert"), tmp_path / "model"))


@contextlib.contextmanager
def no_reader() -> Iterator[None]:
    """Every way to read weights or to run a folder's code is replaced by one that tells of itself; none may."""
    import safetensors
    import safetensors.torch
    import torch
    import transformers
    from transformers import dynamic_module_utils

    told: list[str] = []

    def telling(name: str) -> Callable[..., NoReturn]:
        def tell(*args: Any, **kwargs: Any) -> NoReturn:
            told.append(name)
            raise AssertionError(f"{name} was called")

        return tell

    places: dict[Any, tuple[str, ...]] = {
        pickle: ("load", "loads", "Unpickler", "_Unpickler"),
        torch: ("load",),
        torch.jit: ("load",),
        torch.serialization: ("load", "_load", "_legacy_load"),
        safetensors: ("safe_open", "deserialize"),
        safetensors.torch: ("load_file", "load", "safe_open"),
        transformers.AutoModel: ("from_pretrained",),
        transformers.AutoConfig: ("from_pretrained",),
        transformers.AutoTokenizer: ("from_pretrained",),
        dynamic_module_utils: ("get_class_in_module", "get_class_from_dynamic_module"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for place, names in places.items():
            for name in names:
                patch.setattr(place, name, telling(f"{place.__name__}.{name}"))
        yield
    assert told == []


def _load(folder: Path, *, use: bool) -> None:
    backbone = folders.load(str(folder), revision=None, offline=True)
    if use:
        backbone.prepare(["a lovely day"])


def assert_refused(folder: Path, says: str, *, use: bool = False) -> None:
    with pytest.raises(ModelError) as refused:
        _load(folder, use=use)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not canary_of(folder).exists()


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.id)
def test_a_trap_is_refused_before_anything_reads_it(trap: Trap, folder: Path) -> None:
    trap.set_up(folder)
    with no_reader():
        assert_refused(folder, trap.says)


@pytest.mark.parametrize("misfit", MISFITS, ids=lambda trap: trap.id)
def test_weights_of_another_model_are_refused_when_they_are_put_in_place(misfit: Trap, folder: Path) -> None:
    misfit.set_up(folder)
    assert_refused(folder, misfit.says, use=True)


def test_a_tokenizer_that_lies_about_its_size_is_refused_before_the_model_is_asked(folder: Path) -> None:
    with_larger_tokenizer(folder)
    assert_refused(folder, "and the model knows 160 tokens", use=True)


STATIC = [trap for trap in PICKLES if trap.id not in FOUND_WHEN_CONVERTED | SHARDS]


@pytest.mark.parametrize("trap", STATIC, ids=lambda trap: trap.id)
def test_a_pickle_is_refused_by_looking_alone(trap: Trap, folder: Path) -> None:
    trap.set_up(folder)
    with no_reader(), pytest.raises(UnsafeModel) as refused:
        archives.verify(folder / PICKLED)
    assert trap.says in str(refused.value)


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name not in NOT_LIVE])
def test_the_payload_would_act_if_it_were_unpickled(name: str, tmp_path: Path) -> None:
    (tmp_path / "payload").write_bytes(PAYLOADS[name][0](tmp_path / CANARY))
    code = f"import asyncio.base_events, pickle; pickle.load(open({str(tmp_path / 'payload')!r}, 'rb'))"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (tmp_path / CANARY).exists()


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth", "training_args.bin", "pytorch_model.bin"])
def test_pickles_beside_safetensors_are_never_opened(name: str, folder: Path) -> None:
    # the Trainer's state of random numbers was one way in (CVE-2026-1839)
    (folder / name).write_bytes(PAYLOADS["REDUCE of os.system"][0](canary_of(folder)))
    backbone = folders.load(str(folder), revision=None, offline=True)
    assert len(backbone.blocks) == 2
    assert not canary_of(folder).exists()
    assert name not in backbone.ref.sha256


def test_there_are_traps_enough() -> None:
    everything = [*TRAPS, *MISFITS]
    assert len({trap.id for trap in everything}) == len(everything) >= 100
