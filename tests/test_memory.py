"""How much memory is left, by the machine and by the container, and what looks at it before it is too late."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from torch import nn

from headstart import memory

GIB = 2**30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of 8 GiB of which 5 are free; gives the folder in which its control groups lie, none until made."""
    told = SimpleNamespace(available=5 * GIB, total=8 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: told)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "OF_A_PROCESS", tmp_path / "cgroup")
    return tmp_path


def limited(folder: Path, names: tuple[str, str], limit: str, used: int, stat: str) -> None:
    """A control group with a limit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{stat}\n")


of_a_processor = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU tells by itself when its memory runs out")
V1, V2 = ("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")


def test_without_limits_all_that_the_machine_has_free_is_left(machine: Path) -> None:
    assert memory.left_mib() == 5 * 1024
    (machine / "cgroup").write_text("4:memory:/absent\n0::/absent\n")
    assert memory.left_mib() == 5 * 1024


@pytest.mark.parametrize("place", ["user/me", ""], ids=["as the machine sees it", "from within the container"])
def test_a_limit_of_the_second_version_counts_less_the_files_kept(place: str, machine: Path) -> None:
    (machine / "cgroup").write_text("0::/user/me\n")
    limited(machine / place, V2, str(3 * GIB), 2 * GIB, f"inactive_file {GIB // 2}")
    assert memory.left_mib() == 1.5 * 1024


def test_a_limit_of_the_first_version_counts_too(machine: Path) -> None:
    (machine / "cgroup").write_text("9:name=systemd:/\n4:memory:/box/7\n3:cpuset:/\n")
    limited(machine / "memory" / "box" / "7", V1, str(2 * GIB), GIB, "total_inactive_file 0")
    assert memory.left_mib() == 1024


def test_a_group_without_a_limit_leaves_what_the_machine_has(machine: Path) -> None:
    (machine / "cgroup").write_text("0::/\n")
    limited(machine, V2, "max", 2 * GIB, "inactive_file 0")
    assert memory.left_mib() == 5 * 1024


def test_some_of_a_machine_is_left_to_others(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_mib", lambda: 1000.0)
    assert memory.most_mib() == pytest.approx(1000 + 5 * 1024 - 0.05 * 8 * 1024)


@of_a_processor
@pytest.mark.parametrize("left", [100.0, 4000.0])
def test_a_pass_ends_before_memory_does(left: float, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "left_mib", lambda: left)
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with memory.guarded():
        if left < 0.05 * 8 * 1024:
            with pytest.raises(MemoryError, match="Less than 410 MiB"):
                network(torch.ones(1, 2))
        else:
            network(torch.ones(1, 2))
    # outside of it nobody looks
    monkeypatch.setattr(memory, "left_mib", lambda: 0.0)
    network(torch.ones(1, 2))


@of_a_processor
def test_it_is_looked_again_while_a_pass_goes_on(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LOOKED_AFTER", 0.0)
    left = iter([4000.0, 3000.0, 100.0])
    monkeypatch.setattr(memory, "left_mib", lambda: next(left))
    seen: list[int] = []
    network = nn.Sequential(nn.Identity(), nn.Identity(), nn.Identity())
    for number, part in enumerate(network):
        part.register_forward_hook(lambda *_, number=number: seen.append(number))
    with memory.guarded(), pytest.raises(MemoryError):
        network(torch.ones(1))
    # the whole, its first part, and no more
    assert seen == [0]


def test_a_process_knows_what_it_has() -> None:
    assert 0 < memory.resident_mib() < psutil.virtual_memory().total / 2**20
    assert 0 < memory.left_mib() <= psutil.virtual_memory().total / 2**20


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, {}), ("always madvise [never]", {}), ("always [madvise] never", memory.IN_LARGE_PAGES)],
)
def test_large_pages_are_asked_for_where_the_system_has_them(
    told: str | None, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LARGE_PAGES", tmp_path / "enabled")
    if told is not None:
        (tmp_path / "enabled").write_text(f"{told}\n")
    assert set_by(monkeypatch, {}) == {**memory.FRUGAL, **expected}


def test_a_users_own_setting_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LARGE_PAGES", tmp_path / "enabled")
    own = {"TOKENIZERS_PARALLELISM": "true"}
    assert set_by(monkeypatch, own) == {**memory.FRUGAL, **own}


def set_by(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> dict[str, str]:
    """What the libraries are told, from this environment on."""
    monkeypatch.setattr(memory.os, "environ", dict(environment))
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    memory.be_frugal()
    return dict(memory.os.environ)


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_is_looked_for_again_as_before(was_enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    (gc.enable if was_enabled else gc.disable)()
    try:
        with memory.no_garbage():
            assert not gc.isenabled()
        assert gc.isenabled() == was_enabled
    finally:
        gc.enable()
