"""What training above a boundary would keep in memory: counted for the weights, measured for what a pass keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headstart import stack
from headstart.anatomy import trace
from headstart.anatomy.facts import TrainingMemory
from headstart.contracts import Backbone
from headstart.errors import MismatchError, SettingError

if TYPE_CHECKING:
    from torch import nn

FEW, MORE = 2, 3
"""Rows of the two passes that are measured; with a single row some norms cannot be trained."""


def training_memory(
    backbone: Backbone, boundary: int, *, batch_size: int, max_length: int | None = None
) -> TrainingMemory:
    """What training everything above a boundary keeps in memory, in float32, without the head.

    Weights, gradients and AdamW's two moments are counted. What a pass keeps for the way back is measured: the
    distinct memory that autograd saves in a real pass, with 2 and with 3 rows, and from these in proportion. What the
    arithmetic needs in passing is not in it.

    Args:
        backbone: The model; left as it was.
        boundary: 0 trains everything, 1 freezes the stem, 1 + k also the k lowest blocks, 1 + all of them everything.
        batch_size: Rows per step.
        max_length: Tokens of each text; by default 128, or as many as the model reads.

    Raises:
        SettingError: There is no such boundary, or the texts are longer than the model reads.
        MismatchError: The model has no blocks, so it cannot be trained.
    """
    num_blocks = len(backbone.blocks)
    if not num_blocks:
        raise MismatchError(f'--boundary {boundary}: "{backbone.ref}" cannot be trained. Leave --boundary out.')
    if not 0 <= boundary <= num_blocks + 1:
        raise SettingError(
            f'--boundary {boundary}: "{backbone.ref}" has a stem and {num_blocks} block{"s" * (num_blocks > 1)}. '
            f"Give 0 (all is trained) to {num_blocks + 1} (only the head is)."
        )
    if max_length is not None and backbone.modality != "text":
        raise SettingError(f'--max-length plays no part: "{backbone.ref}" reads no text. Leave it out.')
    item = trace.sample(backbone, tokens=max_length)
    trained = num_trained(backbone.module, boundary, num_blocks)
    few, more = (_saved(backbone, boundary, item, rows) for rows in (FEW, MORE)) if trained else (0, 0)
    return TrainingMemory(
        boundary=boundary,
        batch_size=batch_size,
        item=item.words,
        parameters=sum(parameter.numel() for parameter in backbone.module.parameters()),
        trained=trained,
        fixed=max(0, few - FEW * (more - few)),
        per_row=more - few,
    )


def num_trained(module: nn.Module, boundary: int, num_blocks: int) -> int:
    """How many numbers of the model are trained; above the highest block none, for then only the head learns."""
    if boundary > num_blocks:
        return 0
    depth = stack.depths(module)
    return sum(p.numel() for name, p in module.named_parameters() if depth[name] >= boundary)


def _saved(backbone: Backbone, boundary: int, item: trace.Sample, rows: int) -> int:
    """Bytes that autograd keeps of one pass, each piece of memory once, the weights left out."""
    import torch

    module, inputs = backbone.module, item.rows(rows)
    lasting = [*module.parameters(), *module.buffers(), *inputs.tensors.values()]
    known = {tensor.untyped_storage().data_ptr() for tensor in lasting}
    kept: dict[int, Any] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        # the storage itself is held, so that its address stays its own until all are added up
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage
        return tensor

    with _training(backbone, boundary), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone.states(module, inputs)
    return sum(storage.nbytes() for storage in kept.values())


@contextlib.contextmanager
def _training(backbone: Backbone, boundary: int) -> Iterator[None]:
    """The model as it is trained, and afterwards as it was.

    Only what holds the blocks stays in evaluation mode: there families drop whole blocks and mask spans by chance,
    and a measurement must not depend on that.
    """
    import torch

    module = backbone.module
    modes = {part: part.training for part in module.modules()}
    moved = {parameter: parameter.requires_grad for parameter in module.parameters()}
    buffers = {buffer: buffer.clone() for buffer in module.buffers()}
    blocks = {piece for parts in trace.called_parts(backbone) for piece in parts}
    try:
        for part in modes:
            part.training = part in blocks or not blocks & set(part.modules())
        stack.freeze(module, boundary)
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(0)
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode
        for parameter, grad in moved.items():
            parameter.requires_grad_(grad)
        with torch.no_grad():
            for buffer, value in buffers.items():
                buffer.copy_(value)
