"""Averages of weights: one that runs along with the steps, and one of the best epochs made at the end."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from headstart.train.shard import own

Tensors = Mapping[str, torch.Tensor]


class Average:
    """A running average of a network's weights; it forgets faster at first, so that short runs are not held back.

    Args:
        network: Whose weights are averaged.
        keep: Share of the average that a step keeps; 0 makes the average the network itself.
        twin: A copy of the network to hold the average, where torch makes none.

    Source: Polyak and Juditsky 1992, in the exponential form with the warm-up (1 + t) / (10 + t).
    """

    def __init__(self, network: nn.Module, keep: float, twin: nn.Module | None = None) -> None:
        self.network = (copy.deepcopy(network) if twin is None else twin) if keep else network
        self._keep = keep
        present, averaged = moving(network), moving(self.network)
        # what is frozen is the same in both
        names = [name for name, tensor in present.items() if tensor.is_floating_point()]
        self._present, self._averaged = ([own(values[name]) for name in names] for values in (present, averaged))
        self._counters = [(averaged[name], present[name]) for name in present if name not in set(names)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Moves the average towards the network's present weights, those of this step, from 1; counters are copied."""
        if not self._keep:
            return
        keep = min(self._keep, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, self._present, 1 - keep)
        for averaged, present in self._counters:
            averaged.copy_(present)


def moving(network: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes, by name: the parameters that learn, and every buffer, such as running statistics."""
    learning = {name: parameter.detach() for name, parameter in network.named_parameters() if parameter.requires_grad}
    return learning | dict(network.named_buffers())


@torch.no_grad()
def restore(network: nn.Module, tensors: Tensors) -> None:
    """Puts the values of `moving` back in place."""
    for name, tensor in moving(network).items():
        tensor.copy_(tensors[name])


def soup(network: nn.Module, best: Sequence[Tensors], measure: Callable[[nn.Module], float]) -> list[int]:
    """Leaves the network with the mean of those weights whose company does not lower the measure.

    Args:
        network: Any of the run's; its moving values are overwritten.
        best: Weights, the best first.
        measure: Of a network, better when higher.

    Returns:
        Which of them are in the mean.

    Source: the greedy soup of Wortsman et al., ICML 2022, recipe 1.
    """
    restore(network, best[0])
    chosen, value = [0], measure(network)
    for number in range(1, len(best)):
        tried = [*chosen, number]
        restore(network, _mean([best[i] for i in tried]))
        if (found := measure(network)) >= value:
            chosen, value = tried, found
    restore(network, _mean([best[i] for i in chosen]))
    return chosen


def _mean(states: Sequence[Tensors]) -> dict[str, torch.Tensor]:
    """The mean of each tensor; of whole numbers, such as counters, the first."""
    if len(states) == 1:
        return dict(states[0])
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in first.items()
    }
