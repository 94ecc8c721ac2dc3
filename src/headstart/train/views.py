"""How a training row looks in an epoch: its picture cropped, mirrored, recoloured; a batch mixed with itself.

A view is a function of the seed, the epoch and the row alone, so that a resumed run sees what it would have seen.
"""

# B rows, C classes, H height, W width

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from headstart import windows
from headstart.contracts import Encoded, Inputs, Where
from headstart.errors import MismatchError, SettingError
from headstart.settings import OF_A_BATCH, SOUND_VIEWS
from headstart.train import hearing

if TYPE_CHECKING:
    from headstart.contracts import Indices
    from headstart.settings import FitSettings

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom."""
OF_A_PICTURE = ("crop", "flip", "color")
LEAST_AREA = 0.8
"""Share of a picture's area that a crop keeps; less cuts off what small pictures are about."""
SQUEEZE = 0.9
"""A crop is at most this much narrower or flatter than the picture."""
COLOR = 0.2
"""Brightness, contrast and saturation change by a factor of 1 ± this."""
MIXUP_ALPHA = 0.2
"""Of the Beta distribution of shares; Zhang et al., "mixup", ICLR 2018, use 0.1 to 0.4 on ImageNet."""
CUTMIX_ALPHA = 1.0
"""Yun et al., "CutMix", ICCV 2019."""


def chosen(settings: FitSettings, *, modality: str, boundary: int, per: str = "row") -> tuple[str, ...]:
    """The changes that the training rows go through; those of texts through none.

    Args:
        settings: `augment` and `cache` are read.
        modality: Of the model; only images have views.
        boundary: Of the strategy. Where everything is trained, "auto" crops images mildly, but never mirrors them,
            which would make letters and digits others, and changes the speed and hides parts of recordings. Elsewhere
            it changes nothing, so that states can be kept.
        per: What an answer belongs to; nothing is kept where that is a place.

    Raises:
        SettingError: A change is asked for that rows of this kind do not know.
    """
    if modality == "text" or settings.augment == "none":
        return ()
    if settings.augment == "auto":
        mild = ("crop",) if modality == "image" else ("speed", "mask")
        return mild if boundary == 0 or per == "place" else ()
    asked = {name.strip() for name in settings.augment.split(",")}
    known = OF_A_PICTURE + OF_A_BATCH if modality == "image" else SOUND_VIEWS
    if unknown := sorted(asked - set(known)):
        raise SettingError(f'--augment "{unknown[0]}" is not for rows of {modality}. Give some of {", ".join(known)}.')
    return tuple(name for name in known if name in asked)


def said(names: Sequence[str], *, is_cache_lost: bool) -> str:
    """What to tell the user of the changes."""
    what = "recordings" if set(names) & set(SOUND_VIEWS) else "images"
    text = f"Training {what} are changed anew in each epoch: {', '.join(names)}."
    return f"{text} So what the frozen blocks give is not kept, but computed again." if is_cache_lost else text


@dataclass(frozen=True)
class Views:
    """Training rows with their targets, as each epoch sees them.

    `targets` gives those of some items, told what each token of theirs covers where that is known: class numbers,
    shape (B,). Where rows of a batch are mixed they become shares of the `num_classes` classes, shape (B, C).
    """

    encoded: Encoded
    targets: Callable[[Indices, Where | None], torch.Tensor]
    num_classes: int
    names: tuple[str, ...] = ()
    seed: int = 0

    @cached_property
    def _owners(self) -> Indices:
        return windows.owners(self.encoded)

    def take(self, rows: Sequence[int] | Indices, epoch: int) -> tuple[Inputs, torch.Tensor]:
        """A batch of those rows with its targets, in that epoch.

        Raises:
            MismatchError: The source cannot change pictures before they are read.
        """
        rows = np.asarray(rows, dtype=np.int64)
        inputs = self._seen_in(epoch).take(rows)
        # every window of a text has the text's target
        targets = self.targets(self._owners[rows], inputs.where)
        mixers = [name for name in OF_A_BATCH if name in self.names]
        if not mixers:
            return inputs, targets
        generator = np.random.default_rng((self.seed, epoch, int(rows[0]), len(OF_A_PICTURE)))
        return mixed(inputs, targets, mixers, num_classes=self.num_classes, generator=generator)

    def _seen_in(self, epoch: int) -> Encoded:
        """The rows, each with its picture as it looks in that epoch."""
        if heard := [name for name in SOUND_VIEWS if name in self.names]:
            whole = windows.whole(self.encoded)
            return windows.over(hearing.changed(whole, heard, seed=self.seed, epoch=epoch), self.encoded)
        names = [name for name in OF_A_PICTURE if name in self.names]
        if not names:
            return self.encoded
        changed: Callable[[Any], Encoded] | None = getattr(self.encoded, "changed", None)
        if changed is None:
            raise MismatchError("This model's source does not open pictures itself. Use --augment none.")
        return changed(lambda row, image: seen(image, names, (self.seed, epoch, int(row))))


