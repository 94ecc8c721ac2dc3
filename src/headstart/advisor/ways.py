"""From scores to what is tried: the arms of a model for the task at hand, and how its frozen way is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from headstart import plug
from headstart.advisor import arms, growth
from headstart.advisor.arms import Arm
from headstart.advisor.clock import guarded
from headstart.advisor.measured import Measured
from headstart.advisor.race import Course
from headstart.advisor.rounds import Round
from headstart.advisor.scores import Scored
from headstart.contracts import Rows, Strategy
from headstart.errors import MismatchError
from headstart.readings import Reading
from headstart.train import learn, vectors
from headstart.train.job import Around, Job
from headstart.writer import writes


def frozen_job(course: Course, rows: Rows, ref: str, *, times: float = 0.0) -> Job:
    """What a head on the frozen model would learn from these rows; `times` is for `guarded`."""
    settings = dataclasses.replace(course.settings, model=ref, strategy="frozen")
    strategy: Strategy = plug.load("strategies", settings.strategy)
    learned, backbone = course.task.learn(rows), course.backbone(settings)
    recipe = learn.recipe(course.task, backbone, strategy, settings, rows)
    listener = guarded(course.clock, course.listener, times=times)
    around = Around(is_foretold=course.clock.is_limited)
    frame = learn.frame(course.task, backbone, rows, settings)
    return Job(course.task, learned, backbone, rows, None, settings, recipe, listener, around, frame)


def curve_of(course: Course, whole: Scored, frozen: Arm) -> Callable[[Round], Measured]:
    """How the frozen model does with fewer rows: where a row is one vector, by a linear head on those that are kept."""
    if course.task.per != "row":
        return lambda each: growth.of_arm(course, each, frozen)
    reading = Reading(((int(whole.reading),),))

    def read(rows: Rows) -> Any:
        job = frozen_job(course, rows, whole.ref)
        return reading.of(vectors.pooled(job), job.backbone.widths)

    return lambda each: growth.of_frozen(course, each, frozen.name, read)


def of(course: Course, depths: Sequence[Scored]) -> list[Arm]:
    """What is tried of a model, cheapest first; of an architecture without weights only to train it from fresh ones."""
    whole = depths[-1]
    backbone = course.backbone(dataclasses.replace(course.settings, model=whole.ref))
    if backbone.is_fresh:
        return [arms.from_scratch(whole.ref, whole.name, whole.blocks)]
    # maps of several layers are read together, and a decoder looks at the last, so that no single depth stands for them
    is_whole = course.task.per == "place" or writes(course.task, backbone)
    depths = depths[-1:] if is_whole else depths
    reads_layers = course.task.read_at == "layers" or course.task.per == "place"
    return arms.of_model(depths, can_be_shorter=_is_cut(course, depths[-1].ref), reads_layers=reads_layers)


def _is_cut(course: Course, ref: str) -> bool:
    """Whether the model can be made shorter."""
    try:
        course.backbone(dataclasses.replace(course.settings, model=ref)).shortened(1)
    except MismatchError:
        return False
    return True
