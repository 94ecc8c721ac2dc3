"""Where tensors are computed, on how many cores, and in which arithmetic they can be."""

from __future__ import annotations

import os

from headstart.contracts import Device


def cores() -> int:
    """The cores this process may use, which in a container can be fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device() -> Device:
    """The fastest kind of device here; CUDA_VISIBLE_DEVICES hides GPUs as usual."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_bfloat16() -> bool:
    """Whether products of bfloat16 numbers are computed as such here; processors without them take a hundred times as
    long as in float32, number by number."""
    import torch

    if device() == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device() == "mps" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
