"""Advice from data: which model, how much of it, and whether at all. Each step is a call into its room."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart import __version__, cost, features, folder, memory, plug, record, run
from headstart.advisor import arms, breadth, outlook, race, rounds, scores, verdict, ways, worth
from headstart.advisor.clock import Clock, OutOfTime
from headstart.advisor.ledger import Ledger
from headstart.advisor.race import Course, Standing
from headstart.advisor.scores import Scored
from headstart.advisor.wishes import Wishes, considered
from headstart.advisor.worth import Worth
from headstart.budget import budget
from headstart.contracts import Backbone, Splits, Task
from headstart.errors import MismatchError, Stopped
from headstart.journal import Journal, journal
from headstart.progress import Listener, Stage, silent
from headstart.report import advice as page
from headstart.settings import FitSettings
from headstart.sources import _ref

Load = Callable[[FitSettings], Backbone]
ADVICE = "advice.json"
KEPT = "advice"
"""Beneath the checkpoints of a folder that is being built: what was measured until now."""
RESERVE = 0.05
"""Share of a budget kept for what comes after the race: the verdict and the page."""


@dataclass(frozen=True)
class Advice:
    """What is advised: the folder it is written to, and all of advice.json."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return str(self.facts["verdict"]["sentence"])

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of `FitSettings` that carry it out.

        Raises:
            MismatchError: What is advised is no model.
        """
        return carried_out(self.facts)


def carried_out(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that carry out the advice of an advice.json: those it was asked with, and what it came to.

    Raises:
        MismatchError: What is advised is no model, but a baseline, or nothing.
    """
    taken = facts["verdict"]["taken"]
    if taken is None or not taken["settings"]:
        raise MismatchError(
            f"This advice names no model to fit. {facts['verdict']['sentence']} Leave --advice out to fit anyway."
        )
    known = {entry.name for entry in dataclasses.fields(FitSettings)} - {"budget"}
    asked = {name: value for name, value in facts["asked"].items() if name in known}
    return {**asked, **taken["settings"]}


def advise(data: Any, settings: FitSettings, wishes: Wishes, *, out: Path, listener: Listener = silent) -> Advice:
    """Advice on data, written with every figure it rests on. The test rows are not looked at.

    Args:
        data: As for `run.fit`.
        settings: Of the data, and of whatever is trained on the way; `budget` limits the advice itself.
        wishes: Whom to consider, and what an answer may cost.
        out: The folder to make.
        listener: Is told what happens while it happens.

    Raises:
        HeadstartError: Something the user can mend.
        Stopped: The user asked to stop; the same command goes on with what was measured.
    """
    began = time.monotonic()
    memory.be_frugal()
    limit = budget(settings.budget, settings.price_per_hour).seconds
    # it decides how much is measured and not what: whoever goes on may give more of it
    settings = dataclasses.replace(settings, budget=None)
    with (
        folder.building(out, go_on=f"the same command and --out {shlex.quote(str(out))}") as partial,
        journal(partial / folder.EVENTS, listener) as log,
        _goes_on(partial),
    ):
        log(Stage("data", "reading"))
        found = run.find(data, settings)
        task: Task = plug.load("tasks", found.task)
        load = functools.cache(lambda changed: run.choose_backbone(changed, task)[0])
        refs, left_out = considered(wishes, _ref.listed(), task.modality, _looked_at(load, settings))
        splits, checked = run.splits_of(found, settings, partial, log, chooses=lambda _: True)
        asked = {**dataclasses.asdict(settings), **dataclasses.asdict(wishes)}
        source = str(data) if isinstance(data, str | os.PathLike) else None
        models = ", ".join(load(dataclasses.replace(settings, model=ref)).digest() for ref in refs)
        folder.agree(partial, asked, data=source, rows=found.sha256, models=models)
        ledger = Ledger(partial / folder.CHECKPOINT / KEPT / "checkpoint.json")
        spent = ledger.seconds + time.monotonic() - began
        clock = Clock(math.inf if limit is None else limit * (1 - RESERVE), spent)
        course = _course(found.task, splits, settings, load, ledger, clock, partial, log)
        facts: dict[str, Any] = {
            "task": found.task,
            "primary": task.primary,
            "data": source,
            "folder": str(out),
            "rows": _sizes(splits),
            "left_out": left_out,
        }
        is_cut_off = "validation" not in found.splits
        facts |= _measured(course, splits, refs, wishes, log, is_cut_off=is_cut_off)
        facts |= {"asked": asked, "budget": limit, "spent": clock.spent, "spent_on": ledger.seconds_by_kind}
        facts |= {"notes": log.notes, "warnings": log.warnings, **_circumstances()}
        folder.write_json(partial / ADVICE, facts)
        folder.write_json(partial / "check.json", checked)
        page.write(partial)
    return Advice(out, facts)


def _circumstances() -> dict[str, Any]:
    """By what, when and on which machine the advice was made."""
    made = {"headstart": __version__, "created": record.now()}
    return {**made, "machine": record.machine(), "versions": record.versions()}


