"""Pictures read whole, at their own proportions, in tiles where they are large; and what each input covers of them.

Which size and scale is the frame's business; how pixels are normalised, the model's own processor's.
"""

# M rows, B rows of a batch, S pixels on a side of an input

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headstart.contracts import Frame, Inputs
from headstart.data.images import open_image, size_if_known
from headstart.sources.items.compact import TOKENS_PER_IMAGE, opened
from headstart.sources.items.pixels import Pixels
from headstart.windows import Windows

if TYPE_CHECKING:
    import torch

    from headstart.contracts import Indices

OVERLAP = 4
"""Neighbouring tiles share at least one of so many parts of their side."""
USUAL = 224
"""Pixels on a side of the images that the cost of one is counted by."""
STEP = 32
"""The largest stride of the usual models."""
KEPT = 2
"""Pictures that stay opened, for those who ask for their tiles one after the other."""
UNCHANGED = ("do_resize", "do_center_crop", "do_pad")
"""Steps of transformers' processors that would read something else than the whole of what they are given."""
Floats = np.ndarray[Any, np.dtype[np.float64]]
Edges = tuple[float, float, float, float]
Change = Callable[[int, Any], tuple[Any, Edges]]


class Tile(NamedTuple):
    """An input: of which item, and where its upper left corner lies in the scaled picture."""

    item: int
    left: int
    top: int


def encoded(processor: Any, items: Sequence[Any], frame: Frame) -> Windows:
    """Pictures as rows of tiles.

    Args:
        processor: Of transformers, or `Pixels`; it normalises.
        items: Paths, bytes of files, Pillow images or arrays (H, W, 3) of uint8.
        frame: How large they are read.

    Raises:
        DataError: A picture cannot be opened.
    """
    sizes = np.array([_size(item) for item in items], dtype=np.int64).reshape(len(items), 2)
    tiles = [
        Tile(number, left, top)
        for number, size in enumerate(sizes)
        for width, height in [scaled(size, frame)]
        for top in starts(height, frame.size)
        for left in starts(width, frame.size)
    ]
    rows = EncodedPlaces(processor, tuple(items), frame, sizes, tuple(tiles))
    return Windows(rows, np.array([tile.item for tile in tiles], dtype=np.int64))


def scaled(size: Sequence[int] | Indices, frame: Frame) -> tuple[int, int]:
    """Width and height at which a picture of this width and height is read."""
    factor = frame.size / max(size) if frame.scale is None else frame.scale
    width, height = (max(1, round(int(side) * factor)) for side in size)
    return width, height


