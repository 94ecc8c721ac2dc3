"""The settings of a fit: the only home of their defaults. The command line's options are generated from here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from headstart.errors import SettingError
from headstart.limits import (
    ABOVE_ZERO,
    COUNT,
    COUNT_OR_NONE,
    FACTOR,
    KEPT,
    PART,
    SEED,
    SHARE,
    ZERO_OR_MORE,
    choice,
    factor_or,
    limited,
    some_of,
    verify,
)


@dataclass(frozen=True)
class Recipe:
    """What to train with, a strategy's own values or what the user gave instead.

    Most epochs, peak learning rate, epochs of patience, the factor on the rate for each block further down, the least
    rate of the layer that names the classes, and how many steps it takes to learn anything, in all and for each class:
    of few rows there are as many more epochs, and as much more patience.
    """

    epochs: int
    lr: float
    patience: int
    layer_decay: float = 0.9
    classifier_lr: float = 0.0
    least_steps: int = 0
    steps_a_class: int = 0

    def over(self, num_rows: int, batch_size: int, num_classes: int = 0) -> Recipe:
        """The same for so many rows of so many classes."""
        steps, least = -(-num_rows // batch_size), max(self.least_steps, self.steps_a_class * num_classes)
        epochs = max(self.epochs, -(-least // steps))
        patience = -(-self.patience * epochs // self.epochs)
        return dataclasses.replace(self, epochs=epochs, patience=patience, least_steps=least, steps_a_class=0)


OF_THE_LOOP = frozenset(
    (
        *("epochs", "batch_size", "micro_batch", "lr", "layer_decay", "weight_decay", "schedule", "warmup"),
        *("ema", "soup", "label_smoothing", "patience", "checkpoint_steps"),
    )
)
"""Settings of the training loop; they play no part where nothing is trained by it."""
OF_LORA = frozenset({"lora_rank", "lora_alpha", "lora_dropout"})
"""Settings of adapters; they play no part where none are trained."""


OF_OUR_HEAD = frozenset({"head", "head_width", "head_dropout", "pool", "read"})
"""Settings of a head of ours; they play no part where the ecosystem's own is trained."""
OF_STATES = frozenset({"conv", "attention-pool"})
"""Heads that read every state of one layer and make one vector of them themselves."""


