"""A transformers folder as a backbone: its bare model, its tokenizer or processor, its hidden states.

Shared by every source that ends in such a folder; what the folder may contain was decided in `model_folder`.
"""

# B rows, T tokens, D width

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import cut, pool, stack
from headstart.contracts import Encoded, Frame, Inputs, Modality, Ref, Speller, States
from headstart.errors import ModelError, ModelNotFound, SettingError
from headstart.sources import _loading, _quietly, _shorter, _timm
from headstart.sources._folder import has_weights, modality_of, pooling_of
from headstart.sources.cards import snippets, sound_snippet, writing_snippet
from headstart.sources.items import long_texts, places, sound_windows, spellers
from headstart.sources.items.compact import IN_PARTS, EncodedImages, EncodedTexts
from headstart.sources.items.frames import Frames
from headstart.sources.items.text_pairs import EncodedPairs
from headstart.windows import Windows

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts import Indices

LEAST_TOKENS = 3
"""One word between the two special tokens that most families put around a text."""


@dataclass(frozen=True)
class TransformersBackbone:
    """The contract's Backbone over a verified transformers folder; weights are read on first use."""

    ref: Ref
    folder: Path
    modality: Modality
    kept: int | None = None
    """Only so many of its blocks, the lowest; all of them where it is None."""

    @cached_property
    def module(self) -> nn.Module:
        """The bare model, in evaluation mode, fp32; of a sequence-to-sequence model the encoder."""
        return _loading.bare(self.folder, trust=self.ref.ran_code, blocks=self.kept)

    def shortened(self, blocks: int) -> TransformersBackbone:
        """The same model with only its lowest blocks.

        Raises:
            MismatchError: It has fewer, or its config does not say how many there are.
        """
        _shorter.verify(self.ref, blocks, len(self.blocks))
        if blocks == len(self.blocks):
            return self
        _shorter.overrides(self.folder, blocks)  # what cannot be made shorter is refused here, and not on first use
        return dataclasses.replace(self, kept=blocks)

    @cached_property
    def processor(self) -> Any:
        """The tokenizer, the image processor or the feature extractor."""
        return _loading.processor(self.folder, self.modality, trust=self.ref.ran_code)

    @cached_property
    def speller(self) -> Speller | None:
        """What a speech model in the folder writes with."""
        return spellers.of(self.folder) if self.modality == "audio" else None

    @property
    def is_fresh(self) -> bool:
        """Whether the folder holds a config and no weights."""
        return not has_weights(self.folder)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """Bottom to top."""
        return stack.blocks_of(self.module)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Of every hidden state, seen on one small item."""
        small = {"text": lambda: "a", "image": _grey_image, "audio": _short_hum}[self.modality]()
        with _quietly.reading(self.folder):
            inputs = self.prepare([small]).take([0])
            return tuple(state.shape[1] for state in _averages(self.states(self.module, inputs)))

    def prepare(
        self,
        items: Sequence[Any],
        *,
        max_length: int | None = None,
        where: bool = False,
        long: str = "cut",
        frame: Frame | None = None,
    ) -> Encoded:
        """Token ids; or images and recordings, to be opened when a batch needs them.

        Args:
            items: Texts, or pairs of them; images as paths, Pillow images or
                arrays (H, W, 3) of uint8; recordings as paths or as arrays of samples at the rate the model reads.
            max_length: Longest text in tokens, special tokens included; by default what the model reads. Seconds of a
                window of a recording, by default 30.
            where: Whether batches also say which characters or seconds each token covers.
            long: What is read of a longer text, see the contract.
            frame: How large pictures are read whose places matter, see the contract.

        Raises:
            SettingError: `max_length` leaves no room for a word, or is more than the model reads.
            ModelError: The tokenizer knows tokens that the model does not.
        """
        if self.modality == "image" and frame is not None:
            return places.encoded(self.processor, items, frame)
        if self.modality == "image":
            return EncodedImages(self.processor, tuple(items))
        if self.modality == "audio":
            frames = Frames.of(self.module, self.processor)
            return sound_windows.encoded(self.processor, items, frames, seconds=max_length, where=where, long=long)
        limit = self._limit(max_length)
        if items and isinstance(items[0], tuple):
            in_windows = long == "windows"
            pairs = (EncodedPairs.of if in_windows else EncodedPairs.cut)(self.processor, items, limit=limit)
            self._verify(pairs.texts)
            return Windows(pairs, pairs.owners) if in_windows else pairs
        encoded = EncodedTexts.of(self.processor, items, limit=limit, where=where, long=long)
        self._verify(encoded)
        return Windows(encoded, encoded.owners) if long in IN_PARTS else encoded

    def _verify(self, encoded: EncodedTexts) -> None:
        """That the model knows every token the tokenizer gives."""
        num_known = getattr(self.module.get_input_embeddings(), "num_embeddings", None)  # type: ignore[operator]
        highest = int(encoded.ids.max(initial=0))
        if num_known is not None and highest >= num_known:
            raise ModelError(
                f'The tokenizer in "{self.folder}" gives token {highest}, and the model knows {num_known} tokens. '
                f"Put the tokenizer there that it was trained with."
            )

    def _limit(self, asked: int | None) -> int:
        if asked is None:
            return self.max_tokens
        if not LEAST_TOKENS <= asked <= self.max_tokens:
            raise SettingError(
                f'--max-length {asked}: "{self.ref}" reads {LEAST_TOKENS} to {self.max_tokens} tokens of a text. '
                f"Give a number within them, or leave it out."
            )
        return asked

    def count_tokens(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """Tokens of each text, uncut and with the special ones, and how many of them are unknown, shape (N,) each."""
        encoded = EncodedTexts.of(self.processor, texts, limit=None)
        unknown = encoded.ids == self.processor.unk_token_id
        return encoded.lengths, np.add.reduceat(unknown.astype(np.int64), encoded.starts[:-1])

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text the model reads, special ones included; 0 for other modalities."""
        if self.modality != "text":
            return 0
        # tokenizers without a limit of their own say 1e30
        if self.processor.model_max_length < 10**6:
            return int(self.processor.model_max_length)
        return _num_positions(self.module)

    @cached_property
    def has_cls(self) -> bool:
        """Whether the first token was put there to stand for the whole item."""
        if self.modality == "text":
            mark = self.processor.cls_token_id
            return mark is not None and int(self.prepare(["a"]).take([0]).tensors["input_ids"][0, 0]) == mark
        return any(name.endswith("cls_token") for name, _ in self.module.named_parameters())

    @property
    def pooling(self) -> str | None:
        """How it was trained to make one vector of a row, where its files say so."""
        return pooling_of(self.folder)

    def states(self, module: nn.Module, inputs: Inputs, only: Sequence[int] | None = None) -> States:
        """Every hidden state of a batch, as the family defines them."""
        if self.modality == "audio":
            return Frames.of(self.module, self.processor).states(module, inputs)
        if _timm.is_wrapped(module):
            return States(_timm.states(module, inputs))
        more = _loading.of_any_size(module, inputs.tensors)
        # a list of numbers lets go of the others during the pass; older versions take it for True
        asked = True if only is None else list(only)
        given = module(**inputs.tensors, **more, output_hidden_states=asked)
        if getattr(given, "hidden_states", None) is None:  # detectors tell of those within their encoder, if of any
            return States(cut.states(module, inputs))
        return States(tuple(given.hidden_states), inputs.tensors.get("attention_mask"))

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every hidden state averaged over tokens or map, side by side, fp32, shape (B, sum of widths)."""
        import torch

        return torch.cat(_averages(self.states(module, inputs)), dim=1)

    def offers(self, auto_class: str) -> bool:
        """Whether transformers has a model of this class for the family."""
        return _loading.has_class(self.module.config, auto_class)

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """The ecosystem's task model, in evaluation mode; see `_loading.for_task`."""
        return _loading.for_task(self.folder, auto_class, names, trust=self.ref.ran_code, blocks=self.kept)

    def as_trained(self, auto_class: str) -> nn.Module | None:
        """The task model with its own classes, where the folder was saved as one and each input has one class."""
        is_whole = self.kept is None and not self.is_fresh
        if not is_whole or not _loading.was_saved_as(self.folder, self.module.config, auto_class):
            return None
        return self.task_module(auto_class, None)

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes the module and the tokenizer or processor so that plain transformers opens the folder."""
        with _quietly.quiet():
            module.save_pretrained(folder)  # type: ignore[operator]
            if self.modality == "audio":
                spellers.save(self.folder, self.processor, module, folder)
            else:
                self.processor.save_pretrained(folder)

    def usage(self, auto_class: str | None, *, max_length: int | None, long: str = "cut") -> str:
        """Python that opens a saved folder without headstart; see the contract."""
        limit = max_length or self.max_tokens
        if self.modality == "image" and _timm.is_wrapped(self.module):
            return snippets.of_timm(self.module, auto_class)
        if self.modality == "text":
            return snippets.of_texts(auto_class, limit, long=long, frame=long_texts.Frame.of(self.processor))
        if self.modality == "audio":
            frames = Frames.of(self.module, self.processor)
            if auto_class == "AutoModelForSpeechSeq2Seq":
                return writing_snippet.of_written(frames, seconds=max_length)
            return sound_snippet.of_sounds(auto_class, frames, seconds=max_length, long=long)
        return snippets.of_images(auto_class)

    def digest(self) -> str:
        """A hash over the digests of every file that decides what the model computes, and how much of it is kept."""
        told = json.dumps(dict(self.ref.sha256), sort_keys=True) + ("" if self.kept is None else f" {self.kept}")
        return hashlib.sha256(told.encode()).hexdigest()


def backbone_of(folder: Path, ref: Ref) -> TransformersBackbone:
    """The backbone in a verified folder.

    Raises:
        ModelNotFound: The folder has neither a tokenizer nor a processor.
        MissingExtra: It is one of timm's, and timm is not installed.
        UnsafeModel: It sends timm elsewhere for its weights.
    """
    modality = modality_of(folder)
    _timm.verify(folder)
    if modality is None:
        raise ModelNotFound(f'"{folder}" has no tokenizer and no processor beside its config.json.')
    return TransformersBackbone(ref, folder, modality)


def _num_positions(module: nn.Module) -> int:
    """How many tokens the model has positions for; 512 where it needs no table of them."""
    from torch import nn

    for name, part in module.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa and its kin count positions from the one after the padding's id on
            return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
    return int(getattr(module.config, "max_position_embeddings", 512))


def _averages(states: States) -> list[torch.Tensor]:
    return [pool.mean(state, states.mask_BT) for state in states.layers]


def _grey_image() -> Any:
    from PIL import Image

    return Image.new("RGB", (64, 64), "grey")


def _short_hum() -> Any:
    """Half a second of a low tone: long enough for every family's lowest layers."""
    return np.sin(np.arange(8000, dtype=np.float32) * 0.05)
