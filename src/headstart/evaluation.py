"""Judging the model of a finished run on other labelled data; nothing is learnt and nothing is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from headstart import model, score
from headstart.contracts import SPLITS, Rows
from headstart.data.check import accept, check
from headstart.data.read import read
from headstart.data.truths.labels import separated
from headstart.errors import MismatchError
from headstart.model import Model
from headstart.progress import Listener, Stage, Warned, silent

TO_LEARN = "one-class"
"""A problem of rows to learn from alone: rows to judge with may all be of one class."""


def evaluate(
    run: str | Path,
    data: Any,
    *,
    columns: str | None = None,
    separator: str | None = None,
    offline: bool = False,
    trust: bool = False,
    listener: Listener = silent,
) -> dict[str, Any]:
    """The scores of a finished run's model on other labelled data; nothing is written.

    Args:
        run: A run folder or a model folder.
        data: As for `fit`; of a folder with splits the test split is taken.
        columns: As for `fit`.
        separator: As for `fit`.
        offline: Never ask the network, not even for a Hub data set.
        trust: Run code that the pretrained model came with, where it cannot be loaded without.
        listener: Is told what happens.
    """
    fitted = model.load(run, trust=trust)
    listener(Stage("data", "reading"))
    fields = {fitted.task_name: separated(fitted.task.fields, separator or "")}
    found = read(
        data, candidates=fields, task=fitted.task_name, columns=columns, palette=_palette(fitted), offline=offline
    )
    name = next(name for name in reversed(SPLITS) if name in found.splits)
    if name == "train" and found.sha256 == _learnt_from(Path(run)):
        listener(Warned("These are the rows the model was made from; scores on them say nothing about new ones."))
    checked = check(found)
    checked = dataclasses.replace(checked, problems=tuple(one for one in checked.problems if one.kind != TO_LEARN))
    rows = _known_labels(accept(checked, skip_bad_rows=False).splits[name], fitted)
    listener(Stage("score", f"{len(rows):,} rows"))
    predictions = fitted.predict(fitted.task.items(rows))
    return score.evaluate(fitted.task, fitted.learned, predictions, rows, split=name)


def _learnt_from(run: Path) -> str | None:
    """The fingerprint of the data a run was made from, where the run folder is there to say."""
    path = run / "run.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["data"]["sha256"]) if path.is_file() else None


def _palette(fitted: Model) -> dict[str, str] | None:
    """What the values in masks stand for, as it was when the model learnt; None of tasks without masks."""
    if not any(field.kind == "mask" for field in fitted.task.fields):
        return None
    return dict(zip(fitted.learned.values, fitted.learned.names, strict=True))


def _known_labels(rows: Rows, fitted: Model) -> Rows:
    """The rows, if the model has all of their classes; a word that no model can write is one it gets wrong."""
    if any(field.kind == "transcript" for field in fitted.task.fields):
        return rows
    unknown = sorted(set(fitted.task.names(fitted.task.learn(rows))) - set(fitted.names))
    if unknown:
        raise MismatchError(
            f'The data has the class "{unknown[0]}", which the model does not know. It has: {", ".join(fitted.names)}.'
        )
    return rows
