"""How a speech model makes frames of samples: how many, where each lies in time, and the hidden states of a batch."""

# B rows, S samples, T frames, D width

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import company
from headstart.contracts import Inputs, States

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

Step = tuple[int, int, int]
"""Kernel, stride and padding of a convolution over time."""
MOONSHINE: tuple[Step, ...] = ((127, 64, 0), (7, 3, 0), (3, 2, 0))
"""Its config does not tell them; see `MoonshineEncoder` of transformers."""


@dataclass(frozen=True)
class Frames:
    """How samples become frames, by the convolutions between them.

    `most` is how many samples the model reads, where it always reads that many (Whisper), else None. `spectra` says how
    many of the steps the processor takes, so that the mask it gives counts what they give.
    """

    rate: int
    steps: tuple[Step, ...]
    most: int | None = None
    spectra: int = 0

    @staticmethod
    def of(module: nn.Module, processor: Any) -> Frames:
        """Told by the config of the wav2vec 2.0 kin or a FastConformer, or by the spectra that Whisper reads."""
        config: Any = module.config
        config = getattr(config, "encoder_config", config)
        rate = int(processor.sampling_rate)
        if hasattr(config, "conv_stride"):
            kernels = zip(config.conv_kernel, config.conv_stride, strict=True)
            return Frames(rate, tuple((kernel, step, 0) for kernel, step in kernels))
        if config.model_type == "moonshine":
            return Frames(rate, MOONSHINE)
        hop = int(processor.hop_length)
        if hasattr(config, "subsampling_factor"):
            kernel, step = config.subsampling_conv_kernel_size, config.subsampling_conv_stride
            times = int(math.log2(config.subsampling_factor))
            return Frames(rate, ((hop, hop, 0), *[(kernel, step, (kernel - 1) // 2)] * times), spectra=1)
        # the second of Whisper's two convolutions halves the spectra's frames
        return Frames(rate, ((hop, hop, 0), (3, 1, 1), (3, 2, 1)), most=int(processor.n_samples), spectra=1)

    @property
    def stride(self) -> int:
        """Samples from one frame to the next."""
        return math.prod(step for _, step, _ in self.steps)

    @property
    def span(self) -> int:
        """Samples that a frame sees, as far as convolutions over samples tell; of spectra those up to the next."""
        span, stride = 1, 1
        for kernel, step, _ in self.steps:
            span, stride = span + (kernel - 1) * stride, stride * step
        return stride if self.spectra else span

    def count(self, samples: int) -> int:
        """Frames of a recording of so many samples."""
        if self.most is not None:
            return max(1, math.ceil(min(samples, self.most) / self.stride))
        return max(1, self._after(samples))

    def _after(self, length: int, first: int = 0) -> int:
        """What the steps from `first` on make of so many."""
        for kernel, step, padding in self.steps[first:]:
            length = max(0, (length + 2 * padding - kernel) // step + 1)
        return length

    def seconds(self, samples: int) -> npt.NDArray[np.float64]:
        """Start and end of each frame in seconds, shape (T, 2)."""
        starts = np.arange(self.count(samples)) * self.stride
        return np.stack([starts, np.minimum(starts + self.span, max(samples, 1))], axis=1) / self.rate

    def states(self, module: nn.Module, inputs: Inputs) -> States:
        """Every hidden state of a batch with the mask of its real frames."""
        import torch

        rows = company.alone(module, inputs.tensors)
        if rows is not None and len(rows) > 1:
            return _one_by_one(module, rows)
        tensors = rows[0] if rows is not None else inputs.tensors
        layers = tuple(module(**tensors, output_hidden_states=True).hidden_states)
        counts = self._counts(inputs.tensors["attention_mask"])
        mask_BT = torch.arange(layers[0].shape[1], device=counts.device)[None] < counts[:, None]
        return States(layers, None if bool(mask_BT.all()) else mask_BT.long())

    def _counts(self, mask_BS: torch.Tensor) -> torch.Tensor:
        """Frames of each row, shape (B,), from a mask over samples or over spectra."""
        import torch

        totals = mask_BS.sum(dim=1).tolist()
        if self.most is not None:
            per_unit = self.most // mask_BS.shape[1]
            return torch.tensor([self.count(int(total) * per_unit) for total in totals], device=mask_BS.device)
        return torch.tensor([max(1, self._after(int(total), self.spectra)) for total in totals], device=mask_BS.device)


def _one_by_one(module: nn.Module, rows: list[dict[str, torch.Tensor]]) -> States:
    """Each row unpadded, because this family would answer otherwise beside a longer one."""
    alone = [module(**row, output_hidden_states=True).hidden_states for row in rows]
    layers = tuple(company.side_by_side(list(layer)) for layer in zip(*alone, strict=True))
    mask_BT = company.side_by_side([layer[0].new_ones(layer[0].shape[:2]) for layer in alone])
    return States(layers, mask_BT.long())
