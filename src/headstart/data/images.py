"""Images on disk: what is wrong with one, found before anything depends on it, and its pixels in one plain form.

Files are only ever read. Resizing and scaling for a model are the work of that model's own processor.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from headstart.contracts import Problem
from headstart.data.problems import Fault
from headstart.device import cores
from headstart.errors import DataError

MAX_PIXELS = 64_000_000
"""More pixels than any camera model needs; decoded they fill 256 MB, and a small file can claim many more."""

MAX_BYTES = 512 * 1024 * 1024
"""A larger file is not read at all; it would have to be held in memory whole."""

THUMB_SIZE = (9, 8)
"""Width and height of the grey miniature by which near duplicates are found; 9 columns give 8 differences."""

_EXTENSIONS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".gif": "GIF", ".bmp": "BMP",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM",
}  # fmt: skip
_ORIENTATION, _ON_ITS_SIDE = 0x0112, 5
"""EXIF's tag of how the camera was held, and the first of its values that exchange width and height."""
_SAME_FORMAT = {"MPO": "JPEG"}  # what many phones write: a JPEG with further pictures behind it
# Pillow's decoders meet broken bytes with any of these, depending on where they break.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, struct.error, zlib.error)


@dataclass(frozen=True)
class Look:
    """What one image turned out to be; `fault` is None where nothing is wrong, `thumb` where it cannot be used."""

    fault: Fault | None
    size: tuple[int, int] | None = None
    mode: str | None = None
    sha256: bytes | None = None
    thumb: npt.NDArray[np.uint8] | None = None


def has_image_name(path: str | os.PathLike[str]) -> bool:
    """Whether the file's extension is that of an image we read."""
    return os.path.splitext(os.fspath(path))[1].lower() in _EXTENSIONS


def check_image(path: str | Path) -> Problem | None:
    """What is wrong with an image file, or None.

    Errors: "image-missing", "image-empty", "image-broken" (no image, or cut short), "image-enormous" (judged by its
    header alone). Warnings: "image-misnamed" (another format than its extension says), "image-animated".
    """
    (look,) = looks([path])
    if look.fault is None:
        return None
    return Problem(look.fault.severity, look.fault.kind, f"{path}: {look.fault.said}", str(path), 1)


def size_if_known(path: str | Path | bytes) -> tuple[int, int] | None:
    """Width and height of the picture as one sees it, from the beginning of its file; None where that tells none.

    Args:
        path: Of a file, or a file's content.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(path) if isinstance(path, bytes) else path) as image:
                is_on_its_side = image.getexif().get(_ORIENTATION, 1) >= _ON_ITS_SIDE
                width, height = image.size
                return (height, width) if is_on_its_side else (width, height)
    except (*_BROKEN, Image.DecompressionBombError):
        return None


def looks(paths: Sequence[str | Path]) -> Iterator[Look]:
    """A look at each image, in order; several are decoded at a time."""
    with warnings.catch_warnings():
        # Filters are process-wide: set once around all threads. What Pillow would warn of is said by us, by file.
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(max_workers=min(8, cores())) as pool:
            yield from pool.map(_look, paths)


def _look(path: str | Path) -> Look:
    try:
        content = _content(path)
    except OSError as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        reason = "there is no such file" if missing else f"it cannot be read ({error.strerror or error})"
        return Look(Fault("image-missing" if missing else "image-unreadable", f"{reason}. Correct the path."))
    if isinstance(content, Fault):
        return Look(content)
    digest = hashlib.sha256(content).digest()
    try:
        with Image.open(BytesIO(content)) as image:
            return _decoded(image, path, digest)
    except Image.DecompressionBombError as error:
        return Look(_enormous(f"{_first_number(str(error)):,} pixels"), sha256=digest)
    except _BROKEN as error:
        return Look(_broken(error), sha256=digest)


def _content(path: str | Path) -> bytes | Fault:
    size = os.stat(path).st_size
    if size == 0:
        return Fault("image-empty", "the file holds no bytes. Replace it, or remove it.")
    if size > MAX_BYTES:
        return _enormous(f"{size:,} bytes")
    return Path(path).read_bytes()


def _decoded(image: Image.Image, path: str | Path, digest: bytes) -> Look:
    width, height = size = image.size
    if width * height > MAX_PIXELS:
        return Look(_enormous(f"{width:,} x {height:,} pixels"), size, image.mode, digest)
    fault = _oddity(image, path)
    mode = image.mode
    # Draft mode shrinks a JPEG while decoding; every byte is still read, so a file cut short is still found.
    image.draft("L", (64, 64))
    grey = _rgb(image).convert("L").resize(THUMB_SIZE, Image.Resampling.BOX)
    return Look(fault, size, mode, digest, np.asarray(grey))


def _oddity(image: Image.Image, path: str | Path) -> Fault | None:
    expected = _EXTENSIONS.get(os.path.splitext(path)[1].lower())
    found = _SAME_FORMAT.get(image.format or "", image.format)
    if expected is not None and found != expected:
        said = f"its bytes are {found}, and its name says {expected}. It is read as {found}; rename it."
        return Fault("image-misnamed", said, "warning")
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return Fault("image-animated", "it holds several frames. The first one is used.", "warning")
    return None


def _enormous(what: str) -> Fault:
    return Fault("image-enormous", f"it has {what}; at most {MAX_PIXELS:,} pixels are read. Make it smaller.")


def _first_number(text: str) -> int:
    return int(re.findall(r"\d+", text)[0])


def _broken(error: BaseException) -> Fault:
    if isinstance(error, UnidentifiedImageError):
        return Fault("image-broken", "its bytes are no image. Replace it, or remove it.")
    return Fault("image-broken", f"it is damaged or cut short ({str(error).partition(' (')[0]}). Replace it.")


def open_image(path: str | Path | bytes) -> Image.Image:
    """The picture as one sees it: RGB, turned as its EXIF data says, transparency over white, 16 bits made 8.

    Args:
        path: Of a file, or a file's content.

    Raises:
        DataError: It cannot be read.
    """
    name = "an image in memory" if isinstance(path, bytes) else path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(path) if isinstance(path, bytes) else path) as image:
                if image.size[0] * image.size[1] > MAX_PIXELS:
                    raise DataError(f"{name}: {_enormous(f'{image.size[0]:,} x {image.size[1]:,} pixels').said}")
                image.load()
                return ImageOps.exif_transpose(_rgb(image))
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: {_broken(error).said}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        above = image.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        result = Image.alpha_composite(white, above).convert("RGB")
    else:
        result = image.convert("RGB")
    if (exif := image.info.get("exif")) is not None:
        result.info["exif"] = exif
    return result


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deep greys scaled down; converting them plainly would clip every value above 255 to white."""
    values = np.asarray(image).astype(np.float64)
    top = values.max(initial=0.0)
    scale = 65535.0 if top > 255 else (255.0 if top > 1 else 1.0)
    result = Image.fromarray(np.clip(values / scale * 255.0, 0, 255).round().astype(np.uint8))
    result.info = {key: value for key, value in image.info.items() if key == "exif"}
    return result
