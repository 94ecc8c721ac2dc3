"""The same learning with several seeds: which model to take, and how far the others are from it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

from headstart import launch
from headstart.model import Model
from headstart.progress import Listener, Note, Stage
from headstart.settings import FitSettings
from headstart.train.learn import Around, Learnt

Learning = Callable[[FitSettings, Around], tuple[Model, Learnt]]


def over(
    settings: FitSettings, around: Around, learn: Learning, *, measure: Callable[[Model], float], listener: Listener
) -> tuple[Model, Learnt, dict[str, Any] | None]:
    """The model of the seed that did best on validation, and what all of them reached on the test rows.

    Args:
        settings: How many seeds, and the first.
        around: What each of the trainings stands in; each has its share of the time and a place of its own.
        learn: Learns with these settings.
        measure: The primary metric on the test rows. Nothing is chosen by it.
        listener: Hears which seed is at work.

    Returns:
        The model, how it was learnt, and for several seeds "seeds", "values" on the test rows in their order, "median",
        "range" and the seed "taken"; None for one.
    """
    if settings.seeds == 1:
        return (*learn(settings, around), None)
    seeds = list(range(settings.seed, settings.seed + settings.seeds))
    best: tuple[Model, Learnt, int] | None = None
    values = []
    for number, seed in enumerate(seeds):
        listener(Stage("seed", f"{seed}, {number + 1} of {len(seeds)}"))
        kept = None if around.kept is None else around.kept / f"seed-{seed}"
        place = dataclasses.replace(around, kept=kept, share=1 / (len(seeds) - number))
        fitted, learnt = learn(dataclasses.replace(settings, seed=seed), place)
        values.append(measure(fitted) if launch.is_first() else 0.0)
        if best is None or learnt.validation > best[1].validation:
            best = fitted, learnt, seed
    assert best is not None, "there is at least one seed"
    listener(Note(f"Seed {best[2]} did best on validation: its model is taken."))
    told = {"seeds": seeds, "values": values, "median": statistics.median(values), "taken": best[2]}
    return best[0], best[1], {**told, "range": [min(values), max(values)]}
