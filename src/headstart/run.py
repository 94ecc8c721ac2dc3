"""A run from data to a finished run folder, and the judging of one on other data. Each step is a call into its room."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headstart import folder, launch, learning, memory, plug, record, score, trackers, writer
from headstart.budget import budget
from headstart.contracts import Backbone, Prediction, Problem, Rows, Splits, Strategy, Task
from headstart.cost import Meter
from headstart.data.check import Accepted, Checked, accept, check
from headstart.data.fields import content
from headstart.data.findings.lengths import token_facts
from headstart.data.read import Found
from headstart.data.split import num_to_learn_from, split, to_hold_out
from headstart.errors import MismatchError, SettingError
from headstart.finding import find as find
from headstart.heads import form
from headstart.idle import idle
from headstart.journal import Journal, journal
from headstart.model import Model, usage
from headstart.progress import Listener, Measured, Note, Stage, Warned, silent
from headstart.report import page
from headstart.report.card import card
from headstart.settings import PAIRED, FitSettings
from headstart.sources import _ref
from headstart.strategies import _freezing
from headstart.train import learn


@dataclass(frozen=True)
class Run:
    """A finished run: where it is, the model it made, and how that scored."""

    folder: Path
    model: Model
    scores: Mapping[str, Any]


def fit(data: Any, settings: FitSettings, *, out: Path, resume: bool = False, listener: Listener = silent) -> Run:
    """A model learned from data, judged on rows it has not seen, and written with everything worth knowing.

    Args:
        data: A file, a folder, a Hub data set id, a data frame, an Arrow table or a list of dictionaries.
        settings: How to go about it.
        out: The run folder to make.
        resume: Go on with a run of the same data and settings that was interrupted.
        listener: Is told what happens while it happens.

    Raises:
        HeadstartError: Something the user can mend; nothing is left behind under `out`.
        Stopped: The user asked to stop; what was learnt is saved.
    """
    memory.be_frugal()
    launch.join()
    meter = Meter(settings.price_per_hour)
    budget(settings.budget, settings.price_per_hour)  # what cannot be read is refused before anything is done
    plug.load("strategies", settings.strategy)  # and a strategy or a tracker that is not there
    trackers.names(settings.tracker)
    building = folder.building(out, resume=resume) if launch.is_first() else folder.aside()
    with building as partial, journal(partial / folder.EVENTS, listener if launch.is_first() else silent) as log:
        log(Stage("data", "reading"))
        found = find(data, settings)
        task: Task = plug.load("tasks", found.task)
        backbone, why = choose_backbone(settings, task)
        log(Note(why))
        settings, strategy = _decided(settings, backbone, task, log)
        log.join(trackers.tracking(settings, partial, out))
        stages = strategy.stages(backbone, settings)
        chooses = functools.partial(strategy.needs_validation, settings, task)
        splits, checked = splits_of(found, settings, partial, log, chooses=chooses)
        facts = record.run_facts(found=found, splits=splits, settings=settings, ref=backbone.ref, why=why)
        source = str(data) if isinstance(data, str | os.PathLike) else None
        folder.agree(partial, dataclasses.asdict(settings), data=source, rows=found.sha256, model=backbone.digest())
        assert splits.test is not None, "a test split is always given or held out"
        around = learn.Around(launch.from_first(partial / folder.CHECKPOINT), meter, len(splits.test))
        ready = learning.Ready(found.task, backbone, splits, stages)
        fitted, learnt, several = learning.learn(ready, settings, log, around)
        if not launch.is_first():
            return Run(out, fitted, {})
        scores, predictions = _judge(fitted, splits, settings, log)
        scores["seeds"] = several
        facts["per"] = task.per
        facts |= _learnt_facts(learnt, stages[-1], fitted, log)
        fitted.save(partial / "model", card=card(facts, scores, usage(fitted)))
        record.write_predictions(
            partial / "predictions.parquet", splits.test, task.columns(predictions, splits.test, fitted.learned)
        )
        facts["cost"] = record.cost(log.foreseen, meter.so_far(partial), folder.size_of_checkpoints(partial))
        _write(partial, {"run": facts, "scores": scores, "check": checked})
    return Run(out, fitted, scores)


def _decided(settings: FitSettings, backbone: Backbone, task: Task, log: Journal) -> tuple[FitSettings, Strategy]:
    """The settings with a strategy that does what `--freeze` asks for, and the strategy; what plays no part is said.

    Raises:
        SettingError: The head that is asked for makes one vector of a row, and the task answers for parts of it; or
            there are no weights that the strategy could keep.
    """
    if settings.freeze is not None:
        settings = _freezing.settled(settings, backbone)
        log(Note(_freezing.said(settings)))
    strategy: Strategy = plug.load("strategies", settings.strategy)
    if backbone.is_fresh and settings.strategy != "scratch":
        raise SettingError(
            f'--strategy {settings.strategy}: "{backbone.ref}" is an architecture without weights, of which '
            f"nothing can be kept. Use --strategy scratch, or another --model."
        )
    if task.per == "token":
        form.verify_by_token(settings)
    if task.per == "place":
        form.verify_by_place(settings)
    writes = writer.writes(task, backbone)
    for said in idle(settings, _unused(strategy, settings, task), modality=task.modality, writes=writes):
        log(Warned(said))
    return settings, strategy


def _unused(strategy: Strategy, settings: FitSettings, task: Task) -> frozenset[str]:
    """The settings that play no part, by the strategy and by the task."""
    of_places = {"image_size", "image_scale"} if task.per != "place" else set()
    has_no_choice = task.per == "token" or len(content(task.fields)) > 1
    return strategy.unused(settings, task) | of_places | ({"long"} if has_no_choice else set())


def learn_items(items: list[Any], labels: list[str], settings: FitSettings, *, task_name: str) -> Model:
    """A model learnt from items in memory, all of them, without judging it or writing anything.

    Args:
        items: Texts, or pairs of them; or images as paths or as the bytes of an image file.
        labels: The class of each; of several a row the list, as rows hold it.
        settings: How to go about it; a strategy that needs a validation split holds its share out.
        task_name: What the items are for.
    """
    task: Task = plug.load("tasks", task_name)
    backbone, _ = choose_backbone(settings, task)
    settings = _freezing.settled(settings, backbone)
    strategy: Strategy = plug.load("strategies", settings.strategy)
    stages = strategy.stages(backbone, settings)
    parts = list(map(list, zip(*items, strict=True))) if isinstance(items[0], tuple) else [items]
    contents = dict(zip((field.name for field in content(task.fields)), parts, strict=True))
    rows = Rows(pa.table({**contents, "label": labels}))
    accepted = Accepted({"train": rows}, {"train": np.arange(len(rows), dtype=np.uint64)}, task.fields)
    size = to_hold_out(settings.validation_size, is_wanted=strategy.needs_validation(settings, task, len(rows)))
    splits = split(accepted, validation_size=size, test_size=None, seed=settings.seed)
    return learning.once(learning.Ready(task_name, backbone, splits, stages), settings, silent)[0]


def choose_backbone(settings: FitSettings, task: Task) -> tuple[Backbone, str]:
    """The model asked for, or the best one here, and why it was taken.

    Raises:
        ModelNotFound: It does not exist, or there is none here.
        MismatchError: It reads something else than the task's rows hold.
    """
    if settings.model is None:
        asked, why = _ref.best(task.modality, may_be_fresh=settings.strategy == "scratch")
    else:
        asked, why = settings.model, f"{settings.model} was asked for."
    backbone = _ref.load(asked, revision=settings.revision, offline=settings.offline, trust=settings.trust)
    if backbone.modality != task.modality:
        raise MismatchError(
            f'"{asked}" reads {backbone.modality} and the rows hold {task.modality}. Choose another --model or none.'
        )
    if task.per != "row" and not backbone.blocks:
        raise MismatchError(
            f'"{asked}" gives one vector for a row, and this task needs one for each {task.per}. Choose another.'
        )
    if len(content(task.fields)) > 1 and not backbone.blocks:
        raise MismatchError(f'"{asked}" reads one text at a time, and the rows hold two each. Choose another.')
    if settings.blocks is None:
        return backbone, why
    return backbone.shortened(settings.blocks), f"{why} Its lowest {settings.blocks} blocks are kept."


def splits_of(
    found: Found, settings: FitSettings, partial: Path, log: Journal, *, chooses: Callable[[int], bool]
) -> tuple[Splits, dict[str, Any]]:
    """Checked rows to learn from, choose with and judge with; what was found wrong is written down.

    Args:
        found: The rows as they were read.
        settings: Which shares are held out.
        partial: The folder for rows that are left out.
        log: Is told what was found.
        chooses: Whether of so many rows some are held out to choose with.
    """
    log(Stage("check", f"{sum(map(len, found.splits.values())):,} rows"))
    checked = check(found)
    accepted = accept(checked, skip_bad_rows=settings.skip_bad_rows)
    for problem in checked.problems:
        if problem.severity == "warning":
            log(Warned(problem.message))
    _write_rejected(partial, accepted)
    is_wanted = chooses(num_to_learn_from(accepted, test_size=settings.test_size))
    size = to_hold_out(settings.validation_size, is_wanted=is_wanted)
    splits = split(accepted, validation_size=size, test_size=settings.test_size, seed=settings.seed)
    log(Note(splits.how))
    return splits, check_facts(checked)


def check_facts(checked: Checked) -> dict[str, Any]:
    """What the check found, as check.json has it."""
    found = checked.found
    return {
        "task": found.task,
        "layout": found.layout,
        "said": list(found.said),
        "splits": {name: len(rows) for name, rows in found.splits.items()},
        "classes": checked.classes,
        "problems": [dataclasses.asdict(problem) for problem in checked.problems],
        "facts": dict(checked.facts),
    }


def _write_rejected(partial: Path, accepted: Accepted) -> None:
    if accepted.rejected:
        lines = (json.dumps(dict(row), ensure_ascii=False) for row in accepted.rejected)
        (partial / "rejected.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _judge(
    fitted: Model, splits: Splits, settings: FitSettings, log: Journal
) -> tuple[dict[str, Any], list[Prediction]]:
    """The scores of the model and of the baselines on the test rows, which nothing was chosen by."""
    assert splits.test is not None, "a test split is always given or held out"
    log(Stage("score", f"{len(splits.test):,} test rows"))
    predictions = fitted.predict(fitted.task.items(splits.test))
    log(Stage("baselines"))
    baselines = fitted.task.baselines(splits.train, splits.test, fitted.learned, seed=settings.seed)
    scores = score.evaluate(
        fitted.task, fitted.learned, predictions, splits.test, baselines=baselines, seed=settings.seed
    )
    called, is_pretrained = f"{fitted.backbone.ref.name}, {settings.strategy}", settings.strategy != "scratch"
    scores["verdict"] = score.verdict(scores, called, is_pretrained=is_pretrained)
    for name, figure in scores["metrics"].items():
        log(Measured(name, figure["value"], "test"))
    return scores, predictions


def _learnt_facts(learnt: learn.Learnt, boundary: int, fitted: Model, log: Journal) -> dict[str, Any]:
    if said := record.long_texts(learnt.long, fitted.long):
        log(said)
    backbone = fitted.backbone
    num_blocks = len(backbone.blocks)
    return {
        "boundary": boundary,
        "num_blocks": num_blocks,
        "anatomy": record.anatomy_of(backbone),
        "reading": learnt.reading,
        "precision": learnt.precision.dtype,
        "long": dict(learnt.long),
        "read_as": fitted.long,
        "augment": list(learnt.augment),
        "parameters": record.parameters(learnt.network, learnt.num_trained),
        "recipe": None if learnt.recipe is None else dataclasses.asdict(learnt.recipe),
        "learning": list(learnt.history),
        "notes": log.notes,
        "warnings": log.warnings,
        "seconds": log.seconds(),
    }


def _write(partial: Path, facts: Mapping[str, Any]) -> None:
    """What is known of the run, and the page, last because it reads the others."""
    for name, value in facts.items():
        folder.write_json(partial / f"{name}.json", value)
    page.write(partial)


def inspect_tokens(found: Found, settings: FitSettings) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """What a model's tokenizer makes of the texts: how many it would cut, tokens per word, unknown tokens."""
    task: Task = plug.load("tasks", found.task)
    if task.modality != "text":
        return {}, ()
    backbone, _ = choose_backbone(settings, task)
    if not backbone.max_tokens and settings.max_length is None:
        return {}, ()  # it reads texts of any length
    items = task.items(found.splits["train"])
    is_paired = task.per == "row" and len(content(task.fields)) > 1
    # both texts of a pair stand in one row; of a question and a text the second is what may be long
    texts = [(" ".join(item) if is_paired else item[-1]) if isinstance(item, tuple) else item for item in items]
    lengths, unknown = backbone.count_tokens(texts)
    limit = settings.max_length or backbone.max_tokens
    words, long = [len(text.split()) for text in texts], PAIRED if is_paired else settings.long
    facts, problems = token_facts(lengths, limit=limit, words=words, unknown=unknown, long=long)
    return facts, tuple(problems)
