"""Items in, vectors out: what a pretrained model says of each text, image or recording, token by token and as a whole.

Nothing is learnt here and nothing is written; memory stays flat however many items a stream brings.
"""

# N items, T tokens, D width, H and W of a map

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from headstart import batches, kernels, memory, pool
from headstart.contracts import Backbone, Encoded, Inputs
from headstart.encoding import parts
from headstart.encoding.parts import Encoding
from headstart.errors import SettingError
from headstart.progress import Listener, silent
from headstart.sources import _ref
from headstart.train import step

if TYPE_CHECKING:
    from headstart.contracts import Indices, States

T = TypeVar("T")

CHUNK = 4096
"""Items prepared and sorted by length together: enough to fill batches evenly, few enough to be held."""
CHUNK_OF_FILES = 256
TOKENS = 2048
"""Tokens in a batch; twice as many are no faster and take a third more memory."""
GROWTH_MIB = 160
"""Memory may grow so far before what was freed is given back: no two batches are of quite the same size, and the pieces
they leave pile up."""
AGREES = 0.9999
"""Least cosine between a vector in bfloat16 and in float32 for the former to be taken unasked."""
WORTH_MEASURING = 20_000
"""Tokens from which it pays to measure whether bfloat16 is faster; less is done in float32 before that is known."""


