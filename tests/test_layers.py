"""The house keeps its shape: imports point down, heavy packages wait, and nothing grows past what one can read.

Each rule is a function from a module to the faults in it, and each is seen to catch a planted fault.
"""

from __future__ import annotations

import ast
import functools
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src" / "headstart"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("__init__", "api", "estimators"),
    ("advising", "run", "evaluation", "encoding"),
    ("advisor",),
    ("learning", "finding"),
    ("report", "folder", "journal", "record", "trackers"),
    ("train", "model"),
    (
        "tasks",
        "strategies",
        "features",
        "caches",
        "score",
        "estimates",
        "network",
        "writer",
        "alignment",
        "answering",
        "anatomy",
    ),
    (
        "data",
        "sources",
        "stack",
        "company",
        "cut",
        "stand_ins",
        "kernels",
        "starters",
        "batches",
        "pool",
        "store",
        "heads",
        "readings",
        "windows",
    ),
    (
        "errors",
        "spoken",
        "progress",
        "plug",
        "contracts",
        "settings",
        "idle",
        "device",
        "cache",
        "limits",
        "launch",
        "memory",
        "cost",
        "budget",
    ),
)
"""Top to bottom; a room imports from the layers below its own."""

SIBLINGS = {
    ("advising", "run"): "advice reads, checks and splits as a run does",
    ("tasks", "score"): "a task's metrics are the common ones",
    ("writer", "alignment"): "a writer also tells when what it writes is heard",
    ("writer", "network"): "a writer is a network beside the others, and goes on from what was kept as they do",
    ("estimates", "score"): "an accuracy that is estimated has the interval of one that is measured",
    ("sources", "windows"): "a long text becomes several rows where it is encoded",
    ("sources", "company"): "of families that answer otherwise in company a recording goes through alone",
    ("sources", "pool"): "a family says of itself how wide an average of its states is",
    ("sources", "stack"): "a backbone knows where its blocks are",
    ("sources", "cut"): "a family that does not tell its hidden states is looked into at its blocks",
    ("cut", "stack"): "a cut lies between two blocks",
    ("cut", "stand_ins"): "parts below a cut are stood in for",
    ("stand_ins", "stack"): "a model with parts exchanged is a twin of the first",
    ("kernels", "stack"): "a module on other kernels is a twin of the first",
    ("sources", "data"): "a backbone reads images as the checks do",
    ("plug", "errors"): "an unknown name is an error",
    ("device", "contracts"): "a device is one of a few names",
    ("cost", "device"): "a GPU has memory of its own",
    ("progress", "cost"): "what a run will cost is told",
    ("budget", "errors"): "a budget that cannot be read is refused",
    ("launch", "device"): "processes meet on their devices",
    ("memory", "device"): "on a GPU memory that runs out is an error by itself",
    ("settings", "limits"): "a setting says which values it may have",
    ("idle", "settings"): "it is settings that play no part",
    ("limits", "errors"): "a value that cannot be is refused",
    ("settings", "errors"): "settings that exclude each other are refused",
}
"""Who may import a neighbour of the same layer, and why."""

STRANGERS = {("tasks", "sources"), ("sources", "tasks")}
"""Who never meets except through the values in `contracts`, whichever layer is above."""

HEAVY = {
    "PIL", "accelerate", "datasets", "huggingface_hub", "jinja2", "matplotlib", "mlflow", "numpy", "pandas", "peft",
    "pyarrow", "rich", "safetensors", "scipy", "sklearn", "soundfile", "soxr", "tensorboard", "tensorflow", "timm",
    "tokenizers", "torch", "torchvision", "transformers", "wandb",
}  # fmt: skip

