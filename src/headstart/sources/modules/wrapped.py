"""Any PyTorch module that takes pixels and gives logits or features, as a backbone.

Where the module comes from is `hub_code`'s business; what makes it a backbone is the stack, as for every other model.
"""

# B rows, D width, C classes

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart import pool, stack
from headstart.contracts import Encoded, Frame, Inputs, Modality, Ref, Speller, States
from headstart.errors import MismatchError
from headstart.sources import _shorter
from headstart.sources.cards import snippets
from headstart.sources.items import places
from headstart.sources.items.compact import EncodedImages
from headstart.sources.items.pixels import Pixels
from headstart.sources.modules import plain_modules

if TYPE_CHECKING:
    import torch
    from torch import nn

    from headstart.contracts import Indices

KEY = "headstart"
"""In the config.json of a saved folder: where the module's code is, and how it is called."""
TASK = "AutoModelForImageClassification"


@dataclass(frozen=True)
class ModuleBackbone:
    """The contract's Backbone over a module of any make.

    `origin` is JSON that says how to build the module again; `names` are the classes of the classifier it was saved
    with, if it was.
    """

    ref: Ref
    plain: plain_modules.Plain
    pixels: Pixels
    origin: Mapping[str, Any]
    modality: Modality = "image"
    max_tokens: int = 0

    @property
    def module(self) -> nn.Module:
        """The module as it was built, its answer a tensor."""
        return plain_modules.bare(self.plain)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """Bottom to top."""
        return stack.blocks_of(self.plain)

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
        """Whether the first token was put there to stand for the whole image, by the names its makers give it."""
        return any(name.endswith(("cls_token", "class_token")) for name, _ in self.plain.named_parameters())

    @property
    def pooling(self) -> str | None:
        """None: no file says."""
        return None

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Of every hidden state, seen on one image of noise."""
        import torch

        with torch.inference_mode():
            inputs = Inputs({"pixel_values": plain_modules.noise(self.pixels.size)})
            return tuple(pool.mean(state, None).shape[1] for state in self.states(self.module, inputs).layers)

    def prepare(
        self,
        items: Sequence[Any],
        *,
        max_length: int | None = None,
        where: bool = False,
        long: str = "cut",
        frame: Frame | None = None,
    ) -> Encoded:
        """Images as paths, Pillow images or arrays (H, W, 3) of uint8, to be opened when a batch needs them."""
        if frame is not None:
            return places.encoded(self.pixels, items, frame)
        return EncodedImages(self.pixels, tuple(items))

    def count_tokens(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """Never asked of a model that reads images."""
        raise MismatchError(f'"{self.ref}" reads images, not texts. Choose another model.')

    def states(self, module: nn.Module, inputs: Inputs, only: Sequence[int] | None = None) -> States:
        """What enters the lowest block and what each block gives; maps with their channels first."""
        found = zip(plain_modules.states(module, inputs), self._channels_last, strict=True)
        return States(tuple(state.permute(0, 3, 1, 2) if is_last else state for state, is_last in found))

    @cached_property
    def _channels_last(self) -> tuple[bool, ...]:
        return plain_modules.channels_last(self.module, self.pixels.size)

    def pooled(self, module: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Every hidden state averaged over tokens or map, side by side, fp32, shape (B, sum of widths)."""
        import torch

        return torch.cat([pool.mean(state, None) for state in self.states(module, inputs).layers], dim=1)

    def shortened(self, blocks: int) -> ModuleBackbone:
        """Itself with all of its blocks; it cannot be made shorter.

        Raises:
            MismatchError: Fewer blocks are asked for, or more than there are.
        """
        _shorter.verify(self.ref, blocks, len(self.blocks), can_be_shorter=False)
        return self

    def offers(self, auto_class: str) -> bool:
        """Whether it serves that class's task."""
        return auto_class == TASK

    def task_module(self, auto_class: str, names: Sequence[str] | None) -> nn.Module:
        """A copy whose last linear layer is a fresh one for these names, or that ends in one more if it gives features.

        Raises:
            MismatchError: Another task than image classification is asked for.
        """
        if auto_class != TASK:
            raise MismatchError(f'"{self.ref}" is a plain module and serves image classification only. Choose another.')
        module = copy.deepcopy(self.plain)
        return module if names is None else plain_modules.renewed(module, names, size=self.pixels.size)

    def as_trained(self, auto_class: str) -> nn.Module | None:
        """A copy as it is, where it ends in a classifier."""
        is_classifier = auto_class == TASK and self.plain.config.num_labels > 1
        return self.task_module(auto_class, None) if is_classifier else None

    def save(self, module: nn.Module, folder: Path) -> None:
        """Writes the weights, and where the code is that they belong to; never the code."""
        from safetensors.torch import save_file

        assert isinstance(module, plain_modules.Plain), "what this backbone gave"
        # a copy of each, because safetensors stores no two names for one memory
        weights = plain_modules.weights(module)
        tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        written = {
            KEY: {**self.origin, "input": asdict(self.pixels), "classifier": module.classifier},
            "label_names": list(module.config.names),
        }
        (folder / "config.json").write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")

    def usage(self, auto_class: str | None, *, max_length: int | None, long: str = "cut") -> str:
        """Python that opens a saved folder without headstart; see the contract."""
        reads = asdict(self.pixels)
        if auto_class is not None:
            return snippets.of_module(self.origin, reads)
        return snippets.of_states(self.module, self.origin, reads, self._channels_last)

    def digest(self) -> str:
        """A hash over the weights, the code and the preparation of images."""
        ingredients = [dict(self.ref.sha256), asdict(self.pixels)]
        return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()
