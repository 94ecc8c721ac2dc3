"""Recordings as a speech model reads them: samples or spectra, opened batch by batch, and frames with their times."""

# B rows, S samples, T frames, D width

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Inputs, States
from headstart.data.sounds import num_samples, open_sound

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

    from headstart.contracts import Indices


@dataclass(frozen=True)
class Frames:
    """How samples become frames: `stride` samples from one frame to the next, each seeing `span` of them.

    `most` is how many samples the model reads, where it always reads that many (Whisper), else None. `is_strict`
    says that the model's lowest layers average over time, so that padding would change what a recording gives.
    """

    rate: int
    stride: int
    span: int
    most: int | None = None
    is_strict: bool = False

    @staticmethod
    def of(module: nn.Module, processor: Any) -> Frames:
        """Told by the config of the wav2vec 2.0 kin, or by the spectra a Whisper encoder reads."""
        config: Any = module.config
        rate = int(processor.sampling_rate)
        if hasattr(config, "conv_stride"):
            stride, span = 1, 1
            for kernel, step in zip(config.conv_kernel, config.conv_stride, strict=True):
                span, stride = span + (kernel - 1) * stride, stride * step
            is_strict = getattr(config, "feat_extract_norm", "layer") == "group"
            return Frames(rate, stride, span, is_strict=is_strict)
        # the second of Whisper's two convolutions halves the spectra's frames
        stride = 2 * int(processor.hop_length)
        return Frames(rate, stride, stride, most=int(processor.n_samples))

    def count(self, samples: int) -> int:
        """Frames of a recording of so many samples."""
        if self.most is not None:
            return max(1, math.ceil(min(samples, self.most) / self.stride))
        return max(1, (samples - self.span) // self.stride + 1)

    def seconds(self, samples: int) -> npt.NDArray[np.float64]:
        """Start and end of each frame in seconds, shape (T, 2)."""
        starts = np.arange(self.count(samples)) * self.stride
        return np.stack([starts, np.minimum(starts + self.span, samples)], axis=1) / self.rate

    def states(self, module: nn.Module, inputs: Inputs) -> States:
        """Every hidden state of a batch with the mask of its real frames."""
        import torch

        mask_BS = inputs.tensors["attention_mask"]
        if self.is_strict and not bool(mask_BS.all()):
            return self._row_by_row(module, inputs)
        kept = {"attention_mask"} if self.is_strict else set()
        tensors = {name: tensor for name, tensor in inputs.tensors.items() if name not in kept}
        layers = tuple(module(**tensors, output_hidden_states=True).hidden_states)
        counts = self._counts(mask_BS)
        mask_BT = torch.arange(layers[0].shape[1], device=mask_BS.device)[None] < counts[:, None]
        return States(layers, None if bool(mask_BT.all()) else mask_BT.long())

    def _counts(self, mask_BS: torch.Tensor) -> torch.Tensor:
        """Frames of each row, shape (B,); Whisper's mask counts spectra, the others' samples."""
        import torch

        per_unit = 1 if self.most is None else self.most // mask_BS.shape[1]
        return torch.tensor([self.count(int(total) * per_unit) for total in mask_BS.sum(dim=1)], device=mask_BS.device)

    def _row_by_row(self, module: nn.Module, inputs: Inputs) -> States:
        """Each row unpadded, because this family would answer otherwise beside a longer one."""
        from torch.nn.utils.rnn import pad_sequence

        samples, mask_BS = inputs.tensors["input_values"], inputs.tensors["attention_mask"]
        rows = [samples[None, row, : int(length)] for row, length in enumerate(mask_BS.sum(dim=1))]
        alone = [module(row, output_hidden_states=True).hidden_states for row in rows]
        by_layer = ([state[0] for state in layer] for layer in zip(*alone, strict=True))
        layers = tuple(pad_sequence(states, batch_first=True) for states in by_layer)
        mask_BT = pad_sequence([mask_BS.new_ones(row[0].shape[1]) for row in alone], batch_first=True)
        return States(layers, mask_BT)


@dataclass(frozen=True)
class EncodedSounds:
    """Recordings opened, brought to the model's rate and padded batch by batch."""

    processor: Any
    items: tuple[Any, ...]
    frames: Frames
    where: bool = False

    @cached_property
    def _samples(self) -> Indices:
        """Samples of each recording at the model's rate; of a file only its head is read for that."""
        return np.array([num_samples(item, rate=self.frames.rate) for item in self.items], dtype=np.int64)

    @cached_property
    def lengths(self) -> Indices:
        """Frames of each recording; the same for all where the model always reads so much."""
        if self.frames.most is not None:
            return np.full(len(self.items), self.frames.count(self.frames.most), dtype=np.int64)
        return np.array([self.frames.count(int(samples)) for samples in self._samples], dtype=np.int64)

    @property
    def truncated(self) -> int:
        """Recordings longer than the model reads."""
        return 0 if self.frames.most is None else int((self._samples > self.frames.most).sum())

    @property
    def lost(self) -> int:
        """Frames that they lost."""
        if self.frames.most is None:
            return 0
        return int((self._samples - self.frames.most).clip(min=0).sum()) // self.frames.stride

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch with its mask, padded on the right, or to what the model always reads."""
        sounds = [open_sound(self.items[int(i)], rate=self.frames.rate) for i in indices]
        batch = self.processor(
            sounds,
            sampling_rate=self.frames.rate,
            padding=True if self.frames.most is None else "max_length",
            return_attention_mask=True,
            return_tensors="pt",
        )
        where = [self.frames.seconds(len(sound)) for sound in sounds] if self.where else None
        return Inputs(dict(batch), where)