WORKSHOPS: dict[str, set[str]] = {
    "cli._bars": {"rich"},
    "data": {"PIL", "numpy", "pyarrow"},
    "sources": {"numpy"},
    "sources.saved_models.bridge": {"torch"},
    "sources.modules.plain_modules": {"torch"},
    "batches": {"numpy"},
    "cut": {"torch"},
    "stand_ins": {"torch"},
    "store": {"numpy"},
    "windows": {"numpy"},
    "answering": {"numpy", "torch"},
    "kernels": {"torch"},
    "heads.layers": {"torch"},
    "heads.cells": {"torch"},
    "heads.pyramid": {"torch"},
    "heads.semantic": {"torch"},
    "score": {"numpy"},
    "estimates": {"numpy"},
    "tasks": {"numpy"},
    "features": {"numpy"},
    "network": {"torch"},
    "readings": {"numpy", "torch"},
    "writer": {"torch"},
    "alignment": {"numpy", "torch"},
    "train": {"numpy", "safetensors", "scipy", "sklearn", "torch"},
    "model": {"numpy", "safetensors", "torch"},
    "run": {"numpy", "pyarrow"},
    "learning": {"torch"},
    "encoding": {"numpy", "torch"},
    "estimators": {"numpy", "sklearn"},
    "advisor": {"numpy", "pyarrow", "torch"},
    "report": {"jinja2"},
}
"""The rooms (or single modules) that are entered only to work, and what they may import at their top."""

VAGUE = {"utils", "util", "helpers", "common", "base", "misc"}
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 80


@dataclass(frozen=True)
class Module:
    """One file of the package: `name` is dotted below the package, "__init__" the package itself."""

    name: str
    lines: int
    tree: ast.Module
    is_package: bool

    @property
    def room(self) -> str:
        return self.name.split(".")[0]


Rule = Callable[[Module, set[str]], Iterator[str]]


@functools.cache
def house() -> list[Module]:
    """Every module of the package, which stays as it is while it is tested."""
    return modules(ROOT)


def modules(root: Path) -> list[Module]:
    """Every module below the package's folder."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package and len(parts) > 1 else parts)
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, text.count("\n"), ast.parse(text), is_package))
    return found


def faults(rule: Rule, found: list[Module]) -> list[str]:
    """What the rule finds wrong in the whole tree."""
    rooms = {module.room for module in found}
    return [f"{module.name}: {fault}" for module in found for fault in rule(module, rooms)]


def executed(node: ast.AST, *, inside_functions: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """The import statements that run, those under TYPE_CHECKING not among them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from executed(child, inside_functions=inside_functions)


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The dotted names a statement may import; `from a import b` gives "a.b", which may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_entered(module: Module, rooms: set[str]) -> Iterator[str]:
    """The other rooms this module imports from, wherever in the file."""
    for node in executed(module.tree, inside_functions=True):
        for name in imported(node):
            package, _, rest = name.partition(".")
            room = rest.split(".")[0]
            # The version is a fact, not a room.
            if package == "headstart" and room != "__version__":
                yield room if room in rooms else "__init__"


def imports_point_down(module: Module, rooms: set[str]) -> Iterator[str]:
    level = {room: number for number, layer in enumerate(LAYERS) for room in layer}
    if module.room not in level:
        yield "is in no layer"
        return
    for room in rooms_entered(module, rooms):
        allowed = room == module.room or (module.room, room) in SIBLINGS
        if not allowed and level.get(room, -1) <= level[module.room]:
            yield f"imports {room}, which is not below it"


def strangers_do_not_meet(module: Module, rooms: set[str]) -> Iterator[str]:
    for room in rooms_entered(module, rooms):
        if (module.room, room) in STRANGERS:
            yield f"imports {room}"


def imports_are_absolute(module: Module, rooms: set[str]) -> Iterator[str]:
    for node in executed(module.tree, inside_functions=True):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            yield f"line {node.lineno} is a relative import"


def heavy_at_top(module: Module) -> set[str]:
    """The heavy packages that importing this module brings in at once."""
    nodes = executed(module.tree, inside_functions=False)
    return {name.split(".")[0] for node in nodes for name in imported(node)} & HEAVY


def heavy_packages_wait(module: Module, rooms: set[str]) -> Iterator[str]:
    allowed = WORKSHOPS.get(module.name, set()) | WORKSHOPS.get(module.room, set())
    for package in sorted(heavy_at_top(module) - allowed):
        yield f"imports {package} at its top"


def names_say_what_is_inside(module: Module, rooms: set[str]) -> Iterator[str]:
    if module.name.split(".")[-1].strip("_") in VAGUE:
        yield "has a name that says nothing"


def files_are_short(module: Module, rooms: set[str]) -> Iterator[str]:
    if module.lines > MOST_LINES_OF_A_FILE:
        yield f"has {module.lines} lines"


