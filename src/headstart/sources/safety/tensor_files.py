"""safetensors files, looked through before any library opens them: headers, offsets, and numbers that are none.

The format is simple enough to be checked in full: eight bytes of length, a JSON header, and the numbers end to end.
Source: the format's description in the README of huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from headstart.errors import ModelError, UnsafeModel

INDEX = "model.safetensors.index.json"
LARGEST_HEADER = 100_000_000
"""As in the library."""
ITEM_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
NO_NUMBER: dict[str, tuple[str, int]] = {
    "F8_E5M2": ("<u1", 0x7C),
    "F8_E4M3": ("<u1", 0x7F),
    "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80),
    "F32": ("<u4", 0x7F80_0000),
    "C64": ("<u4", 0x7F80_0000),
    "F64": ("<u8", 0x7FF0_0000_0000_0000),
}
"""The bits of the exponent: where all of them are set, there is an infinity or no number (IEEE 754)."""
CHUNK = 2**24
METADATA = "__metadata__"


@dataclass(frozen=True)
class Tensor:
    """An entry of a header: [begin, end) are bytes after it."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def verify(path: Path, *, shown: Path | None = None) -> dict[str, Tensor]:
    """What is in a file of weights, after checking that it is all there, in order, and made of numbers.

    Args:
        path: A safetensors file.
        shown: What to call it in an error, if it was made from another.

    Raises:
        UnsafeModel: The header is built to mislead a reader.
        ModelError: The file is damaged, or a weight is NaN or infinite.
    """
    shown = path if shown is None else shown
    with path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            _damaged(shown, f"the header should have {length:,} bytes and the file has {size:,}")
        if length > LARGEST_HEADER:
            _refuse(shown, f"the header has {length:,} bytes, more than {LARGEST_HEADER:,}")
        tensors = _tensors(shown, _header(shown, file.read(length)))
        _verify_places(shown, tensors, size - 8 - length)
        for name, tensor in tensors.items():
            file.seek(8 + length + tensor.begin)
            if count := _num_odd(file, tensor):
                raise ModelError(
                    f'The weights in "{shown}" are damaged: {count:,} numbers of "{name}" are NaN or infinite. '
                    f"Get another copy."
                )
    return tensors


def _damaged(path: Path, why: str) -> NoReturn:
    raise ModelError(f'The weights in "{path}" cannot be read ({why}). Is the download complete?')


def _refuse(path: Path, why: str) -> NoReturn:
    raise UnsafeModel(f'The weights in "{path}" are refused: {why}. Use another model.')


def _header(path: Path, content: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key in found if sum(key == other for other, _ in pairs) > 1)
            _refuse(path, f'the header has "{twice}" twice')
        return found

    try:
        header = json.loads(content.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        _damaged(path, f"the header is no JSON: {str(error)[:80]}")
    if not isinstance(header, dict):
        _damaged(path, "the header is no JSON object")
    return header


def _tensors(path: Path, header: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: _tensor(path, name, entry) for name, entry in header.items() if name != METADATA}


def _tensor(path: Path, name: str, entry: Any) -> Tensor:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if len(entry) == 3:
            tensor = Tensor(dtype, tuple(shape), begin, end)
        case _:
            _refuse(path, f'the header says of "{name}" something else than dtype, shape and data_offsets')
    if dtype not in ITEM_BYTES:
        _refuse(path, f'"{name}" has the unknown dtype "{dtype}"')
    if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        _refuse(path, f'the sizes of "{name}" are not whole numbers')
    if math.prod(shape) * ITEM_BYTES[dtype] != end - begin:
        _refuse(
            path, f'"{name}" of shape {shape} and dtype {dtype} does not fill the {end - begin:,} bytes it is given'
        )
    return tensor


def _verify_places(path: Path, tensors: Mapping[str, Tensor], num_bytes: int) -> None:
    """Every byte belongs to one tensor."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda one: (one[1].begin, one[1].end)):
        if tensor.begin != end:
            _refuse(path, f'"{name}" begins at byte {tensor.begin:,}, and the tensor before it ends at {end:,}')
        end = tensor.end
    if end > num_bytes:
        _damaged(path, f"there should be {end:,} bytes of numbers and there are {num_bytes:,}")
    if end < num_bytes:
        _refuse(path, f"{num_bytes - end:,} bytes at its end belong to no tensor")


def _num_odd(file: BinaryIO, tensor: Tensor) -> int:
    """How many of a tensor's numbers are NaN or infinite; the file stands where it begins."""
    if tensor.dtype not in NO_NUMBER:
        return 0
    kind, exponent = NO_NUMBER[tensor.dtype]
    odd = 0
    for start in range(tensor.begin, tensor.end, CHUNK):
        bits = np.frombuffer(file.read(min(CHUNK, tensor.end - start)), dtype=kind)
        mask = bits.dtype.type(exponent)
        odd += int(np.count_nonzero((bits & mask) == mask))
    return odd


def verify_all(folder: Path) -> None:
    """Checks every safetensors file at the top of a folder, and that the index of a sharded model stays within it.

    Raises:
        UnsafeModel: A file, or where the index points, is built to mislead.
        ModelError: A file is damaged or missing.
    """
    found = {path.name: verify(path) for path in sorted(folder.glob("*.safetensors")) if path.is_file()}
    index = folder / INDEX
    if index.is_file():
        for name, file in weight_map(index).items():
            if name not in found.get(file, {}):
                _damaged(index, f'"{name}" should be in {file} and is not')


def weight_map(index: Path) -> dict[str, str]:
    """Tensor -> file beside the index, as it says.

    Raises:
        UnsafeModel: It names a file somewhere else.
        ModelError: It does not say.
    """
    try:
        content = json.loads(index.read_bytes())
    except (ValueError, RecursionError) as error:
        _damaged(index, f"it is no JSON: {str(error)[:80]}")
    files = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        _damaged(index, 'it has no "weight_map"')
    for name, file in files.items():
        if not isinstance(file, str) or file in ("", ".", "..") or set(file) & set("/\\:\0"):
            raise UnsafeModel(f'{index}: "{name}" should be in "{file}", which is not beside it. Use another model.')
    return files
