"""What a pretrained model is to us: where it came from, what it reads and gives, and the protocols of its source."""

# B rows, T tokens, D width

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch
    from torch import nn

    from headstart.contracts.data import Indices, Modality

Device = Literal["cpu", "cuda", "mps"]


@dataclass(frozen=True)
class Ref:
    """Which pretrained model: what was asked for and what it turned out to be."""

    asked: str
    source: str
    name: str
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    license: str | None = None
    ran_code: bool = False
    """Whether code that came with the model was run to load it, which only `trust` allows."""

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
    is_fresh: bool = False
    """Whether it is an architecture without weights, for training from scratch alone."""


@dataclass(frozen=True)
class Inputs:
    """A batch ready for a model: `tensors` by the model's own argument names, first axis B.

    `where` says, if it was asked for, what each token of each row covers: an array (T, 2) of characters [start, end) of
    the text, or of seconds of the recording; a special token covers nothing, (0, 0). Of a picture it says what the
    whole input covers, an array (8,): where in the picture, in its own pixels, the left, top, right and bottom edge of
    the input lie (left beyond right where it is mirrored; outside where the input is padded), the width and height of
    the picture, and those of the input.
    """

    tensors: Mapping[str, torch.Tensor]
    where: Sequence[npt.NDArray[Any]] | None = None

    def __len__(self) -> int:
        return int(next(iter(self.tensors.values())).shape[0])


@dataclass(frozen=True)
class Frame:
    """How large pictures are read whose answers belong to places in them.

    `size` is how many pixels a side of the model's input has. `scale` is the factor on a picture's own width and
    height, and what is then larger than the input is read in overlapping tiles; with None each picture is made as large
    as fits.
    """

    size: int
    scale: float | None = None


@dataclass(frozen=True)
class States:
    """Every hidden state of a batch, the stem's output first, as the family itself defines them.

    Each is (B, T, D) for tokens and frames, or (B, D, H, W) for maps. `mask_BT` is 1 where a token is real; None where
    all are.
    """

    layers: tuple[torch.Tensor, ...]
    mask_BT: torch.Tensor | None = None


@dataclass(frozen=True)
class Hidden:
    """What crosses a cut: the hidden state above the `upto` lowest blocks, and what else the upper part needs.

    `passed` is all that the block above is called with (or, above the highest, all that it gave), `shapes` what the
    parts below gave, without the numbers; both belong to `cut`.
    """

    state: torch.Tensor
    upto: int
    inputs: Inputs
    passed: Any
    shapes: Mapping[str, Any]


class Encoded(Protocol):
    """Items turned into what a model reads, kept compact; batches are padded only when taken."""

    @property
    def lengths(self) -> Indices:
        """Cost of each row in tokens, shape (N,); an image of fixed size counts as a fixed number of them."""

    @property
    def truncated(self) -> int:
        """How many items lost some of it because the model does not read so much."""

    @property
    def lost(self) -> int:
        """How many tokens or frames they lost together."""

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """A batch of those rows, padded to the longest of them."""


@dataclass(frozen=True)
class Writing:
    """How a sequence-to-sequence model writes, one token after the other.

    `before` are the tokens it is begun with, which may say in which `language`; `end` is the token behind a text,
    `most` how many tokens there may be, all of these included, and `beams` how many texts are followed at once.
    """

    before: tuple[int, ...]
    end: int
    most: int
    beams: int = 1
    language: str | None = None


