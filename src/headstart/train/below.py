"""What the frozen lower part gives for each row, computed once, kept on disk, and taken up by the training above it."""

# B rows, T tokens, D width

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches, company, cut, features, windows
from headstart.contracts import Encoded, Hidden, Inputs, Rows
from headstart.errors import OutputError
from headstart.network import KEPT, Headed
from headstart.progress import Note, Stage
from headstart.writer import Network, trunk

if TYPE_CHECKING:
    from headstart.contracts import Indices
    from headstart.train.job import Job

SPARE = 2**28
"""Bytes that are left free on the disk."""
BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class Frozen:
    """A part that is run once for each row.

    `read(module, inputs)` gives the states that are kept, `name` says which they are; `inputs` are a batch, and `state`
    is what the part gave for it.
    """

    module: nn.Module
    read: Callable[[nn.Module, Inputs], torch.Tensor]
    name: str
    state: torch.Tensor
    inputs: Inputs


@dataclass(frozen=True)
class RowsAbove:
    """Rows whose state above the frozen blocks is on disk; a batch holds it beside the usual inputs.

    `places` is how many cells or patches there are in what is kept of a picture, None where rows have tokens.
    """

    encoded: Encoded
    kept: features.Kept
    places: int | None
    form: Inputs

    @property
    def lengths(self) -> Indices:
        """As those of the rows themselves; of a picture fewer where only small maps of it are still computed."""
        whole = self.encoded.lengths
        return whole if self.places is None else np.minimum(whole, self.places)

    @property
    def truncated(self) -> int:
        """As of the rows themselves."""
        return self.encoded.truncated

    @property
    def lost(self) -> int:
        """As of the rows themselves."""
        return self.encoded.lost

    def take(self, indices: Any) -> Inputs:
        """A batch; of an image only the size is needed any more, so no file is opened for it."""
        state = self.kept.take(indices)
        if self.places is None:
            inputs = self.encoded.take(indices)
            return Inputs({**inputs.tensors, KEPT: state}, inputs.where)
        blank = {
            name: tensor[:1].new_zeros(1).expand(len(state), *tensor.shape[1:])
            for name, tensor in self.form.tensors.items()
        }
        return Inputs({**blank, KEPT: state[:, 0]})


def keep(job: Job, whole: Network, boundary: int, dtype: str) -> dict[str, Encoded]:
    """The training and validation rows, with what the frozen part gives for them on disk where that can be used.

    Args:
        job: What to learn from.
        whole: The network; is told in which form the frozen part gives its state.
        boundary: From the strategy.
        dtype: Arithmetic of the run, in which the frozen part computes too.

    Returns:
        "train", and "validation" where there are rows to choose by.
    """
    encoded = {"train": job.encoded(job.train)}
    if job.validation is not None:
        encoded["validation"] = job.encoded(job.validation)
    is_wanted = boundary > 1 and job.settings.cache and not company.is_strict(trunk(whole))
    form = _form(whole, encoded["train"], upto=boundary - 1) if is_wanted else None
    if form is None:
        if is_wanted:
            job.listener(
                Note("What the frozen blocks give is computed again in each epoch: this family hands on more than it.")
            )
        return encoded
    whole.below = form
    job.listener(
        Stage("features", f"below the {len(job.backbone.blocks) + 1 - boundary} trained blocks, computed once")
    )
    frozen = Frozen(
        trunk(whole),
        lambda part, inputs: cut.lower(part, inputs, upto=form.upto).state,
        f"above block {form.upto}",
        form.state,
        form.inputs,
    )
    return on_disk(job, frozen, encoded, dtype)


def on_disk(job: Job, frozen: Frozen, encoded: dict[str, Encoded], dtype: str) -> dict[str, Encoded]:
    """The same rows with what a frozen part gives for each, computed once.

    Args:
        job: What to learn from.
        frozen: The part.
        encoded: "train", and "validation" where there are rows to choose by.
        dtype: In which the part computes and its states are kept.

    Raises:
        OutputError: There is not enough room on the disk.
    """
    rows = {"train": job.train}
    # where the last epoch is taken, no validation row is looked at on the way
    if job.validation is not None and not job.takes_last:
        rows["validation"] = job.validation
    _foresee(job, frozen, {name: encoded[name] for name in rows}, dtype)
    return encoded | {name: _kept(job, frozen, split, encoded[name], dtype) for name, split in rows.items()}


def _form(whole: Network, encoded: Encoded, *, upto: int) -> Hidden | None:
    """In which form the frozen part gives its state; None where the state alone is not enough to go on from."""
    inputs = batches.placed(encoded.take(np.argsort(encoded.lengths)[[0, -1]]))
    part = trunk(whole.eval())
    with torch.no_grad():
        form = cut.lower(part, inputs, upto=upto)
        if isinstance(whole, Headed):
            return form if _is_enough(whole, inputs, form) else None
        return form if cut.can_resume(part, inputs, form) else None


def _is_enough(headed: Headed, inputs: Inputs, form: Hidden) -> bool:
    """Whether the head answers from the state as it does from the whole pass: tried, on a batch."""
    headed.below = form
    try:
        given = headed(Inputs({**inputs.tensors, KEPT: form.state}))
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, AssertionError):
        return False
    finally:
        headed.below = None
    return torch.allclose(given, headed(inputs), rtol=1e-3, atol=1e-4)


def _foresee(job: Job, frozen: Frozen, encoded: dict[str, Encoded], dtype: str) -> None:
    """Says how much room the states will take, and stops where the disk has less.

    Raises:
        OutputError: There is not enough room.
    """
    is_by_token = job.backbone.modality != "image"
    a_row = frozen.state.shape[-1] if is_by_token else frozen.state[0].numel()
    rows = sum(int(part.lengths.sum()) if is_by_token else len(part.lengths) for part in encoded.values())
    size = rows * a_row * BYTES[dtype]
    root = features.cache_root()
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    job.listener(Note(f"What the frozen blocks give takes up to {size / 2**20:,.0f} MiB in {root}."))
    if size > free - SPARE:
        raise OutputError(
            f'What the frozen blocks give needs {size / 2**20:,.0f} MiB and "{root}" has {free / 2**20:,.0f} MiB free. '
            f"Set HEADSTART_CACHE to a place with room, make room with headstart cache clear, or pass --no-cache."
        )


def _kept(job: Job, frozen: Frozen, rows: Rows, encoded: Encoded, dtype: str) -> Encoded:
    is_by_token = job.backbone.modality != "image"
    extractor = features.Extractor(
        frozen.module,
        frozen.read,
        frozen.state.shape[-1],
        frozen.name,
        job.backbone.digest(),
        job.settings.max_length,
        dtype,
        kept_as=dtype,
        is_by_token=is_by_token,
        of=str(job.backbone.ref),
        long=job.long,
    )
    keys = windows.keys(features.row_keys(job.task.items(rows), are_files=job.backbone.modality != "text"), encoded)
    kept = features.keep(extractor, encoded, keys, cache=features.cache_root(), listener=job.listener)
    places = None if is_by_token else _places(frozen.state)
    return windows.over(RowsAbove(encoded, kept, places, frozen.inputs), encoded)


def _places(state: torch.Tensor) -> int:
    """Patches of one picture, or cells of its map, whose width stands first or last and is larger than the sides."""
    if state.ndim < 4:
        return state.shape[1] if state.ndim == 3 else 1
    return state[0].numel() // max(state.shape[1], state.shape[3])
