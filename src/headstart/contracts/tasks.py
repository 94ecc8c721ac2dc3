"""What a task and a strategy are to us: the protocols of what stands on a backbone, and of how much of it moves."""

# B rows, C classes

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts.data import Field, Modality, Rows
    from headstart.contracts.models import Backbone
    from headstart.settings import FitSettings, Recipe


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

    def loss(
        self,
        output: torch.Tensor,
        targets: torch.Tensor,
        *,
        weights: torch.Tensor | None = None,
        smoothing: float = 0.0,
    ) -> torch.Tensor:
        """The loss of each row, shape (B,).

        Where the rows of a batch are mixed, as by mixup, class numbers arrive as shares of the classes, shape (B, C).
        `weights` says how heavily each class weighs, shape (C,); `smoothing` which share of a target is spread over all
        classes.
        """

    def decode(self, output: torch.Tensor, learned: Learned) -> list[Prediction]:
        """Answers in the user's own terms."""

    def metrics(self, predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
        """Figures, intervals and tables of the predictions against the truth, as `score.classification` gives them,
        and "hits": a score for each row, higher is better, by which two methods are compared row by row."""

    def baselines(self, train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
        """Predictions for `test` by methods that need no pretrained model, each fitted on `train`."""

    def to_json(self, learned: Learned) -> Any: ...

    def from_json(self, value: Any) -> Learned: ...


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

    def stages(self, backbone: Backbone, settings: FitSettings) -> tuple[int, ...]:
        """The boundaries of the stages of training, one after the other; the last is what `apply` gives."""

    def adapt(self, module: nn.Module, boundary: int, settings: FitSettings) -> nn.Module:
        """What is trained above the boundary: the task model itself, or with other weights or parts in its blocks.

        It comes with everything below the boundary frozen, and may be changed in place. What has a gradient is trained.
        """

    def settle(self, module: nn.Module) -> nn.Module:
        """The trained module in the form of the task model again, so that the ecosystem opens what is saved."""