def seen(image: Any, names: Sequence[str], place: tuple[int, int, int]) -> tuple[Any, Edges]:
    """The picture as it looks at a place, which is seed, epoch and row; and where in it the edges of the view lie.

    Pictures are changed before the model's processor reads them: it has its own size, normalisation and order of
    channels, and here a colour is still a colour and a crop loses no sharpness that resizing would have kept.

    Args:
        image: Of Pillow, in RGB; not modified.
        names: Of `OF_A_PICTURE`; each draws from a generator of its own, so that one does not change the others.
        place: Where to look.

    Returns:
        The view, and its left, top, right and bottom edge in pixels of the picture, left beyond right where mirrored.
    """
    edges: Edges = (0.0, 0.0, *image.size)
    for number, name in enumerate(OF_A_PICTURE):
        if name in names:
            image, edges = _CHANGES[name](image, edges, np.random.default_rng((*place, number)))
    return image, edges


def _crop(image: Any, edges: Edges, generator: np.random.Generator) -> tuple[Any, Edges]:
    """A part of the picture at the size of the whole, for not every processor brings pictures to one size."""
    from PIL import Image

    width, height = image.size
    area, squeeze = generator.uniform(LEAST_AREA, 1), np.exp(generator.uniform(np.log(SQUEEZE), -np.log(SQUEEZE)))
    wide, high = min(1.0, np.sqrt(area * squeeze)), min(1.0, np.sqrt(area / squeeze))
    left, top = generator.uniform(0, 1 - wide) * width, generator.uniform(0, 1 - high) * height
    box = (left, top, min(width, left + wide * width), min(height, top + high * height))
    # what the edges were of is still whole, for nothing comes before a crop
    return image.resize(image.size, Image.Resampling.BILINEAR, box=box), box


def _flip(image: Any, edges: Edges, generator: np.random.Generator) -> tuple[Any, Edges]:
    from PIL import ImageOps

    if generator.random() >= 0.5:
        return image, edges
    left, top, right, bottom = edges
    return ImageOps.mirror(image), (right, top, left, bottom)


def _color(image: Any, edges: Edges, generator: np.random.Generator) -> tuple[Any, Edges]:
    from PIL import ImageEnhance

    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(generator.uniform(1 - COLOR, 1 + COLOR))
    return image, edges


_CHANGES: Mapping[str, Callable[[Any, Edges, np.random.Generator], tuple[Any, Edges]]] = {
    "crop": _crop,
    "flip": _flip,
    "color": _color,
}


def mixed(
    inputs: Inputs,
    targets: torch.Tensor,
    names: Sequence[str],
    *,
    num_classes: int,
    generator: np.random.Generator,
) -> tuple[Inputs, torch.Tensor]:
    """A batch each of whose rows holds something of another, and targets that say how much.

    Args:
        inputs: A batch of pixels, shape (B, 3, H, W).
        targets: Class numbers, shape (B,); or real numbers, which are mixed as they are.
        names: "mixup" blends two pictures, "cutmix" sets a rectangle of one into the other; of both, one is drawn.
        num_classes: C.
        generator: Where the pairs and the share come from.

    Returns:
        The batch, and shares of the classes that add up to 1, shape (B, C), fp32.

    Source: Zhang et al., "mixup", ICLR 2018, equation 1; Yun et al., "CutMix", ICCV 2019, equations 1 and 2. As in
    their code one share serves the whole batch, and of a rectangle that sticks out of the picture the rest counts.
    """
    name = names[int(generator.integers(len(names)))]
    pixels, pair = inputs.tensors["pixel_values"], torch.from_numpy(generator.permutation(len(targets)))
    if name == "mixup":
        share = float(generator.beta(MIXUP_ALPHA, MIXUP_ALPHA))
        pixels = share * pixels + (1 - share) * pixels[pair]
    else:
        inside_HW = _rectangle(pixels, float(generator.beta(CUTMIX_ALPHA, CUTMIX_ALPHA)), generator)
        share = 1 - float(inside_HW.double().mean())
        pixels = torch.where(inside_HW, pixels[pair], pixels)
    whole = targets if targets.is_floating_point() else torch.nn.functional.one_hot(targets, num_classes).float()
    shares = share * whole + (1 - share) * whole[pair]
    return Inputs({**inputs.tensors, "pixel_values": pixels}, inputs.where), shares


def _rectangle(pixels: torch.Tensor, kept: float, generator: np.random.Generator) -> torch.Tensor:
    """True within a rectangle of the share 1 - kept of the picture, its centre anywhere; shape (H, W)."""
    inside = torch.zeros(pixels.shape[-2:], dtype=torch.bool)
    spans = []
    for side in inside.shape:
        centre, length = int(generator.integers(side)), round(side * np.sqrt(1 - kept))
        start = centre - length // 2
        spans.append(slice(max(0, start), max(0, start + length)))
    inside[spans[0], spans[1]] = True
    return inside
