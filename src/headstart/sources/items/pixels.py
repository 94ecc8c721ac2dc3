"""How an image becomes the input of a bare module: resized, its middle cut out, scaled, normalised.

The steps and their rounding are those of torchvision's usual evaluation transform, with Pillow alone.
"""

# B rows, H height, W width

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.errors import SettingError

if TYPE_CHECKING:
    import torch

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, which nearly every published image model was trained with."""


@dataclass(frozen=True)
class Pixels:
    """The shorter side becomes `resize`, the middle `size` x `size` is read, scaled to 0 … 1 and normalised."""

    size: int = 224
    resize: int = 256
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    @staticmethod
    def of(said: Mapping[str, Any]) -> Pixels:
        """From what a repository or a reference says; with a size alone, the whole middle square is read.

        Raises:
            SettingError: A name is unknown, or a value cannot be used.
        """
        try:
            numbers = {name: tuple(map(float, said[name])) for name in ("mean", "std") if name in said}
            sizes = {name: int(said[name]) for name in ("size", "resize") if name in said}
            if "size" in sizes:
                sizes.setdefault("resize", sizes["size"])
            pixels = Pixels(**sizes, **numbers)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise SettingError(f"{dict(said)} does not say how images are read ({error}). Give {KEYS}.") from error
        is_sound = 0 < pixels.size <= pixels.resize and len(pixels.mean) == len(pixels.std) == 3 and all(pixels.std)
        if set(said) - set(asdict(pixels)) or not is_sound:
            raise SettingError(f"{dict(said)} does not say how images are read. Give {KEYS}.")
        return pixels

    def __call__(self, images: Sequence[Any], return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """Pillow images in RGB as `pixel_values`, shape (B, 3, size, size)."""
        import torch

        scaled = [self._normalised(self._middle(image)) for image in images]
        return {"pixel_values": torch.from_numpy(np.stack(scaled).transpose(0, 3, 1, 2).copy())}

    def whole(self, image: Any) -> torch.Tensor:
        """All of a Pillow image in RGB at its own size, shape (3, H, W)."""
        import torch

        pixels = self._normalised(np.asarray(image, dtype=np.float32))
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())

    def _normalised(self, pixels: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """From 0 … 255, shape (H, W, 3)."""
        mean, std = (np.array(values, dtype=np.float32) for values in (self.mean, self.std))
        return (pixels / np.float32(255) - mean) / std

    def _middle(self, image: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The middle of the resized image, shape (H, W, 3), 0 … 255."""
        from PIL import Image

        shorter = min(image.size)
        width, height = (int(self.resize * side / shorter) for side in image.size)
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((width - self.size) / 2), round((height - self.size) / 2)
        return np.asarray(resized.crop((left, top, left + self.size, top + self.size)), dtype=np.float32)


KEYS = '"size" and "resize" (numbers, resize no less than size), "mean" and "std" (three numbers each, std above 0)'
