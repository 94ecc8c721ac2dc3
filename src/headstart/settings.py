"""The settings of a fit: the only home of their defaults. The command line's options are generated from here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from headstart.errors import SettingError

T = TypeVar("T")


@dataclass(frozen=True)
class Recipe:
    """Most epochs, peak learning rate, epochs of patience: a strategy's own, or what the user gave instead."""

    epochs: int
    lr: float
    patience: int


OF_THE_LOOP = frozenset(
    (
        *("epochs", "batch_size", "micro_batch", "lr", "layer_decay", "weight_decay", "schedule", "warmup"),
        *("ema", "soup", "label_smoothing", "patience", "checkpoint_steps"),
    )
)
"""Settings of the training loop; they play no part where nothing is trained by it."""


LONG = ("head-tail", "cut", "chunks")
"""What may be read of a text that is longer than the model reads."""
ONLY_FOR = {"max_length": "text", "long": "text", "augment": "image"}
"""Settings that play a part for one modality alone."""


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


def some_of(*names: str, alone: tuple[str, ...], default: str) -> str:
    """A field that takes some of these names with commas between, or one of those that stand alone."""
    return field(default=default, metadata={"names": names, "alone": alone})


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
    """How much of the model is trained: frozen (a head on fixed features), top (the last blocks), gradual (more
    and more blocks) or full (all)."""

    top: int = limited(COUNT, default=2)
    """How many blocks are trained with --strategy top, counted from the highest."""

    unfreeze: int | None = limited(COUNT, default=None)
    """Blocks that each stage of --strategy gradual adds to those it trains; by default half of all."""

    cache: bool = True
    """Keep on disk what the frozen part gives for each row; without, it is computed again in each epoch."""

    head: str = choice("linear", "mlp", default="linear")
    """The layers put on top of frozen features."""

    read: str = "auto"
    """Which hidden layers the head reads: auto, classifier, mean, a number, or a range such as 3-6."""

    max_length: int | None = None
    """Longest input in tokens; by default what the model reads."""

    long: str = choice(*LONG, default="head-tail")
    """What is read of a longer text: head-tail (first and last tokens), cut (the first) or chunks (all, in parts)."""

    augment: str = some_of("flip", "crop", "color", "mixup", "cutmix", alone=("auto", "none"), default="auto")
    """How training images are changed anew in each epoch: auto, none, or some of flip, crop, color, mixup, cutmix."""

    epochs: int | None = limited(COUNT, default=None)
    """Most passes over the training rows; by default what suits the strategy."""

    batch_size: int = limited(COUNT, default=32)
    """Rows per training step."""

    micro_batch: int | None = limited(COUNT, default=None)
    """Rows of a step that are in memory at once; by default all of them, halved whenever memory runs out."""

    lr: float | None = limited(ABOVE_ZERO, default=None)
    """Peak learning rate of the top of the model; by default what suits the strategy."""

    layer_decay: float = limited(FACTOR, default=0.9)
    """Factor on the learning rate for each block further down; 1 trains all blocks alike."""

    weight_decay: float = limited(ZERO_OR_MORE, default=0.01)
    """Decoupled weight decay of AdamW, on matrices only."""

    schedule: str = choice("linear", "cosine", default="linear")
    """How the learning rate falls after its rise."""

    warmup: float = limited(PART, default=0.1)
    """Share of the steps in which the learning rate rises to its peak."""

    ema: float = limited(KEPT, default=0.99)
    """Share of the running average of the weights that each step keeps; 0 keeps no average."""

    soup: int = limited(COUNT, default=1)
    """Epochs whose weights may be averaged at the end, the best first, as long as validation is no worse for it."""

    class_weights: str = "none"
    """Weight of each class in the loss: none, auto (the rarer the heavier), or NAME=WEIGHT,..."""

    label_smoothing: float = limited(KEPT, default=0.0)
    """Share of each target that is spread over all classes."""

    patience: int | None = limited(COUNT_OR_NONE, default=None)
    """Epochs without improvement on validation after which training stops; by default what suits the strategy."""

    budget: str | None = None
    """Most time, memory or money the run may take: 10m, 2GiB, 0.50€, or several with commas between."""

    price_per_hour: float | None = limited(ABOVE_ZERO, default=None)
    """What an hour of this machine costs, to count a budget or a cost in money."""

    checkpoint_steps: int | None = limited(COUNT, default=None)
    """Steps between checkpoints, from which an interrupted run goes on; by default five minutes and each epoch."""

    precision: str = choice("auto", "float32", "bfloat16", default="auto")
    """Arithmetic while learning; auto takes bfloat16 where a short measurement shows that it pays."""

    seeds: int = limited(COUNT, default=1)
    """Learn with so many seeds, from --seed on; the one best on validation is kept, median and range are told."""

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
        )


def idle(settings: FitSettings, unused: Iterable[str], *, modality: str) -> list[str]:
    """What to say of settings that were given and play no part, so that nobody believes they did.

    Args:
        settings: As given.
        unused: What the strategy has no use for.
        modality: Of the rows.
    """
    of_others = {name for name, only in ONLY_FOR.items() if only != modality}
    found = []
    for entry in sorted(dataclasses.fields(settings), key=lambda entry: entry.name):
        if entry.name in {*unused, *of_others} and getattr(settings, entry.name) != entry.default:
            where = f"--strategy {settings.strategy} --head {settings.head}"
            where = f"rows of {modality}" if entry.name in of_others else where
            found.append(f"--{entry.name.replace('_', '-')} plays no part with {where}.")
    return found


def _verify(entry: dataclasses.Field[Any], value: Any) -> None:
    if value is None and entry.default is None:
        return
    flag = f"--{entry.name.replace('_', '-')}"
    limit, options = entry.metadata.get("limit"), entry.metadata.get("options")
    if "names" in entry.metadata:
        _verify_names(flag, value, **entry.metadata)
    if limit is not None and not _is_within(limit, value):
        raise SettingError(f"{flag} {value}: give {limit.says}.")
    if options is not None and value not in options:
        raise SettingError(f'{flag} "{value}": give {" or ".join(options)}.')


def _verify_names(flag: str, value: Any, *, names: tuple[str, ...], alone: tuple[str, ...]) -> None:
    given = [name.strip() for name in str(value).split(",")]
    if value in alone or set(given) <= set(names):
        return
    import difflib  # not above: every command would wait for it, and only this one needs it

    unknown = next((name for name in given if name not in names), "")
    close = difflib.get_close_matches(unknown, (*names, *alone) if len(given) == 1 else names, n=1, cutoff=0.5)
    guess = f' Did you mean "{close[0]}"?' if close else ""
    raise SettingError(
        f'{flag} "{value}": give {" or ".join(alone)}, or some of {", ".join(names)} with commas between.{guess}'
    )


def _is_within(limit: Limit, value: Any) -> bool:
    return isinstance(value, limit.kind) and not isinstance(value, bool) and limit.holds(value)
