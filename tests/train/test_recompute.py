"""Computing again what lies within blocks changes no weight; what does not offer it says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_head import job_of
from torch import nn

import families
from headstart import plug
from headstart.progress import Event, Warned
from headstart.train import learn, whole


def trained(family: families.Family, model: str, **settings: object) -> tuple[nn.Module, list[Event]]:
    events: list[Event] = []
    job = job_of(family, model, listener=events.append, epochs=2, **settings)
    strategy = plug.load("strategies", job.settings.strategy)
    torch.manual_seed(0)
    return learn.learn(job, strategy.stages(job.backbone, job.settings), strategy).network, events


@pytest.mark.parametrize("settings", [{"strategy": "full"}, {"strategy": "top", "top": 1}], ids=["full", "top"])
@pytest.mark.parametrize("model", ["bert", "vit"])
def test_the_weights_come_out_the_same(model: str, settings: dict[str, object], family: families.Family) -> None:
    again, _ = trained(family, model, gradient_checkpointing=True, **settings)
    once, _ = trained(family, model, **settings)
    assert not any(getattr(part, "gradient_checkpointing", False) for part in again.modules())
    for name, tensor in once.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, atol=1e-6, rtol=1e-5)


def test_blocks_run_twice_as_often(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {True: 0, False: 0}
    network = whole._network

    def passes(again: bool) -> int:
        def watched(*given: Any) -> Any:
            made = network(*given)
            inner = made.module.bert.encoder.layer[0].attention

            def count(module: nn.Module, *_: Any) -> None:
                runs[again] += module.training

            inner.register_forward_hook(count)
            return made

        monkeypatch.setattr(whole, "_network", watched)
        trained(family, "bert", strategy="full", gradient_checkpointing=again)
        return runs[again]

    assert passes(True) == 2 * passes(False) > 0


def test_a_family_without_it_says_so(family: families.Family) -> None:
    _, events = trained(family, "resnet", strategy="full", gradient_checkpointing=True)
    assert any(isinstance(event, Warned) and "plays no part" in event.text for event in events)
