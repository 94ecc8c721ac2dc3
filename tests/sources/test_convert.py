"""Pickled weights become safetensors in a confined process, to the bit, once; the rest of the rules are the traps'."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from headstart.cache import cache_root
from headstart.errors import UnsafeModel
from headstart.sources.safety import archives, conversion, digests, unpickling

ROOT = Path(unpickling.__file__).parents[2]
KINDS = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
Tensors = dict[str, torch.Tensor]


def saved(path: Path, value: Any, *, old: bool = False) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=not old)
    return path


def converted(path: Path) -> Path:
    """What the process makes of a file, made here: of what comes out its walls change nothing."""
    archives.verify(path)
    unpickling.convert(path, path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


def assert_same(path: Path, expected: Tensors) -> None:
    found = load_file(path)
    assert found.keys() == expected.keys()
    assert all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in expected.items()
    )


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("old", [False, True], ids=["zip", "stacked"])
def test_every_kind_of_number_comes_out_to_the_bit(old: bool, tmp_path: Path) -> None:
    tensors = {kind: (torch.arange(6).reshape(2, 3) % 2).to(getattr(torch, kind)) for kind in KINDS}
    assert_same(conversion.to_safetensors(saved(tmp_path / "a.pt", tensors, old=old)), tensors)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("old", [False, True], ids=["zip", "stacked"])
def test_the_state_of_a_module_comes_out_with_its_names(old: bool, tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    assert_same(converted(saved(tmp_path / "a.pth", module.state_dict(), old=old)), dict(module.state_dict()))


@pytest.mark.parametrize("wrapper", [(), ("state_dict",), ("model",), ("model_state_dict",), ("model", "state_dict")])
def test_weights_are_found_among_the_notes_of_a_training_script(wrapper: tuple[str, ...], tmp_path: Path) -> None:
    tensors = {"module.w": torch.ones(2)}
    value: dict[str, Any] = {**tensors}
    for name in reversed(wrapper):
        value = {"epoch": 3, name: value, "best": 0.5, "args": ["a", None, (1, True)]}
    assert_same(converted(saved(tmp_path / "a.ckpt", value)), tensors)


def test_tied_views_and_parameters_come_out_whole(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    tensors = {"a": base, "tied": base, "row": base[1], "turned": base.T, "p": torch.nn.Parameter(base.clone())}
    expected = {name: tensor.detach() for name, tensor in tensors.items()}
    assert_same(converted(saved(tmp_path / "a.bin", tensors)), expected)


def test_real_checkpoints_of_old_torch_come_out_key_for_key(shared: Path) -> None:
    path = shared / "weights" / "resnet-cifar10" / "resnet20-12fca82f.th"
    expected = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    # 19 convolutions, 19 norms of four tensors each, and a classifier of two
    assert len(expected) == 19 + 4 * 19 + 2
    assert_same(conversion.to_safetensors(path), dict(expected))


def test_a_file_is_converted_once_and_found_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    first = conversion.to_safetensors(saved(tmp_path / "a.pt", {"w": torch.ones(2)}))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (tmp_path / "b.pt").write_bytes((tmp_path / "a.pt").read_bytes())

    assert conversion.to_safetensors(tmp_path / "b.pt") == first
    assert first.parent == cache_root() / "weights"
    assert first.name.startswith(digests.sha256(tmp_path / "a.pt"))
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_refused_file_leaves_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UnsafeModel, match=r"torch\.nn\.modules\.linear\.Linear"):
        conversion.to_safetensors(saved(tmp_path / "a.pt", torch.nn.Linear(1, 1)))
    assert [*(tmp_path / "cache" / "weights").iterdir()] == []


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "SECONDS", 0.001)
    with pytest.raises(UnsafeModel, match=r"took more than 0\.001 s"):
        conversion.to_safetensors(saved(tmp_path / "a.pt", {"slow": torch.ones(3)}))


def test_a_process_that_dies_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "START", "raise SystemExit('out of luck')")
    with pytest.raises(UnsafeModel, match=r"could not be converted \(out of luck\)"):
        conversion.to_safetensors(saved(tmp_path / "a.pt", {"dead": torch.ones(3)}))


def test_the_process_sees_none_of_our_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setattr(conversion, "START", "import os; raise SystemExit(' '.join(sorted(os.environ)))")
    with pytest.raises(UnsafeModel) as refused:
        conversion.to_safetensors(saved(tmp_path / "a.pt", {"env": torch.ones(3)}))
    told = str(refused.value).rpartition("(")[2].partition(")")[0].split()
    assert set(told) <= {*conversion.PASSED_ON, "HOME", "TMPDIR", "OMP_NUM_THREADS", "LC_CTYPE"}


ATTEMPTS = {
    "a socket": "import socket; socket.socket()",
    "a name looked up": "import socket; socket.getaddrinfo('localhost', 80)",
    "a shell": "import os; os.system('true')",
    "a program": "import subprocess; subprocess.Popen(['true'])",
    "a fork": "import os; os.fork()",
    "an unpickler": "import pickle; pickle.loads(b'cos\\nsystem\\n.')",
    "a file elsewhere": "open(__import__('sys').argv[2], 'w')",
}


def confined(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs code under the guard and the limits of a conversion."""
    start = "import sys; from pathlib import Path; from headstart.sources.safety import unpickling as c\n"
    start += "sys.addaudithook(c.guard(Path(sys.argv[1]))); c.limit(1000)\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", start + textwrap.dedent(code), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("code", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_what_weights_never_do_ends_the_process(code: str, tmp_path: Path) -> None:
    done = confined(code, str(tmp_path / "in"), str(tmp_path / "out"))
    assert "ConfinedError" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of resources")
def test_the_process_has_limits(tmp_path: Path) -> None:
    code = "import resource as r; print(*(r.getrlimit(kind)[0] for kind in (r.RLIMIT_FSIZE, r.RLIMIT_CPU)))"
    assert confined(code, str(tmp_path)).stdout.split() == [str(4 * 1000 + 2**20), str(unpickling.CPU_SECONDS)]


def test_the_process_may_write_where_it_should(tmp_path: Path) -> None:
    assert confined("open(sys.argv[2], 'w').write('x')", str(tmp_path), str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out").read_text() == "x"


def test_what_torch_refuses_is_refused_in_our_words(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", torch.nn.Linear(1, 1))
    with pytest.raises(UnsafeModel, match="torch refuses it"):
        unpickling.convert(path, tmp_path / "out.safetensors")
