"""A network spread over the processes of a run: each holds its share of every parameter, and learns with that alone.

Gradients, averages and what the optimiser keeps follow the parameters. How a step is taken is not changed by it.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from headstart import launch, stack
from headstart.device import device
from headstart.errors import MismatchError
from headstart.network import Headed, Whole
from headstart.writer import Writer

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.tensor import DTensor

Tensors = Mapping[str, torch.Tensor]


def verify(network: nn.Module) -> None:
    """Raises `MismatchError` for a network of which no share can be made, or that no share could answer with."""
    if isinstance(network, Writer):
        # texts of different lengths take different numbers of passes, and shares only run all together
        raise MismatchError("--shard: a model that writes token after token cannot be shared out. Leave --shard out.")
    alone = [name for name, parameter in network.named_parameters() if parameter.ndim == 0]
    if alone:
        raise MismatchError(
            f'--shard: "{alone[0]}" is a single number, which cannot be shared out. Leave --shard out for this model.'
        )


@contextlib.contextmanager
def learning(network: nn.Module, *, is_wanted: bool) -> Iterator[tuple[nn.Module, nn.Module | None]]:
    """What learns in the network's place, and a copy of it for its average.

    Args:
        network: Has no weights while the block lasts, and afterwards those of what learned; its `Parameter` objects
            stay the same. Where nothing is spread it learns itself, and there is no copy.
        is_wanted: Whether to spread it over the processes, where there are several.
    """
    if not is_wanted or launch.num_processes() == 1:
        yield network, None
        return
    shares, averaged = _shares(network), _shares(network)
    _empty(network)
    yield shares, averaged
    _fill(network, shares)


@contextlib.contextmanager
def trying(network: nn.Module, *, is_wanted: bool) -> Iterator[tuple[nn.Module, nn.Module | None]]:
    """As `learning`, for a few steps of which nothing is kept.

    Args:
        network: Afterwards as it was before.
        is_wanted: As for `learning`.
    """
    if not is_wanted or launch.num_processes() == 1:
        yield copy.deepcopy(network), None
        return
    shares, averaged, untouched = _shares(network), _shares(network), _shares(network)
    _empty(network)
    yield shares, averaged
    _fill(network, untouched)


def whole(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Tensors put together from the shares of all processes, on the CPU; empty but for the first process.

    Where nothing is spread they are what they were. Every process must ask, in the same order.
    """
    found = {}
    for name, tensor in tensors.items():
        # one after the other, so that the device holds no more than one
        full = together(tensor)
        if launch.is_first():
            found[name] = full if full is tensor else full.cpu()
    return found


def shares(tensors: Tensors, like: Tensors) -> dict[str, torch.Tensor]:
    """This process's share of each tensor, spread as those of the same name in `like` are."""
    return {name: share(tensor, like[name]) for name, tensor in tensors.items()}


def share(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This process's share of a tensor that all processes have whole."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(like, DTensor) or tensor.shape != like.shape:
        return tensor
    return distribute_tensor(tensor.to(device()), like.device_mesh, like.placements, src_data_rank=None)


def own(tensor: torch.Tensor) -> torch.Tensor:
    """The part of a tensor that this process holds; all of it where nothing is spread."""
    from torch.distributed.tensor import DTensor

    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def agree(network: nn.Module) -> None:
    """Gives all processes the running statistics of the first, which each has taken from its own rows."""
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._NormBase)]
    found = [buffer for norm in norms for buffer in norm.buffers() if buffer.is_floating_point()]
    if not found:
        return
    line = torch.cat([buffer.flatten() for buffer in found])
    torch.distributed.broadcast(line, 0)
    for buffer, values in zip(found, torch.split(line, [buffer.numel() for buffer in found]), strict=True):
        buffer.copy_(values.view_as(buffer))


def together(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor put together from the shares of all processes, which must all ask."""
    from torch.distributed.tensor import DTensor, Shard

    if not isinstance(tensor, DTensor):
        return tensor
    # sums that are not added up yet, such as norms, have another exchange
    return _gathered(tensor) if tuple(tensor.placements) == (Shard(0),) else tensor.full_tensor()


def _gathered(tensor: DTensor) -> torch.Tensor:
    """A tensor whose rows are shared out. `full_tensor` takes another exchange for it, in which gloo now and then
    corrupts memory (torch 2.13; pytorch issue 65231).
    """
    local, num_rows = own(tensor).detach(), tensor.shape[0]
    mine = local.new_zeros(-(-num_rows // launch.num_processes()), *tensor.shape[1:])
    mine[: len(local)] = local
    parts = [torch.empty_like(mine) for _ in range(launch.num_processes())]
    torch.distributed.all_gather(parts, mine)
    return torch.cat(parts)[:num_rows]


def _shares(network: nn.Module) -> nn.Module:
    """A copy of which each process holds its share: each block is put together while it runs, the rest as one."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh: DeviceMesh = init_device_mesh(device(), (launch.num_processes(),))
    kept = [value for value in vars(network).values() if not isinstance(value, dict)]
    # the copy has other modules around the same weights, until each of them is replaced by a share
    spread = copy.deepcopy(network, {id(one): one for one in (*network.parameters(), *kept)})
    for part in (*_units(spread), spread):
        fully_shard(part, mesh=mesh, reshard_after_forward=True)
    return spread


def _units(network: nn.Module) -> Sequence[nn.Module]:
    """The blocks, but for those that share a parameter with other parts, which must be put together at once."""
    assert isinstance(network, Whole | Headed), "what stands around a backbone"
    if stack.is_cut_at_the_ends_only(network.module):
        return ()
    known = set(network.modules())
    # the stages of a VGG are ours, their layers the model's
    parted = [[block] if block in known else list(block.children()) for block in stack.blocks_of(network.module)]
    parts = [part for block in parted for part in block if any(True for _ in part.parameters())]
    inside = {piece: number for number, part in enumerate(parts) for piece in part.modules()}
    owners: dict[int, set[int | None]] = {}
    for piece in network.modules():
        for parameter in piece._parameters.values():
            owners.setdefault(id(parameter), set()).add(inside.get(piece))
    owners.pop(id(None), None)
    tied = {number for found in owners.values() if len(found) > 1 for number in found}
    return [part for number, part in enumerate(parts) if number not in tied]


def _empty(network: nn.Module) -> None:
    """Lets go of the weights; the objects stay, for whoever has them in a list."""
    for parameter in network.parameters():
        parameter.data = parameter.data.new_empty(0)


@torch.no_grad()
def _fill(network: nn.Module, spread: nn.Module) -> None:
    """Gives the network the weights and statistics of what is spread."""
    parameters = dict(network.named_parameters())
    for name, parameter in spread.named_parameters():
        parameters[name].data = together(parameter.detach())
    for buffer, found in zip(network.buffers(), spread.buffers(), strict=True):
        buffer.copy_(found)