@contextlib.contextmanager
def _goes_on(partial: Path) -> Iterator[None]:
    """Says how to go on where the user stops it after something was measured."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not folder.is_resumable(partial):
            raise
        raise Stopped("Stopped as asked; what was measured is kept.") from interrupt


def _looked_at(load: Load, settings: FitSettings) -> Callable[[str], tuple[str | None, float]]:
    """From a reference to the licence and the MiB of the model that it means."""

    def look(ref: str) -> tuple[str | None, float]:
        backbone = load(dataclasses.replace(settings, model=ref))
        return backbone.ref.license, cost.weights_mib(backbone.module)

    return look


def _sizes(splits: Splits) -> dict[str, int]:
    assert splits.validation is not None, "advice asks for a validation split"
    return {"train": len(splits.train), "validation": len(splits.validation)}


def _course(
    task_name: str,
    splits: Splits,
    settings: FitSettings,
    load: Load,
    ledger: Ledger,
    clock: Clock,
    partial: Path,
    log: Journal,
) -> Course:
    """What everything that is trained on the way shares; a model is loaded once for each way of cutting it."""
    task: Task = plug.load("tasks", task_name)
    items = task.items(rounds.together(splits))
    groups = features.row_keys(items, are_files=task.modality != "text")
    judged_on = rounds.of(splits, groups, task, seed=settings.seed)

    def backbone(chosen: FitSettings) -> Backbone:
        return load(dataclasses.replace(settings, model=chosen.model, blocks=chosen.blocks))

    place = partial / folder.CHECKPOINT
    return Course(task_name, judged_on, backbone, settings, ledger, clock, place, log)


def _measured(
    course: Course, splits: Splits, refs: list[str], wishes: Wishes, log: Journal, *, is_cut_off: bool
) -> dict[str, Any]:
    """Scores, standings and the verdict."""
    log(Stage("baselines"))
    standings = race.baselines(course)
    log(Stage("scores", f"{len(refs)} model{'s' * (len(refs) > 1)}, one pass each"))
    scored, not_tried = _scored(course, splits, refs)
    ranking = (
        scores.ranking([scores.best(depths) for depths in scored.values()], seed=course.settings.seed) if scored else []
    )
    log(Stage("race", f"judged on up to {sum(len(each.validation) for each in course.rounds):,} rows"))
    chosen = [arm for ref in arms.worth_training(ranking) for arm in ways.of(course, scored[ref])]
    again = functools.partial(breadth.again, course)
    course, ran, late = breadth.in_rounds(course, sorted(chosen, key=lambda arm: arm.is_moving))
    num_judged = sum(len(each.validation) for each in course.rounds)
    standings = [one.on_first(num_judged) for one in standings] + ran
    not_tried |= late
    # what will probably be taken is judged in all rounds before the curves take what time there is
    if ran:
        again(verdict.cheapest(ran), share=breadth.SHARE)
    log(Stage("curves", "the same ways with fewer rows"))
    best = scored[ranking[0]["model"]][-1] if ranking else None
    curves = _grown(course, best, standings, not_tried)
    foresee = outlook.foreseeing(course, splits, is_cut_off=is_cut_off)
    primary, seed = course.task.primary, course.settings.seed
    found = verdict.of(
        standings, primary=primary, seed=seed, most_ms=wishes.most_ms, foresee=lambda one: foresee(again(one))
    )
    return {
        "verdict": {**found.to_json(), "not_tried": not_tried},
        "standings": [one.to_json() for one in sorted(standings, key=lambda one: -one.value)],
        "worth": curves.to_json(),
        "pareto": verdict.pareto(standings),
        "ranking": ranking,
        "scores": [one.to_json() for depths in scored.values() for one in depths],
        "judged": {"rounds": len(course.rounds), "rows": num_judged},
    }


def _scored(course: Course, splits: Splits, refs: list[str]) -> tuple[dict[str, list[Scored]], dict[str, str]]:
    """Each model at every depth, scored on all rows there are to learn from; and why some were not."""
    found: dict[str, list[Scored]] = {}
    late: dict[str, str] = {}
    for ref in refs:
        try:
            course.clock.allow(0)
            found[ref] = scores.of(ways.frozen_job(course, rounds.together(splits), ref, times=1.0), ref)
        except OutOfTime as error:
            late[ref] = str(error)
    return found, late


def _grown(course: Course, whole: Scored | None, standings: list[Standing], not_tried: dict[str, str]) -> Worth:
    """The curves of the best model; where they leave it open whether fresh weights are better, those join the race."""
    if whole is None:
        return Worth(missing="no model was scored")
    if verdict.of(standings, primary=course.task.primary, seed=course.settings.seed).kind == "no-signal":
        return Worth(missing="no way is better than guessing")
    able = [one for one in standings if one.arm.kind == "baseline"]
    baseline = max(able, key=lambda one: (one.arm.name not in verdict.BLIND, one.value)).arm.name
    frozen = ways.of(course, [whole])[0]
    if frozen.kind == "scratch":
        return Worth(missing="the model has no pretrained weights")
    fresh = arms.from_scratch(whole.ref, whole.name, whole.blocks) if whole.blocks else None
    found = worth.of(course, frozen.name, ways.curve_of(course, whole, frozen), baseline, fresh)
    if fresh is not None and found.is_scratch_open:
        try:
            standings.append(race.to_the_end(course, fresh))
        except OutOfTime as late:
            not_tried[fresh.name] = str(late)
    return found
