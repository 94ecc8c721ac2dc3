"""What this machine can do at most, and what MiniLM takes at least: products of matrices, and counted multiply-adds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from headstart import kernels

SQUARE = 2048
REPEATS = 12


def square(dtype: torch.dtype) -> float:
    """GFLOP/s of torch's own square product on all threads."""
    one, other = (torch.randn(SQUARE, SQUARE).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - start)
    return 2 * SQUARE**3 / best / 1e9


def packed(dtype: torch.dtype) -> float:
    """GFLOP/s of a packed square linear layer, one on each core: the best we know to get here."""
    threads = torch.get_num_threads()
    layer = kernels.tuned(torch.nn.Linear(SQUARE, SQUARE).to(dtype), str(dtype).removeprefix("torch."))
    states = torch.randn(SQUARE, SQUARE).to(dtype)

    def work(_: Any) -> None:
        with torch.inference_mode():
            layer(states)

    best = float("inf")
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for _ in range(REPEATS):
            start = time.perf_counter()
            list(pool.map(work, range(threads)))
            best = min(best, time.perf_counter() - start)
    torch.set_num_threads(threads)
    return threads * 2 * SQUARE**3 / best / 1e9


def flops(module: Any, lengths: Any) -> float:
    """Of a forward pass, multiply-adds counted twice: linear layers of the blocks, and both products of attention.

    Padding is not counted, nor are embeddings, norms and activations.
    """
    linear = [part for block in module.encoder.layer for part in block.modules() if isinstance(part, torch.nn.Linear)]
    weights = sum(layer.weight.numel() for layer in linear)
    attention = 4 * module.config.hidden_size * module.config.num_hidden_layers
    return float((2 * weights * lengths + attention * lengths**2).sum())
