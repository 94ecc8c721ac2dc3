"""The settings of a fit: the only home of their defaults. The command line's options are generated from here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from headstart.errors import SettingError

T = TypeVar("T")


@dataclass(frozen=True)
class Recipe:
    """What to train with, a strategy's own values or what the user gave instead.

    Most epochs, peak learning rate, epochs of patience, and the factor on the rate for each block further down.
    """

    epochs: int
    lr: float
    patience: int
    layer_decay: float = 0.9


OF_THE_LOOP = frozenset({"epochs", "batch_size", "lr", "layer_decay", "weight_decay", "warmup", "ema", "patience"})
"""Settings of the training loop; they play no part where nothing is trained by it."""
OF_LORA = frozenset({"lora_rank", "lora_alpha", "lora_dropout"})
"""Settings of adapters; they play no part where none are trained."""


class Limit(NamedTuple):
    """The numbers a setting may have: of which kind, which of them, and both in words."""

    kind: type
    holds: Callable[[Any], bool]
    says: str


# written so that nan, for which no comparison is true, is within none of them
SHARE = Limit(Real, lambda number: 0 < number < 1, "a share between 0 and 1, such as 0.2")
PART = Limit(Real, lambda number: 0 <= number <= 1, "a share from 0 to 1")
KEPT = Limit(Real, lambda number: 0 <= number < 1, "a share from 0 to less than 1")
FACTOR = Limit(Real, lambda number: 0 < number <= 1, "a factor above 0 and at most 1")
ABOVE_ZERO = Limit(Real, lambda number: 0 < number < inf, "a number above 0")
ZERO_OR_MORE = Limit(Real, lambda number: 0 <= number < inf, "0 or a number above it")
COUNT = Limit(Integral, lambda number: number >= 1, "a whole number, 1 or more")
COUNT_OR_NONE = Limit(Integral, lambda number: number >= 0, "a whole number, 0 or more")
# NumPy's older generators, which scikit-learn draws from, take no other seeds
SEED = Limit(Integral, lambda number: 0 <= number < 2**32, "a whole number from 0 to 4294967295")


def choice(*options: str, default: str) -> str:
    """A field that takes one of these values."""
    return field(default=default, metadata={"options": options})


def limited(limit: Limit, *, default: T) -> T:
    """A field that takes a number within limits; or `None`, where that is its default."""
    return field(default=default, metadata={"limit": limit})


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Everything that decides how a fit goes. `None` means "not given": headstart chooses and says so."""

    task: str | None = None
    """The task, for example text-classification; inferred from the data when not given."""

    columns: str | None = None
    """Column names of a header-less file ("text,label"), or renames ("text=review,label=stars")."""

    validation: str | None = None
    """A file or folder to choose with; by default part of the training rows where a choice needs it."""

    test: str | None = None
    """A file or folder to judge with; by default part of the training rows."""

    validation_size: float = limited(SHARE, default=0.1)
    """Share of the training rows held out to choose with, where none is given and one is needed."""

    test_size: float = limited(SHARE, default=0.2)
    """Share of the rows held out to judge with, where none is given."""

    skip_bad_rows: bool = False
    """Go on without rows that cannot be used, and list them in rejected.jsonl."""

    model: str | None = None
    """The pretrained model: a Hub id, a folder, or a reference such as dir:PATH; by default the best one available."""

    revision: str | None = None
    """Branch, tag or commit of a Hub model; the commit it resolves to is recorded."""

    offline: bool = False
    """Never ask the network; use what is on this machine."""

    trust: bool = False
    """Run code that comes with the model, where it cannot be loaded without; recorded in the run and its card."""

    strategy: str = "frozen"
    """How much of the model is trained: frozen (a head on fixed features), top (the last blocks), lora (small adapters
    on the blocks), full (all), or scratch (all, from fresh weights)."""

    top: int | None = limited(COUNT, default=None)
    """How many blocks are trained, counted from the highest; by default 2 with --strategy top and all with lora."""

    freeze: str | None = None
    """What is left as it is, instead of --strategy: none, all, embeddings, a number of blocks from below, or the name
    of a part such as encoder.layer.3, with all below it."""

    lora_rank: int = limited(COUNT, default=8)
    """Rank of each adapter with --strategy lora."""

    lora_alpha: float | None = limited(ABOVE_ZERO, default=None)
    """Factor on what an adapter adds, divided by its rank; by default twice the rank."""

    lora_dropout: float = limited(KEPT, default=0.0)
    """Share of an adapter's inputs left out in each training step."""

    cache: bool = True
    """Keep on disk what the frozen part gives for each row; without, it is computed again in each epoch."""

    head: str = choice("linear", "mlp", default="linear")
    """The layers put on top of frozen features."""

    read: str = "auto"
    """Which hidden layers the head reads: auto, classifier, mean, a number, or a range such as 3-6."""

    max_length: int | None = None
    """Longest input in tokens; by default what the model reads."""

    epochs: int | None = limited(COUNT, default=None)
    """Most passes over the training rows; by default what suits the strategy."""

    batch_size: int = limited(COUNT, default=32)
    """Rows per training step."""

    lr: float | None = limited(ABOVE_ZERO, default=None)
    """Peak learning rate of the top of the model; by default what suits the strategy."""

    layer_decay: float | None = limited(FACTOR, default=None)
    """Factor on the learning rate for each block further down, 1 trains all blocks alike; by default what suits the
    strategy."""

    weight_decay: float = limited(ZERO_OR_MORE, default=0.01)
    """Decoupled weight decay of AdamW, on matrices only."""

    warmup: float = limited(PART, default=0.1)
    """Share of the steps in which the learning rate rises to its peak."""

    ema: float = limited(KEPT, default=0.99)
    """Share of the running average of the weights that each step keeps; 0 keeps no average."""

    patience: int | None = limited(COUNT_OR_NONE, default=None)
    """Epochs without improvement on validation after which training stops; by default what suits the strategy."""

    precision: str = choice("auto", "float32", "bfloat16", default="auto")
    """Arithmetic while learning; auto takes bfloat16 where a short measurement shows that it pays."""

    tracker: str | None = None
    """Where figures are also sent while they come: tensorboard, mlflow or wandb, or several with commas."""

    seed: int = limited(SEED, default=0)
    """Seed of everything random: splits, order, new layers, dropout."""

    def __post_init__(self) -> None:
        """Raises `SettingError` for the first value that cannot be used, before anything is done with it."""
        for entry in dataclasses.fields(self):
            _verify(entry, getattr(self, entry.name))

    def recipe(self, default: Recipe) -> Recipe:
        """What to train with: what was given, and a strategy's own values for the rest."""
        return Recipe(
            epochs=default.epochs if self.epochs is None else self.epochs,
            lr=default.lr if self.lr is None else self.lr,
            patience=default.patience if self.patience is None else self.patience,
            layer_decay=default.layer_decay if self.layer_decay is None else self.layer_decay,
        )


def _verify(entry: dataclasses.Field[Any], value: Any) -> None:
    if value is None and entry.default is None:
        return
    flag = f"--{entry.name.replace('_', '-')}"
    limit, options = entry.metadata.get("limit"), entry.metadata.get("options")
    if limit is not None and not _is_within(limit, value):
        raise SettingError(f"{flag} {value}: give {limit.says}.")
    if options is not None and value not in options:
        raise SettingError(f'{flag} "{value}": give {" or ".join(options)}.')


def _is_within(limit: Limit, value: Any) -> bool:
    return isinstance(value, limit.kind) and not isinstance(value, bool) and limit.holds(value)
