"""A TensorFlow 2 SavedModel as a backbone that is read and never trained: its one output is its only hidden state.

It runs in TensorFlow on the processor, below a head in torch. What it may contain was decided in `graphs`.

Source: "Reusable SavedModels" and "Common SavedModel APIs" (text and image) of TensorFlow Hub.
"""

# B rows, D width, S bytes of the longest text

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Encoded, Frame, Inputs, Modality, Ref, Speller, States
from headstart.errors import MismatchError, SettingError
from headstart.sources import _shorter
from headstart.sources.cards import snippets
from headstart.sources.saved_models import graphs, tensors

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts import Indices

INSIDE = "saved_model"
"""The folder within a model folder that holds the SavedModel."""


@dataclass(frozen=True)
class SavedModelBackbone:
    """The contract's Backbone over a verified SavedModel."""

    ref: Ref
    folder: Path
    called: tensors.Called

    @property
    def modality(self) -> Modality:
        """Text or image, by what the model is called with."""
        return self.called.modality

    @cached_property
    def module(self) -> nn.Module:
        """A module without parameters that runs the SavedModel."""
        return self.called.module()

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """None: it cannot be trained."""
        return ()

    @property
    def max_tokens(self) -> int:
        """0: it reads texts of any length, in its own pieces."""
        return 0

    @property
    def speller(self) -> Speller | None:
        """None: it writes nothing."""
        return None

    @property
    def is_fresh(self) -> bool:
        """Never: it came with its weights."""
        return False

    @property
    def has_cls(self) -> bool:
        """Never: there is one vector, and no tokens."""
        return False

    @property
    def pooling(self) -> str | None:
        """None: no file says."""
        return None

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Of its one output, seen on one small item."""
        item = "a" if self.modality == "text" else np.zeros((8, 8, 3), dtype=np.uint8)
        return (self.pooled(self.module, self.prepare([item]).take([0])).shape[1],)

    def prepare(
        self,
        items: Sequence[Any],
        *,
        max_length: int | None = None,
        where: bool = False,
        long: str = "cut",
        frame: Frame | None = None,
    ) -> Encoded:
        """Texts as their bytes; or images, to be opened when a batch needs them.

        With `where` or a `frame` all the same: it gives one vector for an item, and has no parts to tell of.

        Raises:
            SettingError: `max_length` was given.
        """
        if max_length is not None:
            raise SettingError(f'--max-length {max_length}: "{self.ref}" reads whole texts. Leave it out.')
        if self.modality == "text":
            return tensors.Strings(tuple(items))
        return tensors.Pictures(tuple(items), self.called.height, self.called.width)

    def count_tokens(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """What each text is likely to cost, for the pieces that the model makes of it are not to be seen."""
        return tensors.Strings(tuple(texts)).lengths, np.zeros(len(texts), dtype=np.int64)

    def states(self, module: nn.Module, inputs: Inputs, only: Sequence[int] | None = None) -> States:
        """Its one output, shape (B, D)."""
        return States((module(**inputs.tensors),))

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Its one output, fp32, shape (B, D)."""
        vectors: torch.Tensor = module(**inputs.tensors)
        return vectors

    def shortened(self, blocks: int) -> SavedModelBackbone:
        """Itself with all of its blocks; it cannot be made shorter.

        Raises:
            MismatchError: Fewer blocks are asked for, or more than there are.
        """
        _shorter.verify(self.ref, blocks, len(self.blocks), can_be_shorter=False)
        return self

    def offers(self, auto_class: str) -> bool:
        """Never: it cannot be trained."""
        return False

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """There is none.

        Raises:
            MismatchError: Always.
        """
        raise MismatchError(
            f'"{self.ref}" is a SavedModel without a task model. Use --strategy frozen, and no --read classifier.'
        )

    def as_trained(self, auto_class: str) -> nn.Module | None:
        """Never: it gives vectors."""
        return None

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes a copy of the SavedModel, and how it is called."""
        shutil.copytree(self.folder, folder / INSIDE)
        written = {"headstart": {"source": "tfhub", **self.called.to_json()}}
        (folder / "config.json").write_text(json.dumps(written, indent=1), encoding="utf-8")

    def usage(self, auto_class: str | None, *, max_length: int | None, long: str = "cut") -> str:
        """Python that opens a saved folder without headstart; see the contract."""
        return snippets.of_saved_model(self.modality, self.called.to_json())

    def digest(self) -> str:
        """A hash over every file of the SavedModel, and how images are read."""
        return graphs.digest({**self.ref.sha256, "called": json.dumps(self.called.to_json(), sort_keys=True)})


def backbone_of(folder: Path, ref: Ref, options: dict[str, Any]) -> SavedModelBackbone:
    """The backbone of a SavedModel, checked before TensorFlow loads it.

    Args:
        folder: Of the SavedModel.
        ref: Without digests, which are added.
        options: "height" and "width" of the images, where the model leaves them open.

    Raises:
        MissingExtra: TensorFlow is not installed.
        UnsafeModel: Its graphs can act on files, network or code.
        MismatchError: It is called with something else than one text or one image a row.
    """
    import dataclasses

    tensors.tensorflow()
    graphs.verify(folder)
    found = dataclasses.replace(ref, sha256=graphs.fingerprints(folder))
    return SavedModelBackbone(found, folder, tensors.called(folder, options))
