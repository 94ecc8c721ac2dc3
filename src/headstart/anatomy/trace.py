"""One real pass through a model, watched: what was called, what each block gave, and how many operations it took."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from headstart.anatomy.facts import Work
from headstart.contracts import Backbone, Inputs

if TYPE_CHECKING:
    from torch import nn

TOKENS = 128
SECONDS = 10.0
MOST_FRAMES = 1500
"""Of a recording, three times those of ten seconds in wav2vec 2.0: attention takes memory with their square."""
SIDE = 224
"""Of the image given to a processor; one that resizes makes of it what the model reads."""
SENTENCE = "Hello, my dog is cute. "
USUAL_RATE = 16_000
KINDS = {
    "mm": "linear",
    "addmm": "linear",
    "convolution": "convolution",
    "bmm": "products",
    "baddbmm": "products",
    "_scaled_dot_product_flash_attention": "products",
    "_scaled_dot_product_efficient_attention": "products",
    "_scaled_dot_product_cudnn_attention": "products",
}
"""Operation -> what it belongs to; an operation that is not here counts as linear."""


@dataclass(frozen=True)
class Sample:
    """Rows that are all the same real item, `size` units of what is counted in, and the item in words."""

    rows: Callable[[int], Inputs]
    size: float
    words: str


@dataclass
class Traced:
    """What a pass did: leaves in the order called, and of each block its operations, output, and when it ended."""

    called: list[nn.Module] = field(default_factory=list)
    flops: dict[int, int] = field(default_factory=dict)
    outputs: dict[int, tuple[int, ...]] = field(default_factory=dict)
    ended: int = 0
    operations: Counter[str] = field(default_factory=Counter)

    @property
    def after(self) -> list[nn.Module]:
        """The leaves called after the highest block."""
        return self.called[self.ended :]


def sample(backbone: Backbone, *, tokens: int | None = None) -> Sample:
    """An ordinary item of what the model reads: a text of 128 tokens, an image, 10 seconds of sound.

    Args:
        backbone: Any with blocks.
        tokens: How long a text to take; by default 128, or as much as the model reads.
    """
    if backbone.modality == "text":
        # a model that reads however long a text is says 0
        usual = min(TOKENS, backbone.max_tokens or TOKENS)
        return _text(backbone, usual if tokens is None else tokens)
    return _image(backbone) if backbone.modality == "image" else _sound(backbone)


def _text(backbone: Backbone, length: int) -> Sample:
    encoded = backbone.prepare([SENTENCE * length], max_length=length)
    size = int(encoded.lengths[0])
    return Sample(lambda count: encoded.take([0] * count), size, f"a text of {size} tokens")


def _image(backbone: Backbone) -> Sample:
    from PIL import Image

    encoded = backbone.prepare([Image.new("RGB", (SIDE, SIDE), "grey")])
    height, width = next(iter(encoded.take([0]).tensors.values())).shape[-2:]
    return Sample(lambda count: encoded.take([0] * count), 1, f"an image of {width} × {height}")


def _sound(backbone: Backbone) -> Sample:
    """Ten seconds of a low tone, or fewer where they would be many frames; of Whisper, as much as it always reads."""
    import numpy as np

    processor = getattr(backbone, "processor", None)
    rate = int(getattr(processor, "sampling_rate", USUAL_RATE))

    def tone(seconds: float) -> Any:
        return backbone.prepare([np.sin(np.arange(round(seconds * rate), dtype=np.float32) * 0.05)])

    always = getattr(processor, "n_samples", None)
    per_second = max(1, int(tone(1.0).lengths[0]))
    seconds = min(SECONDS, MOST_FRAMES / per_second) if always is None else always / rate
    encoded = tone(seconds)
    return Sample(
        lambda count: encoded.take([0] * count), seconds, f"{seconds:.3g} second{'s' * (seconds != 1)} of sound"
    )


def work(backbone: Backbone, item: Sample, traced: Traced) -> Work:
    """The operations of a pass over one item, by what they belong to."""
    sums: Counter[str] = Counter()
    for name, flops in traced.operations.items():
        sums[KINDS.get(name, "linear")] += flops
    unit: Any = {"text": "token", "image": "image", "audio": "second"}[backbone.modality]
    return Work(item.words, unit, item.size, sums["linear"], sums["convolution"], sums["products"])


def watch(backbone: Backbone, item: Sample) -> Traced:
    """One pass over one row, in evaluation mode, counted by torch's own counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    traced, counter = Traced(), FlopCounterMode(display=False)
    inputs = item.rows(1)
    with contextlib.ExitStack() as stack, torch.no_grad(), _plain_products(), counter:
        # the counter would hang hooks in parameters that are handed to parts as they are
        for parameter in [one for one in backbone.module.parameters() if one.requires_grad]:
            stack.callback(parameter.requires_grad_, True)
            parameter.requires_grad_(False)
        for hook in _hooks(backbone, traced, counter.get_total_flops):
            stack.callback(hook.remove)
        backbone.states(backbone.module, inputs)
    for operation, flops in counter.get_flop_counts().get("Global", {}).items():
        traced.operations[str(operation).rpartition(".")[2]] += flops
    return traced


@contextlib.contextmanager
def _plain_products() -> Iterator[None]:
    """Attention as plain matrix products: the counter has no formula for the fused kernels of a CPU."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    was_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fast)


def _hooks(backbone: Backbone, traced: Traced, flops: Callable[[], int]) -> Iterator[Any]:
    for leaf in backbone.module.modules():
        if not list(leaf.children()):
            yield leaf.register_forward_pre_hook(partial(_came_to, traced))
    started: dict[int, int] = {}
    for number, parts in enumerate(called_parts(backbone), start=1):
        yield parts[0].register_forward_pre_hook(partial(_began, started, number, flops))
        yield parts[-1].register_forward_hook(partial(_ended, traced, started, number, flops))


def called_parts(backbone: Backbone) -> list[Sequence[nn.Module]]:
    """Of each block the modules a pass calls: itself, or of a stage that is a row of the model's layers, those."""
    inside = set(backbone.module.modules())
    return [[block] if block in inside else list(block.children()) for block in backbone.blocks]


def _came_to(traced: Traced, module: nn.Module, args: Any) -> None:
    traced.called.append(module)


def _began(started: dict[int, int], number: int, flops: Callable[[], int], module: nn.Module, args: Any) -> None:
    started[number] = flops()


def _ended(
    traced: Traced,
    started: dict[int, int],
    number: int,
    flops: Callable[[], int],
    module: nn.Module,
    args: Any,
    output: Any,
) -> None:
    import torch
    from torch.utils import _pytree as pytree

    # a block that a pass comes to more than once, as where recordings go through one by one, counts each time
    traced.flops[number] = traced.flops.get(number, 0) + flops() - started[number]
    state = next(leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, torch.Tensor))
    traced.outputs[number] = tuple(state.shape[1:])
    traced.ended = len(traced.called)