@dataclass(frozen=True)
class Encoder:
    """A pretrained model ready to encode.

    Args:
        backbone: What encodes.
        precision: "auto", "float32" or "bfloat16"; auto measures once there is enough work, and
            takes bfloat16 where it is faster and its vectors point the same way.
        tokens: Most tokens in a batch, padding included.
    """

    backbone: Backbone
    precision: str = "auto"
    tokens: int = TOKENS
    _tuned: dict[str, torch.nn.Module] = field(default_factory=dict, repr=False, compare=False)

    def encode(
        self, items: Sequence[Any], *, layers: str = "last", states: bool = True, max_length: int | None = None
    ) -> Encoding:
        """What the model says of some items, held in memory.

        Args:
            items: Texts; images as paths, Pillow images or arrays (H, W, 3); recordings as paths or samples.
            layers: "last", "all", a number, or a range such as "3-6".
            states: Whether every token's state is kept besides the averages.
            max_length: Longest text in tokens; by default what the model reads.

        Raises:
            SettingError: There is no such layer, or the length is out of range.

        Example:
            >>> encoder = headstart.load_backbone("sentence-transformers/all-MiniLM-L6-v2")
            >>> encoder.encode(["Hello, my dog is cute"]).hidden.shape
            (1, 8, 384)
        """
        if isinstance(items, str):
            raise SettingError("One text was given where a list of texts is expected. Put it in brackets.")
        found = list(self.stream(items, layers=layers, states=states, max_length=max_length))
        if not found:
            raise SettingError("There is nothing to encode. Give at least one item.")
        return found[0] if len(found) == 1 else parts.joined(found)

    def stream(
        self,
        items: Iterable[Any],
        *,
        layers: str = "last",
        states: bool = False,
        max_length: int | None = None,
        listener: Listener = silent,
    ) -> Iterator[Encoding]:
        """The same in parts, each of a few thousand items, so that memory does not grow with their number.

        Args:
            items: As for `encode`, from anywhere.
            layers: As for `encode`.
            states: As for `encode`.
            max_length: As for `encode`.
            listener: Hears which arithmetic was taken.
        """
        chosen = _layers(layers, len(self.backbone.widths))
        size = CHUNK if self.backbone.modality == "text" else CHUNK_OF_FILES

        def prepare(chunk: list[Any]) -> Encoded:
            return self.backbone.prepare(chunk, max_length=max_length, where=states)

        dtype = None
        # the next chunk is tokenised while this one is computed
        for encoded in _one_ahead(prepare, _chunks(items, size)):
            dtype = self._dtype(encoded, listener) if dtype is None else dtype
            yield self._part(encoded, chosen, states=states, dtype=dtype)

    def _dtype(self, encoded: Encoded, listener: Listener) -> str:
        if self.precision == "auto" and int(encoded.lengths.sum()) < WORTH_MEASURING:
            return "float32"
        groups = batches.by_length(encoded.lengths, tokens=1024)
        inputs = encoded.take(groups[len(groups) // 2])

        known = (self.backbone.digest(), "encode, sums in float32")
        found = step.precision(self.precision, lambda dtype: self._states(inputs, dtype), known=known)
        if self.precision == "auto" and found.dtype == "bfloat16":
            found = self._held(found, inputs)
        listener(found.note())
        return found.dtype

    def _held(self, found: step.Precision, inputs: Inputs) -> step.Precision:
        """bfloat16 only where its vectors point where float32's do, on the rows it was measured on."""
        exact, half = (self._means(inputs, dtype) for dtype in ("float32", "bfloat16"))
        cosine = float(torch.nn.functional.cosine_similarity(exact, half).min())
        if cosine >= AGREES:
            return found
        why = f"bfloat16 would be {found.ratio:.1f} times as fast, but turns vectors (least cosine {cosine:.5f})"
        return step.Precision("float32", f"{why}: float32 is used.", found.ratio)

    def _means(self, inputs: Inputs, dtype: str) -> torch.Tensor:
        given = self._states(inputs, dtype)
        return pool.mean(given.layers[-1], given.mask_BT)

    def _states(self, inputs: Inputs, dtype: str, only: Sequence[int] | None = None) -> States:
        """What the model says of a batch; in bfloat16 only products are, for the sums of many turn vectors."""
        module = self._module(dtype)
        with torch.inference_mode(), step.arithmetic(dtype):
            return self.backbone.states(module, batches.placed(inputs), only=only)

    def _module(self, dtype: str) -> torch.nn.Module:
        """The model on this machine's kernels, made once for each arithmetic."""
        if dtype not in self._tuned:
            self._tuned[dtype] = kernels.tuned(self.backbone.module, dtype, sums="float32")
        return self._tuned[dtype]

    def _part(self, encoded: Encoded, layers: tuple[int, ...], *, states: bool, dtype: str) -> Encoding:
        """One chunk, batch by batch in the order of lengths, put back into the items' own order."""
        has_cls = self.backbone.has_cls
        self._module(dtype)  # before there are threads, each of which would make it

        def read(group: Indices) -> Encoding:
            inputs = encoded.take(group)
            given = self._states(inputs, dtype, only=layers)
            kept = [given.layers[layer] for layer in layers]
            means = tuple(pool.mean(state, given.mask_BT).cpu().numpy() for state in kept)
            # a copy: as a view it would keep the states of every token alive until the chunk is done
            cls = kept[-1][:, 0].float().cpu().clone().numpy() if has_cls else None
            if not states:
                return Encoding(layers, means, cls)
            arrays = tuple(state.float().cpu().numpy() for state in kept)
            return Encoding(layers, means, cls, arrays, *parts.tokens(inputs, given.mask_BT, arrays[0]))

        # the smallest batches come last, so that no core waits long for another at the end
        groups = batches.by_length(encoded.lengths, tokens=self.tokens)[::-1]
        order = np.argsort(np.concatenate(groups), kind="stable")
        done = []
        floor = memory.give_back()
        for part in batches.spread(read, groups):
            done.append(part)
            # larger batches take more at once, and giving back between them only costs time
            if memory.resident_mib() > floor + GROWTH_MIB * self.tokens / TOKENS:
                floor = memory.give_back()
        return parts.joined(done, order)


def load_backbone(
    ref: str, *, revision: str | None = None, offline: bool = False, trust: bool = False, precision: str = "auto"
) -> Encoder:
    """A pretrained model by its reference, ready to encode.

    Args:
        ref: A Hub id, a folder, or a reference with its scheme, such as "timm:resnet50".
        revision: Branch, tag or commit of a Hub model.
        offline: Never ask the network.
        trust: Run code that comes with the model, where it cannot be loaded without.
        precision: "auto", "float32" or "bfloat16".

    Raises:
        ModelNotFound: Nothing answers to the reference.
        UnsafeModel: The model was refused before it was read.
    """
    memory.be_frugal()
    return Encoder(_ref.load(ref, revision=revision, offline=offline, trust=trust), precision)


def _layers(asked: str, count: int) -> tuple[int, ...]:
    """The numbers of the hidden states asked for, of `count` there are."""
    if asked in ("last", "all"):
        return tuple(range(count)) if asked == "all" else (count - 1,)
    first, dash, last = asked.partition("-")
    ends = (first, last) if dash else (first, first)
    if not all(end.isdecimal() for end in ends):
        raise SettingError(f'--layers "{asked}" is not last, all, a number or a range such as 3-6.')
    numbers = tuple(range(int(ends[0]), int(ends[1]) + 1))
    if not numbers or numbers[-1] >= count:
        raise SettingError(f'--layers "{asked}": the layers are 0 to {count - 1}. Give some of them, lower first.')
    return numbers


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _one_ahead(function: Callable[[list[Any]], T], chunks: Iterator[list[Any]]) -> Iterator[T]:
    """What the function makes of each chunk; it works on the next one while the last is being used."""
    with ThreadPoolExecutor(1) as worker:
        coming = [worker.submit(function, chunk) for chunk in islice(chunks, 1)]
        while coming:
            made = coming.pop().result()
            coming += [worker.submit(function, chunk) for chunk in islice(chunks, 1)]
            yield made