def functions_are_short(module: Module, rooms: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{node.name} has {lines} lines"


def modules_introduce_themselves(module: Module, rooms: set[str]) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield "has no docstring"


RULES: dict[str, Rule] = {
    rule.__name__.replace("_", " "): rule
    for rule in (
        imports_point_down,
        strangers_do_not_meet,
        imports_are_absolute,
        heavy_packages_wait,
        names_say_what_is_inside,
        files_are_short,
        functions_are_short,
        modules_introduce_themselves,
    )
}

PLANTED: dict[str, tuple[Rule, str, str]] = {
    "an import upwards": (imports_point_down, "data/read.py", "import headstart.run"),
    "an import upwards inside a function": (
        imports_point_down,
        "data/read.py",
        "def f():\n    from headstart import run",
    ),
    "an import of the public package": (imports_point_down, "data/read.py", "from headstart import fit"),
    "an import sideways": (imports_point_down, "stack.py", "from headstart.data import read"),
    "a room nobody placed": (imports_point_down, "attic.py", ""),
    "a task that knows a source": (strangers_do_not_meet, "tasks/t.py", "from headstart.sources import hf"),
    "a source that knows a task": (strangers_do_not_meet, "sources/s.py", "from headstart.tasks.t import learn"),
    "a relative import": (imports_are_absolute, "tasks/t.py", "from . import u"),
    "torch at the top of a light module": (heavy_packages_wait, "settings.py", "from torch import nn"),
    "torch in a light module's try": (heavy_packages_wait, "settings.py", "try:\n    import torch\nfinally:\n    pass"),
    "a heavy package of another trade": (heavy_packages_wait, "stack.py", "import transformers.models"),
    "a vague name": (names_say_what_is_inside, "data/_utils.py", ""),
    "a long file": (files_are_short, "run.py", "x = 1\n" * 301),
    "a long function": (functions_are_short, "run.py", "def f():\n" + "    x = 1\n" * 80),
    "no docstring": (modules_introduce_themselves, "run.py", "x = 1"),
}

HARMLESS: dict[str, str] = {
    "an import downwards": "from headstart.data import read",
    "an import upwards for types only": "if TYPE_CHECKING:\n    from headstart.run import Run",
    "a heavy package inside a function": "def f():\n    import transformers",
    "a heavy package for types only": "if TYPE_CHECKING:\n    import transformers",
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert faults(rule, house()) == []


@pytest.mark.parametrize(("rule", "file", "text"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_caught(tmp_path: Path, rule: Rule, file: str, text: str) -> None:
    plant(tmp_path, "run.py", '"""A room above."""')
    plant(tmp_path, "data/read.py", '"""A room beside."""')
    plant(tmp_path, "sources/hf.py", '"""A room beside."""')
    plant(tmp_path, "tasks/tag.py", '"""A room above."""')
    plant(tmp_path, file, text)
    name = file.removesuffix(".py").replace("/", ".")
    assert [fault for fault in faults(rule, modules(tmp_path)) if fault.startswith(name)]


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_allowed_is_no_fault(tmp_path: Path, text: str) -> None:
    plant(tmp_path, "data/read.py", '"""A room below."""')
    plant(tmp_path, "run.py", '"""A room above."""')
    plant(tmp_path, "features.py", f'"""A room between."""\n{text}')
    planted = modules(tmp_path)
    assert [fault for rule in RULES.values() for fault in faults(rule, planted)] == []


def test_every_exception_to_the_layers_is_in_use() -> None:
    found = house()
    rooms = {module.room for module in found}
    used = {(module.room, room) for module in found for room in rooms_entered(module, rooms)}
    assert set(SIBLINGS) - used == set()


def test_every_leave_to_import_a_heavy_package_is_in_use() -> None:
    used = {
        (name, package) for module in house() for name in (module.name, module.room) for package in heavy_at_top(module)
    }
    given = {(name, package) for name, packages in WORKSHOPS.items() for package in packages}
    assert given - used == set()


def plant(root: Path, file: str, text: str) -> None:
    """Writes a file of a make-believe package."""
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text(textwrap.dedent(text), encoding="utf-8")
