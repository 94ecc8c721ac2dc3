"""Heads on the states of one layer: they answer from the model as they did from what was kept, which is kept once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_head import job_of

import families
from headstart import answering
from headstart.errors import MismatchError, OutputError, SettingError
from headstart.network import Headed
from headstart.progress import Advance, Event, Note
from headstart.readings import Reading, one_layer
from headstart.strategies import frozen
from headstart.train import below, learn, states

HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "conv of text": ("bert", {"head": "conv", "head_width": 8}),
    "conv of maps": ("convnext", {"head": "conv", "head_width": 8, "read": "1"}),
    "conv of patches": ("vit", {"head": "conv", "head_width": 8}),
    "attention-pool of text": ("distilbert", {"head": "attention-pool", "head_width": 16, "read": "1"}),
    "attention-pool of maps": ("resnet", {"head": "attention-pool", "head_width": 16}),
    "attention, linear": ("roberta", {"pool": "attention"}),
    "attention, mlp": ("bert", {"pool": "attention", "head": "mlp"}),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))


def learnt(job: Any) -> Any:
    """Under `frozen`."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return learn.learn(job, frozen.stages(job.backbone, job.settings), frozen)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_answers_from_the_model_as_it_did_from_kept_states(name: str, family: families.Family) -> None:
    model, given = HEADS[name]
    job = job_of(family, model, **given)
    found = learnt(job)

    output = answering.by_row(found.network, job.encoded(job.train))

    best = max(found.history, key=lambda epoch: (epoch["validation"]["accuracy"], -epoch["epoch"]))
    loss = float(job.task.loss(output, job.task.collate(job.train, job.learned)).mean())
    # batches are others, so sums come in another order
    assert loss == pytest.approx(best["validation"]["loss"], abs=1e-4)


@pytest.mark.parametrize("name", ["conv of text", "attention-pool of maps"])
def test_states_are_computed_once_and_never_again(name: str, family: families.Family) -> None:
    events: list[Event] = []
    model, given = HEADS[name]
    learnt(job_of(family, model, **given))
    learnt(job_of(family, model, listener=events.append, **given))
    assert not [event for event in events if isinstance(event, Advance) and event.stage == "features"]


def test_heads_on_one_layer_share_its_states_and_those_on_another_do_not(family: families.Family) -> None:
    for given, num_caches in (({"head": "conv"}, 1), ({"pool": "attention"}, 1), ({"head": "conv", "read": "1"}, 2)):
        learnt(job_of(family, "bert", head_width=8, **given))
        assert len(list((below.features.cache_root() / "features").iterdir())) == num_caches


def test_a_learnt_average_learns(family: families.Family) -> None:
    found = learnt(job_of(family, "bert", pool="attention"))
    assert isinstance(found.network, Headed)
    assert found.network.head.gather.query.abs().max() > 0.001


def test_room_is_foreseen_and_a_full_disk_is_said(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    monkeypatch.setattr(below, "SPARE", 10**18)
    with pytest.raises(OutputError, match="HEADSTART_CACHE"):
        learnt(job_of(family, "bert", listener=events.append, head="conv"))
    assert any("takes up to" in event.text for event in events if isinstance(event, Note))


def test_several_layers_are_refused(family: families.Family) -> None:
    with pytest.raises(SettingError, match=r'--read "1-2" reads several layers, and --head conv'):
        learnt(job_of(family, "bert", head="conv", read="1-2"))


def test_one_vector_a_row_is_refused(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of(family, "bert", head="conv")
    reading = one_layer("auto", job.backbone.widths)
    monkeypatch.setattr(Reading, "state", lambda *_: torch.zeros(2, 32))
    with pytest.raises(MismatchError, match="gives one vector a row at layer 2"):
        states.seen(job.backbone, reading, job.encoded(job.train))
