"""What a SavedModel reads, told by its bytes, so that listing models need not import TensorFlow.

Source: the wire format of protocol buffers; field numbers from saved_model.proto and meta_graph.proto of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headstart.contracts import Modality

# SavedModel.meta_graphs, MetaGraphDef.signature_def, the map's value, SignatureDef.inputs, the map's value
INPUTS = (2, 5, 2, 1, 2)
DTYPE = 2
"""TensorInfo.dtype."""
READS: dict[int, Modality] = {7: "text", 1: "image"}
"""DT_STRING and DT_FLOAT."""


def modality_of(path: Path) -> Modality | None:
    """Text or image; None where no signature has exactly one input of these, or the file is damaged."""
    try:
        kinds = {kind for info in _within(path.read_bytes(), INPUTS) for field, kind in _fields(info) if field == DTYPE}
    except (OSError, IndexError, ValueError):
        return None
    numbers = {kind for kind in kinds if isinstance(kind, int)}
    return READS.get(numbers.pop()) if len(numbers) == 1 else None


def _within(message: bytes, path: tuple[int, ...]) -> Iterator[bytes]:
    """Every message that lies at a path of field numbers."""
    if not path:
        yield message
        return
    for field, value in _fields(message):
        if field == path[0] and isinstance(value, bytes):
            yield from _within(value, path[1:])


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Field numbers with their values; numbers of fixed size are passed over."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        field, kind = key >> 3, key & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield field, value
        elif kind == 2:
            length, position = _varint(message, position)
            yield field, message[position : position + length]
            position += length
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
