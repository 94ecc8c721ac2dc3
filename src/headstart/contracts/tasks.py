"""What a task and a strategy are to us: the protocols of what stands on a backbone, and of how much of it moves."""

# B rows, T tokens, C classes

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

    from headstart.contracts.data import Field, Modality, Rows
    from headstart.contracts.models import Backbone, Writing
    from headstart.heads.form import Form
    from headstart.settings import FitSettings, Recipe


Learned = Any
"""What a task learns from the training rows alone, for example the class names. JSON by `to_json`/`from_json`."""

Prediction = Mapping[str, Any]
"""One decoded prediction, JSON types only, for example {"label": "pos", "probabilities": {"neg": 0.1, "pos": 0.9}}."""

ReadAt = Literal["classifier", "layers"]
"""Where frozen features are read: what the ecosystem's classifier reads, or the pooled output of each layer."""


Per = Literal["row", "token", "place"]
"""What outputs of the network belong to: a row, each token of it, or places in a picture."""

Where = Sequence["npt.NDArray[Any]"]
"""What is covered by each token of some items, (T, 2) each, or by the inputs of some pictures; see `Inputs`."""


@dataclass(frozen=True)
class Points:
    """What stands for some rows where a model's states are judged without training.

    `truth` has a class number for each, shape (P,), or 1 where it has a label, shape (P, C); `owners` the row of each,
    counted within these rows, shape (P,). `places` says where in its row each lies: positions [first, after) of the
    states, shape (P, 2), or left, top, right, bottom as shares of what the model reads of a picture, shape (P, 4);
    None where whole rows are meant.
    """

    truth: npt.NDArray[Any]
    owners: npt.NDArray[Any]
    places: npt.NDArray[Any] | None = None


class Task(Protocol):
    """What rows look like, which layers go on top, how answers are decoded and scored."""

    aliases: tuple[str, ...]
    modality: Modality
    fields: tuple[Field, ...]
    """What is read, the content first; the truth is called "label"."""
    primary: str
    auto_class: str
    read_at: ReadAt
    per: Per
    """With "token", rows longer than the model reads are read in overlapping windows, and merged before `decode`."""
    snippet: str
    """Python for the model card that makes answers of the `logits` and `names` that `Backbone.usage` leaves."""
    config: Mapping[str, Any]
    """What config.json says for others besides the names of the classes, such as {"problem_type": "..."}."""

    def learn(self, rows: Rows) -> Learned:
        """What must be known before training, from the training split only."""

    def meets(self, learned: Learned, rows: Rows, backbone: Backbone, settings: FitSettings) -> Learned:
        """What was learnt from the training rows, with what only shows once they meet the model and the settings, such
        as a vocabulary of the model's own."""

    def names(self, learned: Learned) -> tuple[str, ...]:
        """The classes in the order of the model's outputs."""

    def items(self, rows: Rows) -> list[Any]:
        """What the backbone encodes, one an element of the rows."""

    def output(self, given: Any) -> torch.Tensor:
        """The network's output, first axis B, of what the ecosystem's class gives; `given.logits` for most."""

    def collate(self, rows: Rows, learned: Learned, where: Where | None = None) -> torch.Tensor:
        """The targets of a batch, first axis B; for those by token `where` says what each token covers."""

    def counted(self, targets: torch.Tensor) -> torch.Tensor:
        """How many targets each row has, shape (B,): the loss of a batch is the sum of losses over the sum of these."""

    def loss(
        self,
        output: torch.Tensor,
        targets: torch.Tensor,
        *,
        weights: torch.Tensor | None = None,
        smoothing: float = 0.0,
    ) -> torch.Tensor:
        """The loss of each row, shape (B,), summed over its targets where it has several.

        Where the rows of a batch are mixed, as by mixup, class numbers arrive as shares of the classes, shape (B, C).
        `weights` says how heavily each class weighs, shape (C,); `smoothing` which share of a target is spread over all
        classes.
        """

    def decode(
        self, output: Any, learned: Learned, items: Sequence[Any] = (), where: Where | None = None
    ) -> list[Prediction]:
        """Answers in the user's own terms: classes, characters, pixels, seconds.

        `output` is (N, C); by token it is one (T, C) an item, `items` are what was encoded, and `where` what each
        token covers of them, without tokens that cover nothing. By place both have an element for each item, with first
        axis of its tiles.
        """

    def settled(self, learned: Learned, answers: Callable[[], Sequence[Prediction]], rows: Rows) -> Learned:
        """What was learnt, with what can only be set once the network is trained, such as a threshold; by how it
        answers rows that it has not learnt from, which `answers` gives."""

    def metrics(self, predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, Any]:
        """Figures, intervals and tables of the predictions against the truth, as `score.classification` gives them,
        and "counts": for each row what `figure` needs of it, JSON types, by which two methods are compared."""

    def figure(self, counts: Any) -> float:
        """The primary metric, higher is better, of some rows' counts, a row perhaps several times; an array where the
        counts of all rows have one shape."""

    def columns(self, predictions: Sequence[Prediction], rows: Rows, learned: Learned) -> dict[str, list[Any]]:
        """What predictions.parquet has beside the rows; "prediction", "confidence" and "correct" among it."""

    def baselines(self, train: Rows, test: Rows, learned: Learned, *, seed: int) -> dict[str, list[Prediction]]:
        """Predictions for `test` by methods that need no pretrained model, each fitted on `train`."""

    def points(self, rows: Rows, learned: Learned, where: Where | None = None) -> Points:
        """What a model is scored by on these rows, such as words or regions; `where` is as for `collate`, with a row
        for each. Of classes by row it is the rows."""

    def to_json(self, learned: Learned) -> Any: ...

    def from_json(self, value: Any) -> Learned: ...


class PlaceTask(Task, Protocol):
    """A task whose answers belong to places of a picture; it brings the layers that stand on a plain backbone."""

    auto_classes: tuple[str, ...]
    """The ecosystem's classes for the task, tried in this order; `auto_class` is the first."""

    def layers(self, form: Form, num_classes: int) -> nn.Module:
        """Fresh layers from maps of a backbone, (B, D, H, W) each as `form.widths` and `form.strides` say, to the
        output that `loss` and `decode` read."""


class WrittenTask(Task, Protocol):
    """A task whose answers some models write, one token after the other; those are trained with the tokens before.

    Of such a model `collate` gives whole numbers, shape (B, L), negative where a row has no more tokens, `loss` takes
    logits (B, L, V), and `decode` what was written of each window of an item; see `writer.Writer`.
    """

    auto_classes: tuple[str, ...]
    """As for places; one of them may be `writer.AUTO_CLASS`."""

    def writing(self, learned: Learned) -> Writing | None:
        """How the model writes; None where it answers for each token of what it reads."""


class Strategy(Protocol):
    """How much of the stack moves."""

    def recipe(self, settings: FitSettings, task: Task) -> Recipe:
        """What to train with where the user leaves it open."""

    def needs_validation(self, settings: FitSettings, task: Task, num_rows: int) -> bool:
        """Whether it chooses by a validation split; if so one is held out of so many rows when none is given."""

    def unused(self, settings: FitSettings, task: Task) -> frozenset[str]:
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
