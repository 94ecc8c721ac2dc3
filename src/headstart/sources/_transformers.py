"""A transformers folder as a backbone: its bare model, its tokenizer or image processor, its hidden states.

Shared by every source that ends in such a folder; what the folder may contain was decided in `_safety`.
"""

# B rows, T tokens, D width

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart import stack
from headstart.contracts import Encoded, Inputs, Modality, Ref
from headstart.errors import HeadstartError, MismatchError, ModelError, ModelNotFound, SettingError
from headstart.sources._encoded import EncodedImages, EncodedTexts

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

    @cached_property
    def module(self) -> nn.Module:
        """The bare model, in evaluation mode, fp32."""
        import transformers

        with _reading(self.folder):
            module, report = transformers.AutoModel.from_pretrained(
                self.folder, **_strict(), ignore_mismatched_sizes=True, output_loading_info=True
            )
        _refuse_gaps(module, report, self.folder)
        return _settled(module).eval()

    @cached_property
    def processor(self) -> Any:
        """The tokenizer or the image processor."""
        import transformers

        kind = transformers.AutoTokenizer if self.modality == "text" else transformers.AutoImageProcessor
        with _reading(self.folder):
            return kind.from_pretrained(self.folder, trust_remote_code=False, local_files_only=True)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """Bottom to top."""
        return stack.blocks_of(self.module)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Of every hidden state, seen on one small item."""
        item = "a" if self.modality == "text" else _grey_image()
        with _reading(self.folder):
            inputs = self.encode([item]).take([0])
            return tuple(pooled.shape[1] for pooled in _pooled_states(self.module, inputs))

    def encode(self, items: Sequence[Any], *, max_length: int | None = None) -> Encoded:
        """Token ids, or images to be opened when a batch needs them.

        Args:
            items: Texts; or images as paths, Pillow images or arrays (H, W, 3) of uint8.
            max_length: Longest text in tokens, special tokens included; by default what the model reads.

        Raises:
            SettingError: `max_length` leaves no room for a word, or is more than the model reads.
            ModelError: The tokenizer knows tokens that the model does not.
        """
        if self.modality != "text":
            return EncodedImages(self.processor, tuple(items))
        encoded = EncodedTexts.of(self.processor, items, limit=self._limit(max_length))
        num_known = getattr(self.module.get_input_embeddings(), "num_embeddings", None)  # type: ignore[operator]
        highest = int(encoded.ids.max(initial=0))
        if num_known is not None and highest >= num_known:
            raise ModelError(
                f'The tokenizer in "{self.folder}" gives token {highest}, and the model knows {num_known} tokens. '
                f"Put the tokenizer there that it was trained with."
            )
        return encoded

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

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every hidden state averaged over tokens or map, side by side, fp32, shape (B, sum of widths)."""
        import torch

        return torch.cat(_pooled_states(module, inputs), dim=1)

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """The ecosystem's task model, in evaluation mode.

        Args:
            auto_class: For example "AutoModelForSequenceClassification".
            names: Of the classes a fresh classifier is made for; None keeps the classifier the folder has.

        Raises:
            MismatchError: The family has no such task model.
        """
        import transformers

        named = {} if names is None else _named(names)
        with _reading(self.folder):
            try:
                module: nn.Module = getattr(transformers, auto_class).from_pretrained(self.folder, **_strict(), **named)
            except ValueError as error:
                if "Unrecognized configuration class" not in str(error):
                    raise
                raise MismatchError(f'"{self.ref}" has no {auto_class} in transformers. Choose another.') from error
        return _settled(module).eval()

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes the module and the tokenizer or processor so that plain transformers opens the folder."""
        with _quiet():
            module.save_pretrained(folder)  # type: ignore[operator]
            self.processor.save_pretrained(folder)

    def digest(self) -> str:
        """A hash over the digests of every file that decides what the model computes."""
        return hashlib.sha256(json.dumps(dict(self.ref.sha256), sort_keys=True).encode()).hexdigest()


def backbone_of(folder: Path, ref: Ref) -> TransformersBackbone:
    """The backbone in a verified folder.

    Raises:
        ModelNotFound: The folder has neither a tokenizer nor an image processor.
    """
    modality = modality_of(folder)
    if modality is None:
        raise ModelNotFound(f'"{folder}" has no tokenizer and no image processor beside its config.json.')
    return TransformersBackbone(ref, folder, modality)


def modality_of(folder: Path) -> Modality | None:
    """What a model folder reads, told by the files beside its config; None when it is not a whole model folder."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if "config.json" not in names:
        return None
    if names & {"tokenizer.json", "vocab.txt", "tokenizer_config.json", "spiece.model", "sentencepiece.bpe.model"}:
        return "text"
    return "image" if "preprocessor_config.json" in names else None


