"""Files of `torch.save`, looked through before anything opens them: which format, which members, which pickles.

Nothing here loads a tensor. What a pickle may hold is decided in `opcodes`.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn

from headstart.errors import UnsafeModel
from headstart.sources.safety import opcodes

ZIP, PICKLE = b"PK\x03\x04", b"\x80"
FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x89HDF": "an HDF5 file",
}
TAR_AT, TAR = 257, b"ustar"
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""How files of torch before 1.6 begin: two pickles with these numbers."""

MEMBER = re.compile(
    r"data\.pkl|byteorder|version|data/\w+|\.data/serialization_id|\.format_version|\.storage_alignment"
)
"""All that torch.save puts into a zip, below its one folder."""
MOST_MEMBERS = 100_000
MOST_UNPACKED = 64 * 2**30
LARGEST_PICKLE = 256 * 2**20
HIGHEST_RATIO = 100
"""Weights shrink little when packed; a thousandfold is a bomb."""
LOCAL_HEADER = 30


def verify(path: Path) -> None:
    """Refuses a file that holds anything but tensors in dictionaries.

    Raises:
        UnsafeModel: Its format, a member or its pickle is not what torch.save writes for plain weights.
    """
    with path.open("rb") as file:
        start = file.read(TAR_AT + len(TAR))
        file.seek(0)
        foreign = next((what for mark, what in FOREIGN.items() if start.startswith(mark)), None)
        if foreign is None and start[TAR_AT:] == TAR:
            foreign = "a tar archive"
        if foreign is not None:
            _refuse(path, f"it is {foreign}, not a file of torch.save")
        # torch tells a zip by how it starts, a zip tool by how it ends; a file may be two things to the two
        if start.startswith(ZIP):
            _verify_zip(path, file)
        elif start.startswith(PICKLE):
            _verify_stacked(path, file)
        else:
            _refuse(path, "it is no file of torch.save")


def _refuse(path: Path, why: str) -> NoReturn:
    raise UnsafeModel(f"{path}: {why}. Get the weights as safetensors.")


# ------------------------------------------------------------------------------------------------------------ zip


def _verify_zip(path: Path, file: BinaryIO) -> None:
    """A zip as torch has written it since 1.6: one folder with data.pkl and a member for each storage."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(path, archive)
            with archive.open(members["data.pkl"]) as member:
                # to the end, so that the checksum is checked too
                content = member.read()
            for info in members.values():
                # refused where a member's own header has another name than the directory
                archive.open(info).close()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        _refuse(path, f"its archive is damaged ({str(error)[:80]})")
    stream = io.BytesIO(content)
    _, storages = opcodes.walk(stream, str(path))
    if stream.read(1):
        _refuse(path, "something follows its pickle")
    for storage in storages.values():
        held = members.get(f"data/{storage.key}")
        if held is None or held.file_size != storage.num_bytes:
            _refuse(path, f'storage "{storage.key}" should have {storage.num_bytes:,} bytes in it and has not')


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by their names below the one folder, each checked."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        _refuse(path, f"its archive has {len(infos):,} members, more than {MOST_MEMBERS:,}")
    for info in infos:
        _verify_member(path, info)
    tops = {info.filename.partition("/")[0] for info in infos}
    found = {info.filename.partition("/")[2]: info for info in infos}
    if len({info.filename.casefold() for info in infos}) < len(infos):
        _refuse(path, "two members of its archive have one name")
    if len(tops) != 1 or "data.pkl" not in found:
        _refuse(path, "its archive has no data.pkl in the one folder that torch.save makes")
    if odd := sorted(name for name in found if not MEMBER.fullmatch(name)):
        _refuse(path, f'torch.save writes no "{odd[0]}" for weights, and its archive has it')
    if sum(info.file_size for info in infos) > MOST_UNPACKED or found["data.pkl"].file_size > LARGEST_PICKLE:
        _refuse(path, f"its archive unpacks to more than {MOST_UNPACKED // 2**30} GiB, or its pickle to 256 MiB")
    _verify_places(path, archive, infos)
    return found


def _verify_member(path: Path, info: zipfile.ZipInfo) -> None:
    name = PurePosixPath(info.filename)
    if name.is_absolute() or ".." in name.parts or re.search(r"[\\:\x00-\x1f]", info.filename):
        _refuse(path, f'the member "{info.filename}" of its archive points out of it')
    if stat.S_ISLNK(info.external_attr >> 16):
        _refuse(path, f'the member "{info.filename}" of its archive is a symbolic link')
    if info.flag_bits & 1 or info.is_dir():
        _refuse(path, f'the member "{info.filename}" of its archive is encrypted or a folder')
    if info.file_size > HIGHEST_RATIO * max(info.compress_size, 1):
        _refuse(path, f'the member "{info.filename}" unpacks to more than {HIGHEST_RATIO} times its size')


def _verify_places(path: Path, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    """Members begin at the start of the file and none lies within another."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end or (end == 0 and info.header_offset > 0):
            _refuse(path, f'the member "{info.filename}" lies where torch.save puts none')
        end = info.header_offset + LOCAL_HEADER + len(info.filename.encode()) + info.compress_size
    if archive.comment:
        _refuse(path, "something follows its archive")


# -------------------------------------------------------------------------------------------------------- stacked


def _verify_stacked(path: Path, file: BinaryIO) -> None:
    """Five pickles and then the numbers, as torch wrote it until 1.5."""
    where = str(path)
    magic, protocol, _ = (opcodes.walk(file, where)[0] for _ in range(3))
    if (magic, protocol) != (MAGIC, PROTOCOL):
        _refuse(path, "it is a pickle and no file of torch.save")
    _, storages = opcodes.walk(file, where)
    keys, _ = opcodes.walk(file, where)
    named = isinstance(keys, list) and all(isinstance(key, str | int) for key in keys)
    if not named or sorted(map(str, keys)) != sorted(storages):
        _refuse(path, "its list of storages is not that of its tensors")
    # a count of eight bytes stands before the numbers of each
    expected = file.tell() + sum(8 + storage.num_bytes for storage in storages.values())
    if (found := path.stat().st_size) != expected:
        _refuse(path, f"it should have {expected:,} bytes and has {found:,}")
