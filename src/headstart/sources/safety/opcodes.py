"""What a pickle would do, told without doing it: it is walked on a make-believe stack, by an allow-list.

Nothing here unpickles, imports or calls what a pickle names; archives and formats are the business of `archives`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

from headstart.errors import UnsafeModel

ITEM_BYTES = {
    "torch BoolStorage": 1,
    "torch ByteStorage": 1,
    "torch CharStorage": 1,
    "torch ShortStorage": 2,
    "torch HalfStorage": 2,
    "torch BFloat16Storage": 2,
    "torch IntStorage": 4,
    "torch FloatStorage": 4,
    "torch LongStorage": 8,
    "torch DoubleStorage": 8,
}
REBUILD = {"torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2"}
PARAMETER = "torch._utils _rebuild_parameter"
ORDERED = "collections OrderedDict"
KINDS = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 half float double short int long".split()  # noqa: SIM905
)
ALLOWED = {*ITEM_BYTES, *REBUILD, PARAMETER, ORDERED, "torch Size", "torch device", *(f"torch {k}" for k in KINDS)}
"""Every name that plain weights need, as pickles spell it: module, space, name."""

MOST_OPCODES = 20_000_000
STRINGS = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "SHORT_BINSTRING", "BINSTRING", "STRING"}


@dataclass(frozen=True)
class Name:
    """Something a pickle would import."""

    spelt: str


@dataclass(frozen=True)
class Storage:
    """A run of numbers that lies outside the pickle, under `key`."""

    key: str
    kind: str
    num: int

    @property
    def num_bytes(self) -> int:
        return self.num * ITEM_BYTES[self.kind]


@dataclass(frozen=True)
class Made:
    """An object the pickle would make: "tensor", "OrderedDict", "dict", "set" or other."""

    kind: str


@dataclass
class Walk:
    """The state of a walk over one pickle; `storages` collects by key what it would load from outside."""

    where: str
    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)

    def refuse(self, why: str) -> NoReturn:
        raise UnsafeModel(f"{self.where}: its pickle {why}, which plain weights never do. Get it as safetensors.")

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items


def walk(file: BinaryIO, where: str) -> tuple[Any, dict[str, Storage]]:
    """What the pickle at this place of a file is, and the storages it would load; the file is left behind it.

    Args:
        file: Open for reading; nothing of it is executed.
        where: What to call the file in an error.

    Raises:
        UnsafeModel: The pickle does anything else than to put tensors into dictionaries, or cannot be read.

    Source: the unpickler of `torch.load(weights_only=True)` (torch/_weights_only_unpickler.py); fewer names, no
        opcode that makes instances, and arguments are looked at before anything is called.
    """
    at = Walk(where)
    opcodes = _opcodes(file, where)
    for name, arg in opcodes:
        if name == "STOP":
            return (at.stack[-1] if at.stack else None), at.storages
        if name not in STEPS:
            at.refuse(f"uses the opcode {name}{_aim(name, arg, at, opcodes)}")
        try:
            STEPS[name](at, arg)
        except (IndexError, KeyError) as error:
            raise UnsafeModel(f"{where}: its pickle is malformed at {name}. Get it as safetensors.") from error
    raise UnsafeModel(f"{where}: its pickle has no end. Get it as safetensors.")


def _opcodes(file: BinaryIO, where: str) -> Iterator[tuple[str, Any]]:
    try:
        for count, (opcode, arg, _) in enumerate(pickletools.genops(file)):
            if count > MOST_OPCODES:
                raise UnsafeModel(f"{where}: its pickle has more than {MOST_OPCODES:,} opcodes. Use another.")
            yield opcode.name, arg
    except (ValueError, OverflowError, MemoryError) as error:
        raise UnsafeModel(f"{where}: its pickle cannot be read ({str(error)[:80]}). Get it as safetensors.") from error


def _aim(name: str, arg: Any, at: Walk, rest: Iterator[tuple[str, Any]]) -> str:
    """What a refused opcode is there for: the first name that it or what follows it would import."""
    strings = [item for item in at.stack if isinstance(item, str)]
    try:
        while True:
            if name in STRINGS:
                strings.append(str(arg))
            if name in ("GLOBAL", "INST") and arg not in ALLOWED:
                return f' to reach "{arg.replace(" ", ".")}"'
            if name == "STACK_GLOBAL":
                return f' to reach "{".".join(strings[-2:])}"'
            name, arg = next(rest)
    except (StopIteration, UnsafeModel):
        return ""


def _global(at: Walk, arg: str) -> None:
    if arg not in ALLOWED:
        at.refuse(f'would import "{arg.replace(" ", ".")}"')
    at.stack.append(Name(arg))


def _reduce(at: Walk, _: Any) -> None:
    args, callee = at.stack.pop(), at.stack.pop()
    name = callee.spelt if isinstance(callee, Name) else None
    if name is None or name in ITEM_BYTES or not isinstance(args, tuple):
        at.refuse("calls something that is not a function for tensors")
    if name in REBUILD and not _fits(args):
        at.refuse("makes a tensor that reaches beyond its storage")
    if name == PARAMETER and args[:1] != (Made("tensor"),):
        at.refuse("makes a parameter of something else than a tensor")
    is_tensor = name in REBUILD or name == PARAMETER
    at.stack.append(Made("tensor" if is_tensor else name.split()[1]))


def _fits(args: tuple[Any, ...]) -> bool:
    """Whether a tensor of this offset, size and stride lies within its storage."""
    match args:
        case (Storage(num=num), int(offset), tuple(size), tuple(stride), *_):
            sane = all(isinstance(n, int) and n >= 0 for n in (offset, *size, *stride)) and len(size) == len(stride)
            if not sane:
                return False
            last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
            return 0 in size or last < num
    return False


def _persistent(at: Walk, _: Any) -> None:
    match at.stack.pop():
        case ("storage", Name(spelt=kind), (str() | int()) as key, str(), int(num)) if kind in ITEM_BYTES and num >= 0:
            storage = Storage(str(key), kind, num)
        # files of torch before 1.6 add where in another storage this one lies, None in all but the oldest
        case ("storage", Name(spelt=kind), (str() | int()) as key, str(), int(num), None) if (
            kind in ITEM_BYTES and num >= 0
        ):
            storage = Storage(str(key), kind, num)
        case _:
            at.refuse("refers to something outside it that is not a storage")
    if at.storages.setdefault(storage.key, storage) != storage:
        at.refuse("reads one storage as two kinds of numbers")
    at.stack.append(storage)


def _build(at: Walk, _: Any) -> None:
    state = at.stack.pop()
    if at.stack[-1] != Made("OrderedDict") or not isinstance(state, Made):
        at.refuse("sets the state of an object (opcode BUILD)")


def _append(at: Walk, _: Any) -> None:
    item = at.stack.pop()
    _extend(at, [item])


def _appends(at: Walk, _: Any) -> None:
    _extend(at, at.pop_mark())


def _extend(at: Walk, items: list[Any]) -> None:
    if not isinstance(at.stack[-1], list):
        at.refuse("appends to something that is not a list")
    at.stack[-1].extend(items)


def _set_item(at: Walk, _: Any) -> None:
    del at.stack[-2:]
    _must_be_dict(at)


def _set_items(at: Walk, _: Any) -> None:
    at.pop_mark()
    _must_be_dict(at)


def _must_be_dict(at: Walk) -> None:
    if at.stack[-1] not in (Made("dict"), Made("OrderedDict")):
        at.refuse("sets items of something that is not a dictionary")


def _mark(at: Walk, _: Any) -> None:
    at.marks.append(at.stack)
    at.stack = []


def _tuple(at: Walk, _: Any) -> None:
    items = at.pop_mark()
    at.stack.append(tuple(items))


def _tuple_of(num: int) -> Callable[[Walk, Any], None]:
    def step(at: Walk, _: Any) -> None:
        items = [at.stack.pop() for _ in range(num)]
        at.stack.append(tuple(reversed(items)))

    return step


def _put(at: Walk, arg: int) -> None:
    at.memo[arg] = at.stack[-1]


def _get(at: Walk, arg: int) -> None:
    at.stack.append(at.memo[arg])


def _push(at: Walk, arg: Any) -> None:
    at.stack.append(arg)


def _pushing(make: Callable[[], Any]) -> Callable[[Walk, Any], None]:
    return lambda at, _: at.stack.append(make())


STEPS: dict[str, Callable[[Walk, Any], None]] = {
    "PROTO": lambda at, arg: None,
    "GLOBAL": _global,
    "REDUCE": _reduce,
    "BINPERSID": _persistent,
    "BUILD": _build,
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "MARK": _mark,
    "TUPLE": _tuple,
    **{f"TUPLE{num}": _tuple_of(num) for num in (1, 2, 3)},
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"), _push),
    "NONE": _pushing(lambda: None),
    "NEWTRUE": _pushing(lambda: True),
    "NEWFALSE": _pushing(lambda: False),
    "EMPTY_TUPLE": _pushing(tuple),
    "EMPTY_LIST": _pushing(list),
    "EMPTY_DICT": _pushing(lambda: Made("dict")),
    "EMPTY_SET": _pushing(lambda: Made("set")),
}
"""What each allowed opcode does to the make-believe stack; all others are refused."""
