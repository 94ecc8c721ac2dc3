"""Model folders made to harm whoever loads them, one trick each, with what must be said of them.

Every payload would touch the file CANARY beside the folder. Nothing here runs anything.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pickles
from bad_models import holding, with_values

CONFIG, WEIGHTS, PICKLED = "config.json", "model.safetensors", "pytorch_model.bin"
CANARY = "CANARY"
INDEX = "model.safetensors.index.json"


class Trap(NamedTuple):
    """A readable id, what is done to the folder of a tiny BERT, and a part of the message."""

    id: str
    set_up: Callable[[Path], object]
    says: str


def canary_of(folder: Path) -> Path:
    return folder.parent / CANARY


# --------------------------------------------------------------------------------------------------------- pickles


def bin_of(content: Callable[[Path], bytes]) -> Callable[[Path], object]:
    """The weights are a pickled file made around a payload for the canary."""

    def set_up(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / PICKLED).write_bytes(content(canary_of(folder)))

    return set_up


PAYLOADS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "REDUCE of os.system": (pickles.by_reduce, 'would import "os.system"'),
    "REDUCE of exec": (pickles.by_exec, 'would import "__builtin__.exec"'),
    "STACK_GLOBAL": (pickles.by_stack_global, '"posix.system"'),
    "INST": (pickles.by_inst, 'opcode STRING to reach "os.system"'),
    "OBJ": (pickles.by_obj, 'would import "os.system"'),
    "NEWOBJ": (pickles.by_newobj, 'opcode NEWOBJ to reach "os.system"'),
    "NEWOBJ_EX": (pickles.by_newobj_ex, 'opcode NEWOBJ_EX to reach "os.system"'),
    "BUILD that calls __setstate__": (pickles.by_build, 'would import "functools.partial"'),
    "BUILD on an allowed object": (pickles.by_build_of_allowed, "opcode BUILD"),
    "EXT1": (lambda canary: pickles.by_ext(b"\x82\x01", canary), "opcode EXT1"),
    "EXT2": (lambda canary: pickles.by_ext(b"\x83\x01\x01", canary), "opcode EXT2"),
    "EXT4": (lambda canary: pickles.by_ext(b"\x84\x01\x01\x01\x01", canary), "opcode EXT4"),
    "PERSID": (pickles.by_persid, "opcode PERSID"),
    "BINPERSID of a module": (pickles.by_odd_binpersid, "refers to something outside it that is not a storage"),
    "a pickle within a pickle": (pickles.nested, 'would import "_pickle.loads"'),
    "a torch file within a pickle": (pickles.by_load_from_bytes, 'would import "torch.storage._load_from_bytes"'),
    "a name below a module (CVE-2025-10157)": (pickles.by_submodule, '"asyncio.base_events.subprocess.getoutput"'),
    "acts and breaks off (nullifAI)": (pickles.broken, 'would import "os.system"'),
}
NOT_LIVE = {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID of a module", "BUILD on an allowed object"}
"""What plain `pickle.loads` refuses or needs torch for; their payload is there all the same."""


def _stacked(payload: Callable[[Path], bytes]) -> Callable[[Path], object]:
    return bin_of(lambda canary: pickles.stacked(payload(canary)))


def _zipped(payload: Callable[[Path], bytes], *more: tuple[str, bytes]) -> Callable[[Path], object]:
    return bin_of(lambda canary: pickles.zipped(payload(canary), *more))


def _held(content: bytes) -> Callable[[Path], object]:
    return bin_of(lambda _: content)


def _in_a_7z(canary: Path) -> bytes:
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + pickles.by_reduce(canary)


def _two_data(canary: Path) -> bytes:
    """One reader takes the first of two members of a name, the other the last."""
    with __import__("warnings").catch_warnings(action="ignore"):
        return pickles.zipped(pickles.by_reduce(canary), ("archive/data.pkl", pickles.plain()))


def _program(_: Path) -> bytes:
    import torch

    return pickles.saved(torch.nn.Linear(2, 2))


def _without_a_shard(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "pytorch_model-1.bin").write_bytes(pickles.plain())
    shards = {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}
    (folder / f"{PICKLED}.index.json").write_text(json.dumps({"weight_map": shards}))


def _shard_elsewhere(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / f"{PICKLED}.index.json").write_text(json.dumps({"weight_map": {"a": "../x.bin"}}))


def _not_a_number(_: Path) -> bytes:
    import torch

    return pickles.saved({"w": torch.tensor([1.0, float("nan")])})


def _array(_: Path) -> bytes:
    import numpy as np

    return pickles.saved({"w": np.zeros(2)})


PLAIN = pickles.plain()
BYTES = ("archive/data/0", b"\0" * 16)
PICKLES = [
    *(Trap(f"zip: {name}", _zipped(payload), says) for name, (payload, says) in PAYLOADS.items()),
    Trap("stacked: REDUCE of os.system", _stacked(pickles.by_reduce), 'would import "os.system"'),
    Trap("stacked: STACK_GLOBAL", _stacked(pickles.by_stack_global), '"posix.system"'),
    Trap("a bare pickle", bin_of(pickles.by_reduce), 'would import "os.system"'),
    Trap("a harmless bare pickle", _held(b"\x80\x02}." * 5), "it is a pickle and no file of torch.save"),
    Trap("a 7z archive (nullifAI)", bin_of(_in_a_7z), "it is a 7z archive"),
    Trap("a tar (CVE-2025-32434)", bin_of(lambda c: pickles.tarred(pickles.by_reduce(c))), "it is a tar archive"),
    Trap("gzip", _held(b"\x1f\x8b" + bytes(60)), "compressed with gzip"),
    Trap("wrong CRC (CVE-2025-10156)", bin_of(lambda c: pickles.with_wrong_checksum(pickles.by_reduce(c))), "Bad CRC"),
    Trap("a zip behind a pickle", bin_of(lambda c: pickles.by_reduce(c) + pickles.zipped(PLAIN)), '"os.system"'),
    Trap(
        "a zip before a zip",
        bin_of(lambda c: pickles.zipped(pickles.by_reduce(c)) + pickles.zipped(PLAIN)),
        "puts none",
    ),
    Trap("two members of a name", bin_of(_two_data), "two members of its archive have one name"),
    Trap("two names but for case", _held(pickles.zipped(PLAIN, ("archive/DATA.pkl", b""))), "have one name"),
    Trap("a member above the folder", _held(pickles.zipped(PLAIN, ("archive/../../x", b""))), "points out of it"),
    Trap("an absolute member", _held(pickles.zipped(PLAIN, ("/etc/x", b""))), "points out of it"),
    Trap("a member with a backslash", _held(pickles.zipped(PLAIN, ("archive/..\\x", b""))), "points out of it"),
    Trap("a member that is a link", _held(pickles.zipped_with_link("/etc/passwd")), "is a symbolic link"),
    Trap(
        "code of TorchScript",
        _held(pickles.zipped(PLAIN, ("archive/code/__torch__.py", b"x"))),
        "and its archive has it",
    ),
    Trap("a second pickle", _zipped(lambda _: PLAIN, ("archive/constants.pkl", PLAIN)), '"constants.pkl"'),
    Trap(
        "a zip bomb",
        _held(pickles.zipped(PLAIN, ("archive/data/0", bytes(2**24)), packing=zipfile.ZIP_DEFLATED)),
        "unpacks to more than 100 times its size",
    ),
    Trap("a storage that lies", _held(pickles.zipped(pickles.tensor((9,), (1,), num=9), BYTES)), 'storage "0" should'),
    Trap("beyond its storage", _held(pickles.zipped(pickles.tensor((5,), (1,), num=4), BYTES)), "reaches beyond"),
    Trap("before its storage", _held(pickles.zipped(pickles.tensor((4,), (-1,), num=4), BYTES)), "reaches beyond"),
    Trap(
        "one number a million times",
        _held(pickles.zipped(pickles.tensor((10**6, 10**6), (0, 0), num=4), BYTES)),
        "would unpack to 4,000,000,000,000 bytes",
    ),
    Trap("no number in a pickle", bin_of(_not_a_number), 'pytorch_model.bin" are damaged: 1 numbers of "w" are NaN'),
    Trap("a shard that is missing", _without_a_shard, "pytorch_model-2.bin is not there"),
    Trap("a shard elsewhere", _shard_elsewhere, 'in "../x.bin", which is not beside it'),
    Trap("a whole module", bin_of(_program), 'would import "torch.nn.modules.linear.Linear"'),
    Trap("an array of NumPy", bin_of(_array), "numpy."),
    Trap("no weights", _held(pickles.saved({"epoch": 3})), "it holds no tensors by name"),
    Trap("cut short", bin_of(lambda _: pickles.saved({"epoch": 3})[:-30]), "its archive is damaged"),
]


# --------------------------------------------------------------------------------------------------------- configs


def json_file(name: str, **values: Any) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(json.dumps(values))


def large(name: str, size: int) -> Callable[[Path], object]:
    """A file of so many bytes, none of which is stored."""

    def set_up(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(size)

    return set_up


def key(name: str, /, **values: Any) -> tuple[Callable[[Path], object], str]:
    return with_values(CONFIG, **values), f'config.json: the key "{name}" can run or fetch code'


def _escaped(folder: Path) -> None:
    text = (folder / CONFIG).read_text().rstrip().removesuffix("}")
    (folder / CONFIG).write_text(text + r', "\u0061uto\u005fmap": {"AutoModel": "code.Model"}}')


CODE = {"AutoModel": "code.Model"}
CONFIGS = [
    Trap("auto_map", *key("auto_map", auto_map=CODE)),
    Trap("auto_map into another repository", *key("auto_map", auto_map={"AutoModel": "evil/repo--code.Model"})),
    Trap("auto_map, nested", *key("auto_map", text_config={"deep": [{"auto_map": CODE}]})),
    Trap("auto_map, spelt in escapes", _escaped, '"auto_map" can run or fetch code'),
    Trap("a folder for a config", lambda folder: (folder / "generation_config.json").mkdir(), "is a folder"),
    Trap("kernel to fetch (CVE-2026-4372)", *key("_attn_implementation_internal", _attn_implementation_internal="a/b")),
    Trap("attention by a kernel", *key("attn_implementation", attn_implementation="kernels-community/flash-attn")),
    Trap("attention by parts", *key("_attn_implementation", _attn_implementation={"text_config": "a/b"})),
    Trap("experts by a kernel", *key("experts_implementation", experts_implementation="a/b")),
    Trap(
        "remote code allowed within (CVE-2026-5241)",
        *key("trust_remote_code", keypoint_detector_config={"trust_remote_code": True}),
    ),
    Trap("kernels switched on", *key("use_kernels", use_kernels=True)),
    Trap("kernels by layer", *key("kernel_config", kernel_config={"RMSNorm": "evil/repo:Norm"})),
    Trap("a pipeline of its own", *key("custom_pipelines", custom_pipelines={"x": {"impl": "code.X"}})),
    Trap(
        "generation of its own", json_file("generation_config.json", custom_generate="evil/repo"), '"custom_generate"'
    ),
    Trap("code for the tokenizer", with_values("tokenizer_config.json", auto_map=CODE), '"auto_map"'),
    Trap("code for a processor", json_file("processor_config.json", auto_map=CODE), '"auto_map"'),
    Trap("code in the chat template's file", json_file("chat_template.json", a=[{"auto_map": CODE}]), '"auto_map"'),
    Trap(
        "an adapter of another model",
        json_file("adapter_config.json", base_model_name_or_path="evil/repo"),
        '"base_model_name_or_path"',
    ),
    Trap(
        "an adapter's library", json_file("adapter_config.json", auto_mapping={"parent_library": "x"}), '"auto_mapping"'
    ),
    Trap("a config of a gigabyte", large("generation_config.json", 2**30), "no config does"),
    Trap("a config without end", holding("generation_config.json", b"[" * 100_000), "is not valid JSON"),
    Trap("a number without end", holding("generation_config.json", b"9" * 10_000), "is not valid JSON"),
    Trap("a pickle for a config", holding("generation_config.json", b"\x80\x02}."), "is not valid JSON"),
    Trap("images of no size", json_file("preprocessor_config.json", size={"height": 0, "width": 8}), '"size" is 0'),
    Trap("images without end", json_file("preprocessor_config.json", crop_size=10**9), '"crop_size" is 1000000000'),
]


# ----------------------------------------------------------------------------------------------------------- files


def linked(name: str, target: str) -> Callable[[Path], object]:
    def set_up(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return set_up


def moved_out(name: str) -> Callable[[Path], object]:
    """The file stands beside the folder, and in the folder is a link to it."""

    def set_up(folder: Path) -> None:
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(f"../{name}")

    return set_up


def program(name: str) -> Callable[[Path], object]:
    def set_up(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"open({str(canary_of(folder))!r}, 'w').close()\n")

    return set_up


def index_to(file: str) -> Callable[[Path], object]:
    return json_file(INDEX, weight_map={"embeddings.word_embeddings.weight": file})


FILES = [
    Trap("a Python file", program("modeling.py"), "modeling.py is a program"),
    Trap("a Python file deeper", program("more/__init__.py"), "__init__.py is a program"),
    Trap("a library", holding("kernel.so", b"\x7fELF"), "kernel.so is a program"),
    Trap("a link to a file elsewhere", linked("vocab.txt", "/etc/passwd"), 'is a link to "/etc/passwd"'),
    Trap("a link to a folder elsewhere", linked("more", "/etc"), 'is a link to "/etc"'),
    Trap("a link upwards", moved_out(CONFIG), "out of the model folder"),
    Trap("weights by a link", moved_out(WEIGHTS), "out of the model folder"),
    Trap("a pipe", lambda folder: os.mkfifo(folder / "tokenizer.model"), "is neither a file nor a folder"),
    Trap("a hidden file", holding(".weights.bin", b""), "is hidden"),
    Trap("an index upwards", index_to("../../x.safetensors"), 'in "../../x.safetensors", which is not beside it'),
    Trap("an index to a place", index_to("/etc/x.safetensors"), "which is not beside it"),
    Trap("an index to no file", index_to("x.safetensors"), "should be in x.safetensors and is not"),
    Trap("an index of numbers", index_to(7), "which is not beside it"),  # type: ignore[arg-type]
    Trap("an index of nothing", json_file(INDEX, weight_map=[]), 'it has no "weight_map"'),
]


# --------------------------------------------------------------------------------------------------------- headers


def header(*entries: str, data: int = 8, length: int | None = None) -> Callable[[Path], object]:
    """A safetensors file with these entries of JSON, and so many bytes of numbers."""
    text = ("{" + ", ".join(entries) + "}").encode()
    size = len(text) if length is None else length
    return holding(WEIGHTS, struct.pack("<Q", size) + text + bytes(data))


def entry(name: str = "w", dtype: str = "F32", shape: str = "[2]", begin: int = 0, end: int = 8) -> str:
    return f'"{name}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": [{begin}, {end}]}}'


def with_number(number: float, dtype: str) -> Callable[[Path], object]:
    """One of the weights is this."""

    def set_up(folder: Path) -> None:
        import torch
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / WEIGHTS)
        chosen = weights["encoder.layer.1.output.dense.bias"] = weights["encoder.layer.1.output.dense.bias"].to(
            getattr(torch, dtype)
        )
        chosen[3] = number
        save_file(weights, folder / WEIGHTS, {"format": "pt"})

    return set_up


ODD = '1 numbers of "encoder.layer.1.output.dense.bias" are NaN or infinite'
HEADERS = [
    Trap("a pickle called safetensors (CVE-2025-10155)", holding(WEIGHTS, b"\x80\x02" + bytes(40)), "cannot be read"),
    Trap("a header longer than the file", header(entry(), length=2**62), "the header should have"),
    Trap("a file of zeros", large(WEIGHTS, 2**21), "cannot be read"),
    Trap(
        "an oversized header",
        lambda folder: (large(WEIGHTS, 200_000_000)(folder), _overwrite(folder / WEIGHTS, 150_000_000)),
        "more than 100,000,000",
    ),
    Trap("a header that is no JSON", header("oops"), "the header is no JSON"),
    Trap("a header that is a list", holding(WEIGHTS, struct.pack("<Q", 2) + b"[]"), "no JSON object"),
    Trap("a header without end", holding(WEIGHTS, struct.pack("<Q", 10**5) + b"[" * 10**5), "the header is no JSON"),
    Trap("a name twice", header(entry(), entry()), 'has "w" twice'),
    Trap("overlapping weights", header(entry(), entry("v", begin=4, end=12), data=12), '"v" begins at byte 4'),
    Trap("a gap between weights", header(entry(), entry("v", begin=12, end=20), data=20), '"v" begins at byte 12'),
    Trap("weights past the end", header(entry(shape="[2000]", end=8000)), "there should be 8,000 bytes"),
    Trap("bytes of no weight", header(entry(), data=4096), "4,088 bytes at its end belong to no tensor"),
    Trap("a shape of other bytes", header(entry(shape="[3]")), "does not fill the 8 bytes"),
    Trap("a shape that overflows", header(entry(shape="[4294967296, 4294967296, 2]")), "does not fill the 8 bytes"),
    Trap("a shape below nothing", header(entry(shape="[-2]")), "are not whole numbers"),
    Trap("offsets backwards", header(entry(begin=8, end=0)), "does not fill the -8 bytes"),
    Trap("a shape of words", header(entry(shape='["a"]')), "are not whole numbers"),
    Trap("an unknown dtype", header(entry(dtype="PICKLE")), 'the unknown dtype "PICKLE"'),
    Trap("an entry with more to say", header('"w": {"dtype": "F32", "code": "x"}'), "something else than dtype"),
    Trap("NaN", with_number(float("nan"), "float32"), ODD),
    Trap("infinity", with_number(float("inf"), "float32"), ODD),
    Trap("NaN in half precision", with_number(float("nan"), "float16"), ODD),
    Trap("NaN in bfloat16", with_number(float("nan"), "bfloat16"), ODD),
]


def _overwrite(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.write(struct.pack("<Q", length))


# ------------------------------------------------------------------- weights and tokens of another model, found in use


def tensors(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """The weights after a change to their dictionary."""

    def set_up(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / WEIGHTS)
        change(weights)
        save_file(weights, folder / WEIGHTS, {"format": "pt"})

    return set_up


def _zeros(*shape: int) -> Any:
    import torch

    return torch.zeros(*shape)


MISFITS = [
    Trap("a weight missing", tensors(lambda w: w.pop("encoder.layer.0.output.dense.bias")), "1 missing"),
    Trap(
        "a weight of another shape",
        tensors(lambda w: w.update({"encoder.layer.0.output.dense.bias": _zeros(7)})),
        "1 missing",
    ),
    Trap(
        "weights of a stranger", tensors(lambda w: w.update({"payload.weight": _zeros(9)})), 'such as "payload.weight"'
    ),
    Trap(
        "a block too many",
        tensors(lambda w: w.update({"encoder.layer.9.output.dense.bias": _zeros(32)})),
        'such as "encoder.layer.9.output.dense.bias"',
    ),
]

TRAPS = [*PICKLES, *CONFIGS, *FILES, *HEADERS]
