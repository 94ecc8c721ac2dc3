"""What a run leaves in writing besides the model: `run.json` and the predictions, ready for other programs."""

from __future__ import annotations

import dataclasses
import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart import __version__
from headstart.contracts import Backbone, Ref, Rows, Splits
from headstart.cost import Cost
from headstart.device import cores
from headstart.progress import Event, Note, Warned
from headstart.settings import PAIRED, FitSettings

if TYPE_CHECKING:
    from torch import nn

    from headstart.data.read import Found

KNOWN_OF_MODEL = frozenset({"asked", "source", "revision", "license", "ran_code", "files", "training"})
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scikit-learn", "pyarrow", "pillow")


def now() -> str:
    """The time of day with its zone, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def run_facts(*, found: Found, splits: Splits, settings: FitSettings, ref: Ref, why: str) -> dict[str, Any]:
    """The part of run.json that is known before learning starts."""
    return {
        "headstart": __version__,
        "created": now(),
        "task": found.task,
        "data": {"asked": found.asked, "sha256": found.sha256, "rows": _num_rows(splits), "how": splits.how},
        "settings": dataclasses.asdict(settings),
        "model": {**dataclasses.asdict(ref), "asked": settings.model, "sha256": dict(ref.sha256), "why": why},
        "versions": {"python": platform.python_version(), **versions()},
        "machine": machine(),
    }


def _num_rows(splits: Splits) -> dict[str, int]:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: 0 if rows is None else len(rows) for name, rows in parts.items()}


def versions() -> dict[str, str]:
    """The versions of the packages that decide what comes out."""
    return {name: metadata.version(name) for name in PACKAGES}


def machine() -> dict[str, Any]:
    """Processor, cores and memory."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": cores(),
        "memory_mib": _memory_mib(),
    }


def _memory_mib() -> int | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def parameters(network: nn.Module, num_trained: int | None) -> dict[str, int]:
    """How many numbers the network has, and how many were trained; None for those of the head, as it stands."""
    from headstart.network import Headed, classifier_of

    total = sum(parameter.numel() for parameter in network.parameters())
    if num_trained is not None:
        return {"total": total, "trained": num_trained}
    head = network.head if isinstance(network, Headed) else classifier_of(network.module)  # type: ignore[arg-type]
    return {"total": total, "trained": sum(parameter.numel() for parameter in head.parameters())}


def cost(foreseen: Cost | None, actual: Cost, passing_mib: float) -> dict[str, Any]:
    """What the run was said to cost and what it did, but for its page; `passing_mib` of the disk is free afterwards."""
    disk = None if actual.disk_mib is None else actual.disk_mib - passing_mib
    return {
        "foreseen": None if foreseen is None else dataclasses.asdict(foreseen),
        "actual": dataclasses.asdict(dataclasses.replace(actual, disk_mib=disk)),
    }


def long_texts(told: Mapping[str, int], long: str) -> Event | None:
    """What to say of texts that are longer than the model reads, where there are any.

    Args:
        told: As `windows.told` has it.
        long: What was read of them.
    """
    if told["split"]:
        said = f"{told['split']:,} training texts are longer than the model reads"
        return Note(f"{said}: they were read in parts, which made {told['rows']:,} rows of all texts; nothing is lost.")
    if not told["truncated"]:
        return None
    kept = {"head-tail": "their first and last tokens were read", PAIRED: "the longer text's end was cut off"}
    what = "pairs" if long == PAIRED else "texts"
    said = f"{told['truncated']:,} training {what} are longer than the model reads"
    return Warned(
        f"{said}: {kept.get(long, 'their ends were cut off')}, and {told['tokens_lost']:,} tokens were not read."
    )


def anatomy_of(backbone: Backbone) -> dict[str, Any]:
    """What the pretrained model is made of, without what run.json says of it under "model"."""
    from headstart import anatomy

    told = anatomy.of(backbone).to_json()
    return {name: value for name, value in told.items() if name not in KNOWN_OF_MODEL}


def write_predictions(path: Path, rows: Rows, columns: Mapping[str, Sequence[Any]]) -> None:
    """Writes the rows as Parquet, and beside them what the task says of its predictions, see `Task.columns`."""
    import pyarrow as pa
    from pyarrow import parquet

    table = rows.table
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    parquet.write_table(table, path)
