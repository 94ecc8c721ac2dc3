"""A network while it learns: its optimiser, its average, how far it is, its best weights; saved and taken up whole."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from headstart import launch
from headstart.device import device
from headstart.settings import FitSettings
from headstart.train import shard
from headstart.train.average import Average, Tensors, moving, restore
from headstart.train.checkpoint import Checkpoints
from headstart.train.schedule import rate

CLIP = 1.0
"""Largest norm of the gradient; a single odd batch cannot throw the weights further."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the rows came to."""

    epoch: int
    loss: float
    validation: Mapping[str, float]


@dataclass(frozen=True)
class Best:
    """The weights after an epoch, and how they did."""

    value: float
    epoch: int
    tensors: Tensors = field(repr=False)


class Learner:
    """Everything that changes while the loop runs.

    Args:
        network: Trained in place.
        groups: AdamW's parameter groups with their peak learning rates.
        settings: Warm-up, schedule, averaging.
        piece: Rows that go through at once.
        twin: A copy of the network for its average, where torch makes none.
    """

    def __init__(
        self,
        network: nn.Module,
        groups: Sequence[Mapping[str, Any]],
        settings: FitSettings,
        *,
        piece: int,
        twin: nn.Module | None = None,
    ) -> None:
        self.network, self.settings, self.piece = network, settings, piece
        # the fused update spares a pass over the weights for every term of the formula
        self.optimizer = torch.optim.AdamW([dict(group) for group in groups], fused=device() != "mps")
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.average = Average(network, settings.ema, twin)
        self.step, self.epoch, self.batch = 0, 1, 0
        self.loss, self.rows = 0.0, 0.0
        self.history: list[Epoch] = []
        self.best: list[Best] = []
        self.is_done = False

    def move(self, loss: float, rows: float, *, num_steps: int) -> None:
        """One step along the gradients the parameters hold, those of a batch with this mean loss of so many targets."""
        factor = rate(self.settings.schedule, self.step, num_steps, self.settings.warmup)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        _clip(self.network)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step, self.batch = self.step + 1, self.batch + 1
        self.average.update(self.step)
        self.loss, self.rows = self.loss + loss * rows, self.rows + rows

    def judged(self, validation: Mapping[str, float], *, keep: int) -> None:
        """Remembers an epoch, and its weights if they are among the best so many; of two alike the earlier counts.

        Of epochs that nothing was measured of the later is the better one.
        """
        self.history.append(Epoch(self.epoch, self.loss / self.rows, dict(validation)))
        value = next(iter(validation.values()), float(self.epoch))
        ranked = sorted([*self.best, Best(value, self.epoch, {})], key=lambda best: (-best.value, best.epoch))[:keep]
        if any(best.epoch == self.epoch for best in ranked):
            state = {name: tensor.clone() for name, tensor in moving(self.average.network).items()}
            ranked = [Best(value, self.epoch, state) if best.epoch == self.epoch else best for best in ranked]
        self.best = ranked

    def next_epoch(self, *, is_done: bool) -> None:
        """Turns to the next pass over the rows, or to none."""
        self.epoch, self.batch, self.loss, self.rows, self.is_done = self.epoch + 1, 0, 0.0, 0, is_done

    def halve(self, rows: int) -> None:
        """Lets go of a failed pass, and from now on takes half as many rows at once."""
        self.piece = (min(self.piece, rows) + 1) // 2
        self.optimizer.zero_grad()
        gc.collect()
        if device() == "cuda":
            torch.cuda.empty_cache()

    def settle(self, tensors: Tensors) -> None:
        """Ends with these weights."""
        restore(self.network, tensors)
        self.network.eval()

    def save(self, checkpoints: Checkpoints, **plan: Any) -> None:
        """Makes this the last checkpoint; the best weights are written once each.

        Every process of a run must take part; the first one writes, and none goes on before it stands on disk.
        """
        known = launch.from_first(set((checkpoints.facts() or {}).get("files", ())))
        parts: dict[str, Tensors] = {f"epoch-{best.epoch}": best.tensors for best in self.best}
        if not self.is_done:
            parts[f"step-{self.step}"] = self._tensors()
        for name, tensors in parts.items():
            if name not in known and (gathered := shard.whole(tensors)):
                checkpoints.put(name, _distinct(gathered))
        if launch.is_first():
            self._list(checkpoints, list(parts), plan)
        launch.meet()

    def _list(self, checkpoints: Checkpoints, files: list[str], plan: Mapping[str, Any]) -> None:
        facts = {name: getattr(self, name) for name in _COUNTERS}
        best_facts = [{"value": best.value, "epoch": best.epoch} for best in self.best]
        history = [asdict(epoch) for epoch in self.history]
        checkpoints.list({**facts, **plan, "files": files, "best": best_facts, "history": history}, *files)

    def restore(self, checkpoints: Checkpoints) -> bool:
        """Takes up the last checkpoint; whether there was one."""
        facts = checkpoints.facts()
        if facts is None:
            return False
        for name in _COUNTERS:
            setattr(self, name, facts[name])
        self.history = [Epoch(**epoch) for epoch in facts["history"]]
        like = moving(self.network)
        self.best = [
            Best(**best, tensors=shard.shares(checkpoints.tensors(f"epoch-{best['epoch']}"), like))
            for best in facts["best"]
        ]
        if not self.is_done:
            self._take_up(checkpoints.tensors(f"step-{self.step}"))
        return True

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {f"network.{name}": tensor for name, tensor in moving(self.network).items()}
        if self.average.network is not self.network:
            tensors |= {f"average.{name}": tensor for name, tensor in moving(self.average.network).items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        return {name: tensor.detach() for name, tensor in tensors.items()}

    def _take_up(self, tensors: Tensors) -> None:
        like = moving(self.network)
        restore(self.network, shard.shares(_under("network.", tensors), like))
        if averaged := _under("average.", tensors):
            restore(self.average.network, shard.shares(averaged, like))
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        states: dict[int, dict[str, torch.Tensor]] = {}
        for path, tensor in _under("optimizer.", tensors).items():
            number, _, name = path.partition(".")
            states.setdefault(int(number), {})[name] = shard.share(tensor, parameters[int(number)])
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})


_COUNTERS = ("step", "epoch", "batch", "loss", "rows", "piece", "is_done")


def _under(prefix: str, tensors: Tensors) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _distinct(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A copy of those that stand under two names, which safetensors refuses; not of all, for they are many."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        found[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return found


def _clip(network: nn.Module) -> None:
    """Scales the gradients down where their norm is too large; where it is not, that pass over them is spared."""
    moving_parameters = [parameter for parameter in network.parameters() if parameter.grad is not None]
    grads = [parameter.grad for parameter in moving_parameters if parameter.grad is not None]
    norm = _norm(grads)
    if norm > CLIP:
        nn.utils.clip_grads_with_norm_(moving_parameters, CLIP, norm)


def _norm(grads: Sequence[torch.Tensor]) -> torch.Tensor:
    """Of all together; on a processor by products, which pass over the numbers half as long again as fast."""
    if any(shard.own(grad) is not grad or grad.device.type != "cpu" for grad in grads):
        return shard.together(nn.utils.get_total_norm(grads))
    flat = [grad.flatten() for grad in grads]
    return torch.stack([torch.dot(one, one) for one in flat]).sum().sqrt()
