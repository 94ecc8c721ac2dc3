"""The values an anatomy is told in: parts, the units they repeat, layers, work, memory. Shapes and sums only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headstart.contracts import Modality

BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}
"""Of one number in each precision weights are kept in."""

Place = Literal["before", "after", "before and after"]
Shape = tuple[int, int]
"""Width in, width out."""


@dataclass(frozen=True)
class Layer:
    """A layer, or `count` of them alike one after the other; `parameters` are those of one.

    `shape` is (in, out) of linear layers and convolutions, (rows, width) of a table, else that of the weights.
    """

    kind: str
    name: str
    shape: tuple[int, ...] = ()
    kernel: tuple[int, ...] = ()
    stride: int = 1
    groups: int = 1
    parameters: int = 0
    count: int = 1


@dataclass(frozen=True)
class Attention:
    """The four products around an attention; `is_fused` where Q, K and V are one matrix of the model."""

    heads: int | None
    head_width: int | None
    query: Shape
    key: Shape
    value: Shape
    output: Shape | None
    is_fused: bool = False


@dataclass(frozen=True)
class FeedForward:
    """Up to the inner width and down again; `is_gated` where a second product of the same size gates the first."""

    width: int
    inner: int
    is_gated: bool = False


@dataclass(frozen=True)
class Unit:
    """What a block repeats `count` times, or the block itself; `parameters` are those of one."""

    kind: str
    parameters: int
    attention: Attention | None = None
    feed_forward: FeedForward | None = None
    layers: tuple[Layer, ...] = ()
    norm: str | None = None
    norm_place: Place | None = None
    """Whether the norms come before or after what they belong to, seen in a pass; only where there is attention."""
    activation: str | None = None
    count: int = 1


@dataclass(frozen=True)
class Part:
    """A run of blocks that are all alike, `first` to `last`; 0 is the stem, N + 1 what follows the blocks.

    `parameters` and `flops` are those of one block, `output` is the shape of its state for one item.
    """

    first: int
    last: int
    kind: str
    parameters: int
    units: tuple[Unit, ...] = ()
    layers: tuple[Layer, ...] = ()
    """Layers that stand in no unit: those of the stem, of what follows the blocks, and between the units."""
    flops: int = 0
    output: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many blocks."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Work:
    """Floating-point operations of one pass over one real item; a multiply-add counts as two.

    `size` is the item in units: tokens, seconds, or one image. `products` are those of attention among tokens, which
    grow with the square of the length; `linear` and `convolution` have weights on one side.
    """

    item: str
    unit: Literal["token", "image", "second"]
    size: float
    linear: int
    convolution: int
    products: int

    @property
    def total(self) -> int:
        """Of the whole pass."""
        return self.linear + self.convolution + self.products


@dataclass(frozen=True)
class File:
    """A file of the model; the size is None where the source does not say where it lies."""

    name: str
    sha256: str
    num_bytes: int | None


@dataclass(frozen=True)
class TrainingMemory:
    """What training above a boundary keeps in memory, in bytes; the head and the libraries come on top.

    `fixed` and `per_row` are what a pass keeps for the way back, whatever the batch and for each of its rows.
    """

    boundary: int
    batch_size: int
    item: str
    parameters: int
    trained: int
    fixed: int
    per_row: int

    @property
    def weights(self) -> int:
        """All of them, in float32."""
        return self.parameters * BYTES["float32"]

    @property
    def gradients(self) -> int:
        """One number for each that is trained."""
        return self.trained * BYTES["float32"]

    @property
    def moments(self) -> int:
        """The two that AdamW keeps for each number that is trained."""
        return 2 * self.trained * BYTES["float32"]

    @property
    def activations(self) -> int:
        """Kept by a pass of the whole batch."""
        return self.fixed + self.per_row * self.batch_size

    @property
    def total(self) -> int:
        """All four."""
        return self.weights + self.gradients + self.moments + self.activations


@dataclass(frozen=True)
class Anatomy:
    """A model from the stem up. `blocks` is empty for a model that cannot be trained, and then so is most else."""

    model: str
    asked: str
    source: str
    revision: str | None
    license: str | None
    ran_code: bool
    digest: str
    kind: str
    modality: Modality
    max_tokens: int
    widths: tuple[int, ...]
    parameters: int
    is_cut_at_the_ends_only: bool = False
    stem: Part | None = None
    blocks: tuple[Part, ...] = ()
    top: Part | None = None
    work: Work | None = None
    files: tuple[File, ...] = ()
    training: TrainingMemory | None = None

    @property
    def num_blocks(self) -> int:
        """How many blocks there are, alike or not."""
        return sum(part.count for part in self.blocks)

    @property
    def num_bytes(self) -> dict[str, int]:
        """The weights alone, by the precision they are kept in."""
        return {name: size * self.parameters for name, size in BYTES.items()}

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, what follows from the rest included."""
        told = dataclasses.asdict(self)
        told |= {"num_blocks": self.num_blocks, "num_bytes": self.num_bytes}
        if self.training is not None:
            told["training"] |= _sums(self.training, "weights", "gradients", "moments", "activations", "total")
        if self.work is not None:
            told["work"] |= _sums(self.work, "total")
        return told


def _sums(value: Any, *names: str) -> Mapping[str, int]:
    return {name: getattr(value, name) for name in names}
