"""Every source found keeps the contract without a network, and so does the backbone of every tiny family."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import source_checks
import torch

import families
from headstart import plug
from headstart.contracts import Inputs
from headstart.errors import ModelNotFound
from headstart.sources import dir as folders


@pytest.mark.parametrize("check", source_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", plug.names("sources"))
def test_the_source_keeps_the_contract(
    name: str, check: source_checks.Check, family: families.Family, tmp_path: Path, hub_cache: Path
) -> None:
    check(source_checks.bench(name, plug.load("sources", name), family, tmp_path))


@pytest.mark.parametrize("check", source_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [*families.TEXT[1:], *families.IMAGE])
def test_a_family_keeps_the_contract(
    name: str, check: source_checks.Check, family: families.Family, tmp_path: Path
) -> None:
    check(source_checks.Bench("dir", folders, str(family(name)), tmp_path))


class Faulty:
    """A backbone like another but for one fault."""

    def __init__(self, good: Any, **faults: Any) -> None:
        self.good, self.faults = good, faults

    def __getattr__(self, name: str) -> Any:
        return self.faults[name] if name in self.faults else getattr(self.good, name)


def source_of(family: families.Family, **faults: Any) -> Any:
    """A source whose backbones have these faults; each takes the good backbone."""

    def load(name: str, *, revision: str | None, offline: bool) -> Any:
        good = folders.load(str(family("bert")), revision=revision, offline=offline)
        return Faulty(good, **{name: fault(good) for name, fault in faults.items()})

    return SimpleNamespace(load=load, listed=list)


def padded_mean(good: Any) -> Any:
    """Hidden states averaged over the padding as well."""

    def pooled(module: Any, inputs: Inputs) -> torch.Tensor:
        states = module(**inputs.tensors, output_hidden_states=True).hidden_states
        return torch.cat([state.mean(dim=1) for state in states], dim=1)

    return pooled


FAULTS: dict[str, tuple[str, Any, source_checks.Check]] = {
    "averages over padding": (
        "pooled",
        padded_mean,
        source_checks.pooled_states_do_not_depend_on_the_rest_of_the_batch,
    ),
    "widths too few": (
        "widths",
        lambda good: good.widths[2:],
        source_checks.every_block_gives_a_hidden_state,
    ),
    "left in training mode": ("module", lambda good: good.module.train(), source_checks.module_is_ready_to_answer),
    "another digest each time": ("digest", lambda good: lambda: str(id(good)), source_checks.digest_is_the_same_twice),
    "reads more than it says": ("max_tokens", lambda good: 12, source_checks.texts_are_cut_at_what_the_model_reads),
    "tells another source": (
        "ref",
        lambda good: dataclasses.replace(good.ref, source="hf"),
        source_checks.says_what_was_asked_and_what_came,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_source_is_caught_by_its_check(fault: str, family: families.Family, tmp_path: Path) -> None:
    name, planted, check = FAULTS[fault]
    source = source_of(family, **{name: planted})

    with pytest.raises(AssertionError):
        check(source_checks.Bench("dir", source, str(family("bert")), tmp_path))


def test_a_refusal_without_a_remedy_is_caught(family: families.Family, tmp_path: Path) -> None:
    def load(name: str, *, revision: str | None, offline: bool) -> Any:
        raise ModelNotFound(f'"{name}" is not here.')

    with pytest.raises(AssertionError):
        source_checks.an_unknown_name_is_refused_with_a_remedy(
            source_checks.Bench("dir", SimpleNamespace(load=load), "x", tmp_path)
        )


def test_a_third_party_runs_all_checks_in_one_call(family: families.Family, tmp_path: Path) -> None:
    source_checks.check_source("dir", folders, family, tmp_path)
