"""What a frozen part gives for the rows: a vector each, computed once and kept."""

# N items, M rows of them, D width

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from headstart import batches, features, kernels, network, windows
from headstart.contracts import Encoded, Inputs, Rows
from headstart.device import device
from headstart.heads import form
from headstart.progress import Stage
from headstart.train import step, trial
from headstart.train.job import Job, precision

if TYPE_CHECKING:
    from headstart.contracts import Indices

Floats = np.ndarray[Any, np.dtype[np.float32]]


def pooled(job: Job) -> Floats:
    """Every hidden state of the training rows as one vector each, side by side, shape (N, sum of widths); kept."""
    return of_states(job).train.means


def of_states(job: Job) -> Extracted:
    """Every hidden state as one vector."""
    pool = form.asked(job.settings, 0).pool or "mean"
    return of(
        job,
        job.backbone.module,
        lambda module, inputs: network.pooled(job.backbone, module, inputs, pool),
        sum(job.backbone.widths),
        "layers" if pool == "mean" else f"layers, {pool}",
    )


@dataclass(frozen=True)
class Split:
    """Features of the rows of a split, and the rows; a long text may have several."""

    features_MD: Floats
    encoded: Encoded

    @property
    def means(self) -> Floats:
        """Those of the items, shape (N, D)."""
        return windows.mean(self.features_MD, self.encoded)

    @property
    def long(self) -> dict[str, int]:
        """What became of long items."""
        return windows.told(self.encoded)

    def rows(self, mean_D: Floats, scale_D: Floats) -> Encoded:
        """The features, standardised, as rows to learn from or to answer."""
        return windows.over(VectorRows((self.features_MD - mean_D) / scale_D), self.encoded)


@dataclass(frozen=True)
class Extracted:
    """The vectors of both splits, and the arithmetic they were computed in."""

    train: Split
    validation: Split | None
    precision: step.Precision


def of(
    job: Job, module: nn.Module, read: Callable[[nn.Module, Inputs], torch.Tensor], width: int, name: str
) -> Extracted:
    """Vectors of the training rows, and of the validation rows where a head stops by them.

    Args:
        job: What is learnt.
        module: The frozen part.
        read: What it gives of inputs, shape (B, D).
        width: D.
        name: Which vectors these are; with the model's weights it tells what they are from any others.
    """
    job.listener(Stage("features", f"{len(job.train):,} rows, computed once"))
    encoded = job.encoded(job.train)
    arithmetic = precision(job, name, one_pass(module, read, encoded))
    extractor = features.Extractor(
        *(module, read, width, name, job.backbone.digest(), job.settings.max_length, arithmetic.dtype),
        long=job.long,
        of=str(job.backbone.ref),
    )

    def keys(rows: Rows, inputs: Encoded) -> list[str]:
        items = features.row_keys(job.task.items(rows), are_files=job.task.modality != "text")
        return windows.keys(items, inputs)

    def compute(inputs: Encoded, known_as: list[str]) -> Split:
        found = features.of(extractor, inputs, known_as, cache=features.cache_root(), listener=job.listener)
        return Split(found, inputs)

    known_as = keys(job.train, encoded)
    missing = features.num_tokens_missing(extractor, encoded, known_as, cache=features.cache_root())
    trial.foresee_features(job, encoded, missing, lambda: features.seconds_per_token(extractor, encoded))
    needs_more = job.validation is not None and job.settings.head != "linear"
    held_out = None
    if needs_more and job.validation:
        unseen = job.encoded(job.validation)
        held_out = compute(unseen, keys(job.validation, unseen))
    return Extracted(compute(encoded, known_as), held_out, arithmetic)


@dataclass(frozen=True)
class OnePass:
    """The frozen part on one batch of middling rows, in either arithmetic."""

    read: Callable[[nn.Module, Inputs], torch.Tensor]
    part: Callable[[str], nn.Module]
    inputs: Inputs

    def __call__(self, dtype: str) -> None:
        """Runs it once."""
        with torch.inference_mode():
            self.read(self.part(dtype), batches.placed(self.inputs, dtype))


def one_pass(module: nn.Module, read: Callable[[nn.Module, Inputs], torch.Tensor], encoded: Encoded) -> OnePass:
    """What a run on these rows is measured by."""
    lengths = encoded.lengths
    rows = np.argsort(lengths)[len(lengths) // 2 :][: max(1, 1024 // max(1, int(np.median(lengths))))]
    part = functools.cache(lambda dtype: kernels.tuned(module.to(device()), dtype))
    return OnePass(read, part, encoded.take(rows))


@dataclass(frozen=True)
class VectorRows:
    """Features as rows to learn from."""

    features_ND: Floats
    truncated: int = 0
    lost: int = 0

    @property
    def lengths(self) -> Indices:
        return np.ones(len(self.features_ND), dtype=np.int64)

    def take(self, indices: Any) -> Inputs:
        return Inputs({"features": torch.from_numpy(self.features_ND[np.asarray(indices)])})
