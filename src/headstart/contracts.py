"""The protocols plug-ins fulfil, and the values that cross between rooms. Names and shapes only: nothing here computes.

A plug-in is a module whose functions carry these names; a module satisfies a protocol as an object does.
"""

# B rows, T tokens, D width, C classes, L layers

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    import torch
    from torch import nn

    from headstart.settings import FitSettings, Recipe

    Indices = npt.NDArray[np.int64]

Device = Literal["cpu", "cuda", "mps"]
Modality = Literal["text", "image", "audio"]
FieldKind = Literal["text", "label", "image"]
Severity = Literal["error", "warning", "note"]
SPLITS = ("train", "validation", "test")

# ---------------------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Field:
    """One column of a task's rows: what it is called, what its values are, and what else people call it."""

    name: str
    kind: FieldKind
    help: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The rows of one split, in Arrow, so that a million of them are not a million Python objects.

    `table` has the task's fields (string columns; an image is the path of its file) and, for messages,
    "file" (string) and "row" (int64, the first row below a header is 1; 1 for an image, whose file is the row).
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """The values of one field as Python objects; for a batch, not for a million rows."""
        return list(self.table[name].to_pylist())

    def take(self, indices: Sequence[int] | Indices) -> Rows:
        """Those rows, in that order."""
        return Rows(self.table.take(list(map(int, indices))))


@dataclass(frozen=True)
class Splits:
    """Rows to learn from, to choose with, and to judge with; `how` says in a sentence where each came from."""

    train: Rows
    validation: Rows | None
    test: Rows | None
    how: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing found wrong or noteworthy in the data. `kind` is a stable slug such as "ragged-row"."""

    severity: Severity
    kind: str
    message: str
    file: str | None = None
    row: int | None = None
    field: str | None = None


# -------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Ref:
    """Which pretrained model: what was asked for and what it turned out to be."""

    asked: str
    source: str
    name: str
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    license: str | None = None

    def __str__(self) -> str:
        return f"{self.source}:{self.name}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class Listed:
    """A model a source knows of: one line of `headstart models`."""

    ref: str
    modality: Modality
    mib: float
    is_available: bool
    license: str | None
    about: str
    rank: int = 0
    """Which to take when none is named: the highest available of the modality."""


@dataclass(frozen=True)
class Inputs:
    """A batch ready for a model: `tensors` by the model's own argument names, first axis B."""

    tensors: Mapping[str, torch.Tensor]

    def __len__(self) -> int:
        return int(next(iter(self.tensors.values())).shape[0])


class Encoded(Protocol):
    """Items turned into what a model reads, kept compact; batches are padded only when taken."""

    @property
    def lengths(self) -> Indices:
        """Cost of each row in tokens, shape (N,); an image of fixed size counts as a fixed number of them."""

    @property
    def truncated(self) -> int:
        """How many rows lost their end because the model reads no further."""

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch of those rows, padded to the longest of them."""


class Backbone(Protocol):
    """A pretrained stack of blocks over a stem, with its own tokenizer or processor.

    `module` is the bare model (what `AutoModel` gives). `blocks` run bottom to top; empty for something that
    cannot be trained. `widths` gives the width of every hidden state, the stem's output first.
    """

    @property
    def ref(self) -> Ref: ...

    @property
    def modality(self) -> Modality: ...

    @property
    def module(self) -> nn.Module: ...

    @property
    def widths(self) -> tuple[int, ...]: ...

    @property
    def blocks(self) -> Sequence[nn.Module]: ...

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text it reads, special ones included; 0 for other modalities."""

    def encode(self, items: Sequence[Any], *, max_length: int | None = None) -> Encoded:
        """Token ids or pixels of each item; text is cut at `max_length` tokens or at what the model reads."""

    def count_tokens(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """Tokens of each text, uncut and with the special ones, and how many of them are unknown, shape (N,) each."""

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every hidden state averaged over its tokens or its map, side by side, fp32, shape (B, sum of widths)."""

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """The ecosystem's own model for a task: with a new classifier for these names, or with None as it was saved."""

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes `module` and the tokenizer or processor so that plain transformers opens the folder."""

    def digest(self) -> str:
        """A hash of the weights and of everything that turns an item into their input."""


class Source(Protocol):
    """Turns references of one scheme into backbones. The file name is the scheme."""

    def load(self, name: str, *, revision: str | None, offline: bool) -> Backbone:
        """The backbone, verified; raises `ModelNotFound` or `UnsafeModel` and says what to do."""

    def listed(self) -> list[Listed]:
        """What this source knows of, without asking the network."""


# --------------------------------------------------------------------------------------------------------- tasks

Learned = Any
"""What a task learns from the training rows alone, for example the class names. JSON by `to_json`/`from_json`."""

Prediction = Mapping[str, Any]
"""One decoded prediction, JSON types only, for example {"label": "pos", "probabilities": {"neg": 0.1, "pos": 0.9}}."""

ReadAt = Literal["classifier", "layers"]
"""Where frozen features are read: what the ecosystem's classifier reads, or the pooled output of each layer."""


class Task(Protocol):
    """What rows look like, which layers go on top, how answers are decoded and scored."""

    aliases: tuple[str, ...]
    modality: Modality
    fields: tuple[Field, ...]
    """What is read, the content first; the truth is called "label"."""
    primary: str
    auto_class: str
    read_at: ReadAt

    def learn(self, rows: Rows) -> Learned:
        """What must be known before training, from the training split only."""

    def names(self, learned: Learned) -> tuple[str, ...]:
        """The classes in the order of the model's outputs."""

    def items(self, rows: Rows) -> list[Any]:
        """What the backbone encodes, one an element of the rows."""

    def collate(self, rows: Rows, learned: Learned) -> torch.Tensor:
        """The targets of a batch."""

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each row, shape (B,)."""

    def decode(self, output: torch.Tensor, learned: Learned) -> list[Prediction]:
        """Answers in the user's own terms."""

    def metrics(self, predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
        """Figures, intervals and tables of the predictions against the truth, as `score.classification` gives them,
        and "hits": a score for each row, higher is better, by which two methods are compared row by row."""

    def baselines(self, train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
        """Predictions for `test` by methods that need no pretrained model, each fitted on `train`."""

    def to_json(self, learned: Learned) -> Any: ...

    def from_json(self, value: Any) -> Learned: ...


# ---------------------------------------------------------------------------------------------------- strategies


class Strategy(Protocol):
    """How much of the stack moves."""

    recipe: Recipe
    """What to train with where the user leaves it open."""

    def needs_validation(self, settings: FitSettings) -> bool:
        """Whether it chooses by a validation split; if so one is held out when none is given."""

    def unused(self, settings: FitSettings) -> frozenset[str]:
        """Names of the settings that play no part, so that nobody believes they did."""

    def apply(self, backbone: Backbone, settings: FitSettings) -> int:
        """The boundary, counted from the bottom: 0 trains everything, 1 freezes the stem, 1 + k also the k lowest
        blocks, 1 + all of them leaves only the head to learn.

        Raises:
            MismatchError: The backbone cannot be cut there.
        """
