"""Arms, standings and scores made by hand, whose figures are known; and the course of a race on tiny real data."""

# N rows

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import families
from families import Family
from headstart import plug, run
from headstart.advisor import ways
from headstart.advisor.arms import Arm, Kind
from headstart.advisor.clock import Clock
from headstart.advisor.ledger import Ledger
from headstart.advisor.race import Course, Standing
from headstart.advisor.rounds import Round
from headstart.advisor.scores import Scored
from headstart.contracts import Backbone, Rows
from headstart.estimates import Estimates, LeftOut
from headstart.progress import Event, Listener, Stage, silent
from headstart.settings import FitSettings
from headstart.train.job import Job

FROZEN = Arm("frozen", "pretrained", 2, {"strategy": "frozen"})


def standing(
    name: str,
    kind: Kind,
    hits: Sequence[float] | np.ndarray[Any, Any],
    *,
    blocks: int = 0,
    strategy: str = "frozen",
    ms: float | None = None,
    mib: float | None = None,
    epochs: tuple[int, int] = (1, 1),
    seconds: float = 1.0,
) -> Standing:
    """How an arm stands; `ms` is what an answer takes, in the middle and nearly always."""
    changes = {} if kind == "baseline" else {"model": "dir:made", "strategy": strategy}
    answering = None if ms is None else {"p50_ms": ms, "p95_ms": ms, "items_per_second": 1000 / ms}
    return Standing(Arm(name, kind, blocks, changes), np.array(hits, np.float64), *epochs, seconds, answering, mib)


def hits(right: int, of: int, *, first: int = 0) -> np.ndarray[Any, Any]:
    """So many rows right, in a row from the first on, around the end."""
    found = np.zeros(of)
    found[np.arange(first, first + right) % of] = 1
    return found


def scored(accuracy_of_depth: Sequence[float], *, ref: str = "dir:made", num_rows: int = 100) -> list[Scored]:
    """A model whose left-out accuracy at each depth is given; the last depth is all of it."""

    def at(depth: int, accuracy: float) -> Scored:
        found = hits(round(accuracy * num_rows), num_rows).astype(np.bool_)
        left_out = LeftOut(np.zeros((num_rows, 2)), found)
        return Scored(ref, "made", depth, str(depth), 1000 * depth, Estimates(accuracy, accuracy, left_out, left_out))

    return [at(depth, accuracy) for depth, accuracy in enumerate(accuracy_of_depth, 1)]


def rows_of(pairs: Sequence[tuple[str, str]]) -> Rows:
    """Texts and their classes as rows."""
    texts, labels = zip(*pairs, strict=True)
    return Rows(pa.table({"text": list(texts), "label": list(labels)}))


def course(
    model: Path,
    place: Path,
    *,
    num_train: int = 64,
    num_judged: int = 40,
    clock: Clock | None = None,
    listener: Listener = silent,
    **given: Any,
) -> Course:
    """One round of reviews for a tiny model, in a place that keeps what was measured."""
    rows = families.reviews(num_train + num_judged)
    each = Round(rows_of(rows[:num_train]), rows_of(rows[num_train:]))
    settings = FitSettings(
        **{"model": f"dir:{model}", "precision": "float32", "batch_size": 16, "lr": 3e-3, "epochs": 4, **given}
    )
    task = plug.load("tasks", "text-classification")
    load = functools.cache(lambda changed: run.choose_backbone(changed, task)[0])

    def backbone(chosen: FitSettings) -> Backbone:
        found: Backbone = load(dataclasses.replace(settings, model=chosen.model, blocks=chosen.blocks))
        return found

    ledger = Ledger(place / "advice" / "checkpoint.json")
    return Course("text-classification", [each], backbone, settings, ledger, clock or Clock(), place, listener)


def frozen_job(model: Path, place: Path, *, num_train: int) -> Job:
    """What a head on the whole frozen model would learn from reviews."""
    at = course(model, place, num_train=num_train)
    return ways.frozen_job(at, at.rounds[0].train, at.settings.model or "")


def moving(strategy: str = "full", **changes: Any) -> Arm:
    """An arm of the course's model that the loop trains."""
    return Arm(strategy, "scratch" if strategy == "scratch" else "pretrained", 2, {"strategy": strategy, **changes})


def in_three(family: Family, place: Path, **given: Any) -> Course:
    """Three rounds, each of which judges another 16 rows."""
    at = course(family("bert"), place, num_train=48, num_judged=48, **given)
    (one,) = at.rounds
    judged = [one.validation.take(np.arange(start, start + 16)) for start in (0, 16, 32)]
    return dataclasses.replace(at, rounds=[Round(one.train, rows) for rows in judged])


def stages(heard: Sequence[Event], name: str) -> int:
    """How often a stage was begun."""
    return sum(isinstance(event, Stage) and event.name == name for event in heard)
