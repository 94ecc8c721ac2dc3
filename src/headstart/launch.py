"""Several processes at work on one run, as `torchrun` starts them: which one this is, and how they agree.

Without a launcher there is one process, and every function here is then as good as absent.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from headstart.device import device

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

MOMENT = 0.1
"""Seconds that the interpreter is left to other threads in the end: they need it for microseconds."""


def num_processes() -> int:
    """How many processes share the run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is, from 0; the first one writes and speaks."""
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return rank() == 0


def join() -> None:
    """Meets the other processes, where there are any; harmless when done before. They part when this one ends."""
    if num_processes() > 1:
        import torch
        from accelerate import PartialState

        is_met = torch.distributed.is_initialized()
        PartialState(cpu=device() == "cpu")
        if not is_met:
            atexit.register(_part)


def _part() -> None:
    """Ends the exchange. Its threads may still wait for the interpreter, to free what they sent; one that is still
    waiting when the interpreter closes aborts the process, although its work is done.
    """
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    time.sleep(MOMENT)


@contextmanager
def first_goes_first() -> Iterator[None]:
    """The others enter when the first has left, to find on disk what it made."""
    if num_processes() == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState().main_process_first():
        yield


def meet() -> None:
    """Nobody goes on before all are here."""
    if num_processes() > 1:
        import torch

        torch.distributed.barrier()


def total(values: Sequence[float]) -> list[float]:
    """The sums of the values of all processes."""
    if num_processes() == 1:
        return list(values)
    import torch

    sums = torch.tensor(values, dtype=torch.float64 if device() != "mps" else torch.float32, device=device())
    torch.distributed.all_reduce(sums)
    return list(map(float, sums.tolist()))


def from_first(value: T) -> T:
    """What the first process has; the others' own values are not looked at."""
    if num_processes() == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box)
    return box[0]


def gathered(value: T) -> list[T]:
    """The values of all processes, in their order."""
    if num_processes() == 1:
        return [value]
    import torch

    box: list[Any] = [None] * num_processes()
    torch.distributed.all_gather_object(box, value)
    return box


def is_spread(network: nn.Module) -> bool:
    """Whether each process holds only its share of the network's parameters, so that all must run it together."""
    if num_processes() == 1:
        return False
    from torch.distributed.tensor import DTensor

    return any(isinstance(parameter, DTensor) for parameter in network.parameters())


def joined(network: nn.Module) -> nn.Module:
    """The network with gradients averaged over all processes; itself where there is one, or where it is spread."""
    if num_processes() == 1 or is_spread(network):
        return network
    from torch.nn.parallel import DistributedDataParallel

    # a pooler that the head does not read has parameters that get no gradient
    return DistributedDataParallel(network, find_unused_parameters=True)