OF_A_BATCH = ("mixup", "cutmix")
"""Ways in which training images are mixed with each other."""
LONG = ("head-tail", "cut", "chunks")
"""What may be read of a text that is longer than the model reads."""
WINDOWS = "windows"
"""What is read of it by tasks that answer for each token: all, in parts that overlap; there is no choice."""
PAUSES = "pauses"
"""What is read of a recording by models that write: all, in parts that end where nobody speaks; there is no choice."""
PAIRED = "longest-first"
"""What is read of pairs of texts by tasks that answer for each row: both, the longer one cut; there is no choice."""
SOUND_VIEWS = ("speed", "noise", "mask")
"""How training recordings may be changed."""


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Everything that decides how a fit goes. `None` means "not given": headstart chooses and says so."""

    task: str | None = None
    """The task, for example text-classification; inferred from the data when not given."""

    columns: str | None = None
    """Column names of a header-less file ("text,label"), or renames ("text=review,label=stars")."""

    images: str | None = None
    """The folder of the pictures that a COCO file lists, where it does not lie beside the file."""
    multi_label: bool = False
    """Rows have several classes, or none: lists, one column of 0 and 1 for each class, or what --separator says; lists
    are understood without it."""

    separator: str | None = None
    """What stands between the classes of a row in one cell, such as ";"; it implies --multi-label."""

    palette: str | None = None
    """A file (JSON or TXT) that names the classes in masks by number or colour; by default one beside the data."""
    validation: str | None = None
    """A file or folder to choose with; by default part of the training rows where a choice needs it."""

    test: str | None = None
    """A file or folder to judge with; by default part of the training rows."""

    validation_size: float | None = limited(SHARE, default=None)
    """Share of the training rows held out to choose with; by default 0.1 where one is needed and none is given."""

    test_size: float = limited(SHARE, default=0.2)
    """Share of the rows held out to judge with, where none is given."""

    skip_bad_rows: bool = False
    """Go on without rows that cannot be used, and list them in rejected.jsonl."""

    model: str | None = None
    """The pretrained model: a Hub id, a folder, or a reference such as dir:PATH; by default the best one available."""

    revision: str | None = None
    """Branch, tag or commit of a Hub model; the commit it resolves to is recorded."""

    blocks: int | None = limited(COUNT, default=None)
    """Keep only so many blocks of the model, the lowest: smaller and faster, often as good; by default all."""

    offline: bool = False
    """Never ask the network; use what is on this machine."""

    trust: bool = False
    """Run code that comes with the model, where it cannot be loaded without; recorded in the run and its card."""

    strategy: str = "frozen"
    """How much of the model is trained: frozen (a head on fixed features), top (the last blocks), lora (small adapters
    on the blocks), gradual (more and more blocks), full (all), or scratch (all, from fresh weights)."""

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

    unfreeze: int | None = limited(COUNT, default=None)
    """Blocks that each stage of --strategy gradual adds to those it trains; by default half of all."""

    cache: bool = True
    """Keep on disk what the frozen part gives for each row; without, it is computed again in each epoch."""

    head: str = choice("linear", "mlp", "conv", "attention-pool", default="linear")
    """The layers put on top: linear, mlp, conv (convolutions over all states) or attention-pool (learnt attention)."""

    head_width: int | None = limited(COUNT, default=None)
    """Width within the head: of the hidden layer of mlp, the convolutions of conv, the values of attention-pool; by
    default 256, and of layers for places in images that of the finest map they read, within 64 and 256."""

    head_dropout: float = limited(KEPT, default=0.1)
    """Share of the numbers within the head that are left out in each training step."""

    pool: str = choice("auto", "mean", "cls", "max", "attention", default="auto")
    """How the states of a row become one vector: mean, cls (the first), max, or attention (a learnt average); by
    default mean, and where blocks move as the model's files say (1_Pooling), else as the ecosystem's class does."""

    read: str = "auto"
    """Which hidden layers the head reads: auto, classifier, mean, a number, or a range such as 3-6."""

    max_length: int | None = None
    """Longest input in tokens, or of recordings in seconds; by default what the model reads, and 30 seconds."""

    long: str = choice(*LONG, default="head-tail")
    """What is read of a longer text: head-tail (first and last tokens), cut (the first) or chunks (all, in parts)."""

    image_size: int | None = limited(COUNT, default=None)
    """Pixels on a side that are read of an image at once, where answers belong to places in it; by default chosen."""

    image_scale: str = factor_or("auto", "fit", default="auto")
    """Factor on the size of images whose places matter, or fit (each as large as --image-size), or auto (chosen by the
    training images); what is then larger than --image-size is read in overlapping tiles."""

    augment: str = some_of("flip", "crop", "color", *OF_A_BATCH, *SOUND_VIEWS, alone=("auto", "none"), default="auto")
    """How training rows are changed anew in each epoch: auto, none, or of images some of flip, crop, color, mixup,
    cutmix, of recordings some of speed, noise, mask."""

    vocabulary: str = choice("auto", "kept", "built", default="auto")
    """The letters of transcripts: kept (the model's own), built (from the training rows), or auto (kept where it has
    all that the rows need)."""

    spoken_language: str | None = None
    """The language of recordings, for a model that writes several: its name or its code, such as de."""

    language_model: str = "none"
    """What is known beside the sound: none, words (only those of the training rows are heard), ngram (how they follow
    each other), or a file: a list of words (.txt) or an ARPA model (.arpa)."""

    beams: int | None = limited(COUNT, default=None)
    """Texts that are followed at once while one is looked for; by default 1, and 16 with a language model."""

    epochs: int | None = limited(COUNT, default=None)
    """Most passes over the training rows; by default what suits the strategy, and more where rows are few."""

    batch_size: int = limited(COUNT, default=32)
    """Rows per training step."""

    micro_batch: int | None = limited(COUNT, default=None)
    """Most rows of a step in memory at once, by default all; a processor takes fewer; halved when memory runs out."""

    gradient_checkpointing: bool = False
    """Keep only what passes between blocks while learning, and compute the rest again: less memory, more time."""

    shard: bool = False
    """Spread weights, gradients and what the optimiser keeps over the processes of torchrun: less memory for each."""

    lr: float | None = limited(ABOVE_ZERO, default=None)
    """Peak learning rate, of a classifier on trained blocks 0.02 at least; by default what suits the strategy."""

    layer_decay: float | None = limited(FACTOR, default=None)
    """Factor on the learning rate for each block further down, 1 trains all blocks alike; by default what suits the
    strategy."""

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
    """Epochs without improvement on validation after which training stops; by default what suits strategy and rows."""

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

    tracker: str | None = None
    """Where figures are also sent while they come: tensorboard, mlflow or wandb, or several with commas."""

    seed: int = limited(SEED, default=0)
    """Seed of everything random: splits, order, new layers, dropout."""

    def __post_init__(self) -> None:
        """Raises `SettingError` for the first value that cannot be used, before anything is done with it."""
        for entry in dataclasses.fields(self):
            verify(entry, getattr(self, entry.name))
        if self.head in OF_STATES and self.pool != "auto":
            raise SettingError(
                f"--head {self.head} --pool {self.pool}: this head makes one vector of the states itself. "
                f"Leave --pool out, or take --head linear or mlp."
            )

    @property
    def reads_states(self) -> bool:
        """Whether the head reads every state of a layer, so that it is trained by the loop."""
        return self.head in OF_STATES or self.pool == "attention"

    @property
    def brings_head(self) -> bool:
        """Whether a head of ours was asked for, where the ecosystem's task model has one itself."""
        return self.head != "linear" or self.pool != "auto" or self.read not in ("auto", "classifier")

    def recipe(self, default: Recipe, num_rows: int, num_classes: int = 0) -> Recipe:
        """What to train with on so many rows: what was given, and a strategy's own values for the rest."""
        default = default.over(num_rows, self.batch_size, num_classes) if self.epochs is None else default
        own = {name: getattr(self, name) for name in ("epochs", "lr", "patience", "layer_decay")}
        return dataclasses.replace(default, **{name: value for name, value in own.items() if value is not None})