def card_license(folder: Path) -> str | None:
    """The licence a model card's front matter names."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"\A---\n.*?^license:\s*([\w.+-]+)\s*$.*?^---", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else None


def _settled(module: nn.Module) -> nn.Module:
    """The module with its weights in memory of their own, at aligned addresses.

    Weights mapped from a file lie wherever the file has them, and the last bit of a product depends on how they lie:
    a model would answer otherwise once it is saved and loaded.
    """
    for tensor in itertools.chain(module.parameters(), module.buffers()):
        tensor.data = tensor.data.clone()
    return module


def _num_positions(module: nn.Module) -> int:
    """How many tokens the model has positions for; 512 where it needs no table of them."""
    from torch import nn

    for name, part in module.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa and its kin count positions from the one after the padding's id on
            return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
    return int(getattr(module.config, "max_position_embeddings", 512))


def _pooled_states(module: nn.Module, inputs: Inputs) -> list[torch.Tensor]:
    states = module(**inputs.tensors, output_hidden_states=True).hidden_states
    return [_average(state, inputs.tensors.get("attention_mask")) for state in states]


def _average(state: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
    """The mean over real tokens (B, T, D) or over a map (B, D, H, W), in fp32."""
    import torch

    if state.ndim == 4:
        return state.mean(dim=(2, 3), dtype=torch.float32)
    if mask_BT is None:
        return state.mean(dim=1, dtype=torch.float32)
    kept_BTD = state * mask_BT.unsqueeze(-1).to(state.dtype)
    return kept_BTD.sum(dim=1, dtype=torch.float32) / mask_BT.sum(dim=1, keepdim=True)


def _grey_image() -> Any:
    from PIL import Image

    return Image.new("RGB", (64, 64), "grey")


def _named(names: Sequence[str]) -> dict[str, Any]:
    """What makes transformers replace a classifier by a fresh one for these classes."""
    id2label = dict(enumerate(names))
    label2id = {name: index for index, name in id2label.items()}
    return {"num_labels": len(names), "id2label": id2label, "label2id": label2id, "ignore_mismatched_sizes": True}


def _strict() -> dict[str, Any]:
    return {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}


def _refuse_gaps(module: nn.Module, report: Mapping[str, Any], folder: Path) -> None:
    """Stops where transformers filled gaps with random weights; above the blocks, as in a pooler, they do no harm."""
    depths, top = stack.depths(module), len(stack.blocks_of(module)) + 1
    gaps = [name for name in report["missing_keys"] if depths.get(name, top) < top]
    gaps += [name for name, *_ in report["mismatched_keys"]]
    if gaps:
        raise ModelError(
            f'The weights in "{folder}" do not fit its config.json: {len(gaps)} missing or of another shape, '
            f'such as "{min(gaps)}". Give a complete model folder.'
        )


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Turns the many ways in which transformers fails over a bad folder into one."""
    try:
        with _quiet():
            yield
    except HeadstartError:
        raise
    except Exception as error:
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …").rstrip(".: ")
        raise ModelError(
            f'The model in "{folder}" cannot be read ({reason}). '
            f"Is the download complete, and transformers as new as the model?"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences transformers' loading bars and reports."""
    from transformers.utils import logging

    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
