"""Where tensors are computed."""

from __future__ import annotations

from headstart.contracts import Device


def device() -> Device:
    """The fastest kind of device here; CUDA_VISIBLE_DEVICES hides GPUs as usual."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
