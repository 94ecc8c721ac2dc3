"""A torch module that runs a TensorFlow function; what it is given and gives is in `tensors`."""

# B rows, D width, S bytes of the longest text, H height, W width

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn


class Bridge(nn.Module):
    """Vectors, shape (B, D), fp32, on the device of its input; computed by TensorFlow on the processor.

    It is itself wherever a copy is asked for: there is nothing in it that could change.
    """

    def __init__(self, run: Callable[[Any], np.ndarray[Any, Any]], model: Any) -> None:
        super().__init__()
        self.run = run
        # TensorFlow frees the variables of a model that nobody holds
        self.model = model

    def __deepcopy__(self, memo: dict[int, Any]) -> Bridge:
        return self

    def forward(
        self,
        codes: torch.Tensor | None = None,
        lengths: torch.Tensor | None = None,
        pixels: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Of texts as `tensors.Strings` gives them, or of images as `tensors.Pictures` does."""
        if pixels is not None:
            rows_BHW3 = pixels.cpu().numpy().astype(np.float32) / np.float32(255)
            return torch.from_numpy(self.run(rows_BHW3)).to(pixels.device)
        assert codes is not None, "texts where there are no pixels"
        assert lengths is not None, "a text is its bytes and their number"
        pairs = zip(codes.cpu().numpy(), lengths.tolist(), strict=True)
        texts = np.array([row[:length].tobytes() for row, length in pairs], dtype=object)
        return torch.from_numpy(self.run(texts)).to(codes.device)