class Speller(Protocol):
    """What a model that writes turns texts into, and outputs back."""

    @property
    def names(self) -> Sequence[str]:
        """Its tokens in the order of their numbers."""

    @property
    def blank(self) -> int | None:
        """The token that a CTC model writes for no letter; None of a model that writes one token after the other."""

    @property
    def unknown(self) -> int | None:
        """The token for what it has no other for."""

    def ids(self, text: str) -> Sequence[int]:
        """The numbers of the tokens of a text, special ones included where the model writes them."""

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens, without special ones."""

    def writing(self, language: str | None) -> Writing | None:
        """How it writes what is said in a language; None of a CTC model, which answers for each frame.

        Raises:
            SettingError: It knows several languages and is told none, or one that it does not know.
        """


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
        """How many tokens of a text it reads, special ones included; 0 for other modalities, and where all are read."""

    @property
    def speller(self) -> Speller | None:
        """What a speech model writes with, where it comes with that; None for any other."""

    @property
    def is_fresh(self) -> bool:
        """Whether it is an architecture alone, without weights that somebody trained."""

    @property
    def has_cls(self) -> bool:
        """Whether the first state of a row was put there to stand for the whole row, as BERT's [CLS]."""

    @property
    def pooling(self) -> str | None:
        """How it was trained to make one vector of a row, "mean", "cls" or "max", where its files say so."""

    def prepare(
        self,
        items: Sequence[Any],
        *,
        max_length: int | None = None,
        where: bool = False,
        long: str = "cut",
        frame: Frame | None = None,
    ) -> Encoded:
        """Token ids, pixels or samples of each item.

        A text of more than `max_length` tokens, or more than the model reads, is shortened: of `long`, "cut" keeps its
        first tokens, "head-tail" its first and its last, "chunks" all in several rows, "windows" all in several that
        overlap; the last two give `windows.Windows`.
        Of pairs of texts the second is read in such windows, each beside the first, and `where` is of it alone; with
        another `long` a pair is one row, and what is too much is cut off the longer text.
        With `where`, batches also say which characters or seconds each token covers. Of recordings `max_length` is in
        seconds, and only "windows" heeds it.
        With a `frame` pictures are read whole, perhaps in overlapping tiles (`windows.Windows`), none of them squeezed;
        batches then say what each input covers.
        """

    def count_tokens(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """Tokens of each text, uncut and with the special ones, and how many of them are unknown, shape (N,) each."""

    def states(self, module: nn.Module, inputs: Inputs, only: Sequence[int] | None = None) -> States:
        """Every hidden state of a batch; those that are not in `only` may be left out, None in their places."""

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every hidden state averaged over its tokens or its map, side by side, fp32, shape (B, sum of widths)."""

    def shortened(self, blocks: int) -> Backbone:
        """The same with only its lowest blocks: smaller and faster.

        Raises:
            MismatchError: It has fewer, or cannot be made shorter.
        """

    def offers(self, auto_class: str) -> bool:
        """Whether the ecosystem has a model of this class for its family, so that `task_module` gives one."""

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """The ecosystem's own model for a task: with a new classifier for these names, or with None as it was saved."""

    def as_trained(self, auto_class: str) -> nn.Module | None:
        """The ecosystem's own model of this class with the classes that it was trained to tell; None without any."""

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes `module` and the tokenizer or processor so that plain transformers opens the folder."""

    def usage(self, auto_class: str | None, *, max_length: int | None, long: str = "cut") -> str:
        """Python that opens a saved folder without headstart; it goes into the model card.

        It names `folder`, `items` and `torch`, and ends in `logits` and the classes' `names`; with None for the task's
        class in `vectors`: every hidden state averaged, a tensor (B, D) each. That line is the last, and where there
        are tokens or maps the one before it has left them in `states`, (B, T, D) or (B, D, H, W); for texts `inputs`
        has the "attention_mask". Texts are shortened as by `prepare`; of "chunks" and "windows" each window is a row,
        and `owners` has its item; of "pairs" the items are pairs, whose second text is read in windows, of
        "longest-first" pairs that are cut. Of a class whose models write it leaves `answers`, the texts.
        """

    def digest(self) -> str:
        """A hash of the weights and of everything that turns an item into their input."""


class Source(Protocol):
    """Turns references of one scheme into backbones. The file name is the scheme."""

    def load(self, name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
        """The backbone, verified; raises `ModelNotFound` or `UnsafeModel` and says what to do.

        Code that comes with a model is run only with `trust`, and then the backbone's `ref.ran_code` says so.
        """

    def listed(self) -> list[Listed]:
        """What this source knows of, without asking the network."""
