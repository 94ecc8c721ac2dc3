"""The make-believe stack sees what torch saves as it is, and refuses whatever else a pickle says, without a slip."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pickles
import pytest
import torch

from headstart.errors import UnsafeModel
from headstart.sources.safety import archives, opcodes
from headstart.sources.safety.opcodes import Made, Storage

ORDERED = b"ccollections\nOrderedDict\n)R"
STORAGE = b"(" + pickles.text("storage") + b"ctorch\n%b\n" + pickles.text("0") + pickles.text("cpu") + b"K\x04tQ"
FLOATS, INTS = STORAGE % b"FloatStorage", STORAGE % b"IntStorage"
TENSOR = b"ctorch._utils\n_rebuild_tensor\n("
NOT_A_FUNCTION = "calls something that is not a function for tensors"
REFUSED = {
    "nothing to stop on": (b"\x80\x02", "cannot be read"),
    "nothing at all": (b"", "cannot be read"),
    "an empty stack": (b"\x80\x020.", "opcode POP"),
    "a tuple without a mark": (b"\x80\x02t.", "malformed at TUPLE"),
    "a memo never written": (b"\x80\x02h\x07.", "malformed at BINGET"),
    "a call of a text": (b"\x80\x02" + pickles.text("os") + b")R.", NOT_A_FUNCTION),
    "a call of a storage's kind": (b"\x80\x02ctorch\nFloatStorage\n)R.", NOT_A_FUNCTION),
    "a call with a list": (b"\x80\x02ccollections\nOrderedDict\n]R.", NOT_A_FUNCTION),
    "a parameter of a text": (
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nX\x01\x00\x00\x00a\x85R.",
        "makes a parameter",
    ),
    "a tensor of a text": (b"\x80\x02" + TENSOR + b"K\x00K\x00))tR.", "reaches beyond its storage"),
    "a tensor of uneven strides": (b"\x80\x02" + TENSOR + FLOATS + b"K\x00K\x01\x85)tR.", "reaches beyond its storage"),
    "a tensor of a text's length": (
        b"\x80\x02" + TENSOR + FLOATS + b"K\x00N\x85N\x85tR.",
        "reaches beyond its storage",
    ),
    "an append to a dictionary": (b"\x80\x02}K\x01a.", "appends to something that is not a list"),
    "items of a list": (b"\x80\x02]K\x01K\x02s.", "sets items of something that is not a dictionary"),
    "many items of a list": (b"\x80\x02](K\x01K\x02u.", "sets items of something that is not a dictionary"),
    "the state of a dictionary": (b"\x80\x02}}b.", "opcode BUILD"),
    "a text for a state": (b"\x80\x02" + ORDERED + b"K\x01b.", "opcode BUILD"),
    "a storage of two kinds": (b"\x80\x02(" + FLOATS + INTS + b"t.", "reads one storage as two kinds of numbers"),
    "a storage of less than nothing": (
        b"\x80\x02" + FLOATS.replace(b"K\x04", b"J\xff\xff\xff\xff") + b".",
        "not a storage",
    ),
    "bytes of protocol 3": (b"\x80\x03C\x01a.", "opcode SHORT_BINBYTES"),
    "a text longer than the file": (b"\x80\x02X\xff\xff\xff\x7fa.", "cannot be read"),
}


def walked(content: bytes) -> object:
    return opcodes.walk(io.BytesIO(content), "file")[0]


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_weights_never_say_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(UnsafeModel) as refused:
        walked(content)
    assert says in str(refused.value)


def test_a_pickle_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcodes, "MOST_OPCODES", 10)
    with pytest.raises(UnsafeModel, match="more than 10 opcodes"):
        walked(b"\x80\x02" + b"N" * 20 + b".")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x80\x02}.", Made("dict")),
        (b"\x80\x02" + ORDERED + b"}b.", Made("OrderedDict")),
        (b"\x80\x02](K\x01K\x02eK\x03a.", [1, 2, 3]),
        (b"\x80\x02\x8f.", Made("set")),
        (b"\x80\x02(\x88\x89Nt.", (True, False, None)),
        (b"\x80\x02K\x01\x85q\x00h\x00\x86.", ((1,), (1,))),
        (b"\x80\x02" + FLOATS + b".", Storage("0", "torch FloatStorage", 4)),
        (b"\x80\x02" + TENSOR + FLOATS + b"K\x00K\x02K\x02\x86K\x02K\x01\x86tR.", Made("tensor")),
        (b"\x80\x02ctorch\ndevice\nX\x03\x00\x00\x00cpu\x85R.", Made("device")),
    ],
    ids=["dictionary", "state", "list", "set", "constants", "memo", "storage", "tensor", "device"],
)
def test_what_weights_say_is_seen(content: bytes, expected: object) -> None:
    assert walked(content) == expected


def test_the_storages_of_a_file_are_those_that_torch_wrote(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3), "b": torch.ones(2, 2, dtype=torch.int64)}, tmp_path / "a.pt")
    content = torch._C.PyTorchFileReader(str(tmp_path / "a.pt")).get_record("data.pkl")
    found = opcodes.walk(io.BytesIO(content), "file")[1]
    assert found == {"0": Storage("0", "torch FloatStorage", 3), "1": Storage("1", "torch LongStorage", 4)}


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("is_old", [False, True], ids=["zip", "stacked"])
def test_a_damaged_file_is_refused_in_one_sentence_or_is_as_good_as_before(is_old: bool, tmp_path: Path) -> None:
    path, chance = tmp_path / "a.pt", random.Random(0)
    torch.save(torch.nn.Linear(3, 2).state_dict(), path, _use_new_zipfile_serialization=not is_old)
    content = path.read_bytes()
    refused = []
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice((None, chance.randrange(len(damaged))))])
        try:
            archives.verify(path)
        except UnsafeModel as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert not any("\n" in said for said in refused)


STACKED = {
    "a list of other storages": (
        pickles.MAGIC + b"\x80\x02}." + b"\x80\x02]X\x01\x00\x00\x000a.",
        "its list of storages",
    ),
    "a list that is none": (pickles.MAGIC + b"\x80\x02}." + b"\x80\x02N.", "its list of storages"),
    "a list of lists": (pickles.MAGIC + b"\x80\x02}." + b"\x80\x02]]a.", "its list of storages"),
    "something behind": (pickles.stacked(b"\x80\x02}.") + b"PK", "bytes and has"),
    "no pickle": (b"hello", "it is no file of torch.save"),
    "nothing": (b"", "it is no file of torch.save"),
}


@pytest.mark.parametrize(("content", "says"), STACKED.values(), ids=STACKED.keys())
def test_a_stacked_file_is_whole_and_nothing_more(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(UnsafeModel, match=says):
        archives.verify(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MOST_MEMBERS", 1, "members, more than 1"),
        ("MOST_UNPACKED", 1, "unpacks to more than"),
        ("LARGEST_PICKLE", 1, "or its pickle to 256 MiB"),
    ],
)
def test_an_archive_has_limits(
    name: str, value: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "a.pt")
    archives.verify(tmp_path / "a.pt")
    monkeypatch.setattr(archives, name, value)
    with pytest.raises(UnsafeModel, match=says):
        archives.verify(tmp_path / "a.pt")
