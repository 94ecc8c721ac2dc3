"""The settings of a fit: the only home of their defaults. The command line's options are generated from here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """Most epochs, peak learning rate, epochs of patience: a strategy's own, or what the user gave instead."""

    epochs: int
    lr: float
    patience: int


def choice(*options: str, default: str) -> str:
    """A field that takes one of these values."""
    return field(default=default, metadata={"options": options})


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

    validation_size: float = 0.1
    """Share of the training rows held out to choose with, where none is given and one is needed."""

    test_size: float = 0.2
    """Share of the rows held out to judge with, where none is given."""

    skip_bad_rows: bool = False
    """Go on without rows that cannot be used, and list them in rejected.jsonl."""

    model: str | None = None
    """The pretrained model: a Hub id, a folder, or a reference such as dir:PATH; by default the best one available."""

    revision: str | None = None
    """Branch, tag or commit of a Hub model; the commit it resolves to is recorded."""

    offline: bool = False
    """Never ask the network; use what is on this machine."""

    strategy: str = "frozen"
    """How much of the model is trained: frozen (a head on fixed features) or full (everything)."""

    head: str = choice("linear", "mlp", default="linear")
    """The layers put on top of frozen features."""

    read: str = "auto"
    """Which hidden layers the head reads: auto, classifier, mean, a number, or a range such as 3-6."""

    max_length: int | None = None
    """Longest input in tokens; by default what the model reads."""

    epochs: int | None = None
    """Most passes over the training rows; by default what suits the strategy."""

    batch_size: int = 32
    """Rows per training step."""

    lr: float | None = None
    """Peak learning rate of the top of the model; by default what suits the strategy."""

    layer_decay: float = 0.9
    """Factor on the learning rate for each block further down; 1 trains all blocks alike."""

    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW, on matrices only."""

    warmup: float = 0.1
    """Share of the steps in which the learning rate rises to its peak."""

    ema: float = 0.99
    """Share of the running average of the weights that each step keeps; 0 keeps no average."""

    patience: int | None = None
    """Epochs without improvement on validation after which training stops; by default what suits the strategy."""

    precision: str = choice("auto", "float32", "bfloat16", default="auto")
    """Arithmetic while learning; auto takes bfloat16 where a short measurement shows that it pays."""

    seed: int = 0
    """Seed of everything random: splits, order, new layers, dropout."""

    def recipe(self, default: Recipe) -> Recipe:
        """What to train with: what was given, and a strategy's own values for the rest."""
        return Recipe(
            epochs=default.epochs if self.epochs is None else self.epochs,
            lr=default.lr if self.lr is None else self.lr,
            patience=default.patience if self.patience is None else self.patience,
        )