def starts(length: int, size: int) -> list[int]:
    """Where tiles of this size begin along a side, about evenly spread, the last one ending with the side or behind it.

    They begin at multiples of `STEP`, so that the places of their maps lie upon each other.
    """
    if length <= size:
        return [0]
    last, most = -(-(length - size) // STEP), max(1, (size - size // OVERLAP) // STEP)
    num = -(-last // most)
    return [last * number // num * STEP for number in range(num + 1)]


@dataclass(frozen=True)
class EncodedPlaces:
    """Tiles of pictures, opened and normalised batch by batch, each padded to a square on its right and below.

    `sizes` has the width and height of each item; `change` gives for a row's number and its picture the picture that is
    read, and where in the first the edges of the second lie.
    """

    processor: Any
    items: tuple[Any, ...]
    frame: Frame
    sizes: Indices
    tiles: tuple[Tile, ...]
    truncated: int = 0
    lost: int = 0
    change: Change | None = None
    shelf: _Shelf = field(default_factory=lambda: _Shelf(), compare=False, repr=False)

    def changed(self, change: Change) -> EncodedPlaces:
        """The same rows, each picture changed between being opened and being scaled."""
        return dataclasses.replace(self, change=change)

    @cached_property
    def lengths(self) -> Indices:
        """All inputs have one size and cost the same, by their area."""
        cost = max(1, round(TOKENS_PER_IMAGE * (self.frame.size / USUAL) ** 2))
        return np.full(len(self.tiles), cost, dtype=np.int64)

    def take(self, indices: Sequence[int] | Indices) -> Inputs:
        """Pixels of a batch, shape (B, 3, S, S), and what each input covers."""
        import torch

        pairs = [self._row(int(row)) for row in indices]
        return Inputs({"pixel_values": torch.stack([pixels for pixels, _ in pairs])}, [where for _, where in pairs])

    def covered(self, indices: Sequence[int] | Indices) -> list[Floats]:
        """What inputs cover where pictures are not changed; no file is opened for it."""
        return [self._where(self.tiles[int(row)]) for row in indices]

    def _row(self, row: int) -> tuple[torch.Tensor, Floats]:
        tile = self.tiles[row]
        if self.change is None:
            picture = self.shelf.get(tile.item, lambda: self._scaled(opened(self.items[tile.item]), tile.item))
            return self._pixels(picture, tile), self._where(tile)
        changed, edges = self.change(row, opened(self.items[tile.item]))
        return self._pixels(self._scaled(changed, tile.item), tile), self._where(tile, edges)

    def _scaled(self, image: Any, item: int) -> Any:
        from PIL import Image

        size = scaled(self.sizes[item], self.frame)
        return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)

    def _pixels(self, picture: Any, tile: Tile) -> torch.Tensor:
        """The tile normalised, shape (3, S, S); what lies beyond the picture is 0, the mean of all pictures."""
        import torch

        side = self.frame.size
        width, height = picture.size
        box = (tile.left, tile.top, min(width, tile.left + side), min(height, tile.top + side))
        inside = _normalised(self.processor, picture.crop(box))
        return torch.nn.functional.pad(inside, (0, side - inside.shape[2], 0, side - inside.shape[1]))

    def _where(self, tile: Tile, edges: Edges | None = None) -> Floats:
        """What a tile covers of the picture, of which, where it was changed, only what lies between the edges is seen.

        Both are maps along the axes, one after the other.
        """
        width, height = map(int, self.sizes[tile.item])
        left, top, right, bottom = edges or (0.0, 0.0, width, height)
        wide, high = scaled(self.sizes[tile.item], self.frame)
        across, down, side = (right - left) / wide, (bottom - top) / high, self.frame.size
        first, last = (left + across * tile.left, top + down * tile.top), (tile.left + side, tile.top + side)
        return np.array([*first, left + across * last[0], top + down * last[1], width, height, side, side])


class _Shelf:
    """The pictures opened last, so that the next tile of one need not open it again; several threads may ask."""

    def __init__(self) -> None:
        self.pictures: dict[int, Any] = {}
        self.lock = threading.Lock()

    def get(self, item: int, open_it: Callable[[], Any]) -> Any:
        with self.lock:
            if item not in self.pictures:
                while len(self.pictures) >= KEPT:
                    del self.pictures[next(iter(self.pictures))]
                self.pictures[item] = open_it()
            return self.pictures[item]

    def __deepcopy__(self, memo: Any) -> _Shelf:
        return _Shelf()


def _size(item: Any) -> tuple[int, int]:
    from PIL import Image

    if isinstance(item, Image.Image):
        return item.size
    if isinstance(item, np.ndarray):
        return item.shape[1], item.shape[0]
    return size_if_known(item) or open_image(item).size


def _normalised(processor: Any, picture: Any) -> torch.Tensor:
    """Pixels as the model wants them, shape (3, H, W), neither resized nor cropped."""
    if isinstance(processor, Pixels):
        return processor.whole(picture)
    if (said := getattr(processor, "data_config", None)) is not None:  # timm's
        return Pixels(mean=tuple(said["mean"]), std=tuple(said["std"])).whole(picture)
    unchanged = {name: False for name in UNCHANGED if getattr(processor, name, None) is not None}
    found: torch.Tensor = processor(images=[picture], return_tensors="pt", **unchanged)["pixel_values"][0]
    return found
