"""The fitted thing: it answers, is saved as a plain model folder, and comes back from it unchanged.

What a folder holds is described in docs/model-folder.md; how a network came about is `train`'s business.
"""

# N rows, C classes

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from headstart import answering, plug
from headstart.answering import Answers
from headstart.contracts import Backbone, Encoded, Frame, Learned, PlaceTask, Prediction, Task
from headstart.data.fields import content
from headstart.errors import ModelError, ModelNotFound, OutputError
from headstart.heads import layers, snippets
from headstart.heads.form import Form
from headstart.network import Headed, class_of
from headstart.readings import Reading
from headstart.settings import LONG, PAIRED, PAUSES, WINDOWS
from headstart.sources import _folder, _ref
from headstart.sources.cards.snippets import OF_TOKENS, OF_WINDOWS
from headstart.writer import Writer, whole_of

FACTS = "headstart.json"
"""Our own facts about a model folder; written last, so that a folder without it is unfinished."""
HEAD = "head.safetensors"
USUAL = """import headstart

answers = headstart.load(".").predict(["photo.jpg"])  # this folder, your images
"""
"""For the model card where only headstart puts together what the folder holds."""
FORMAT = 2
READ = (1, 2)
"""Formats that are read; the first knew averages only, and texts that are cut."""


@dataclass(frozen=True)
class Model:
    """A trained network with everything between a user's item and an answer."""

    task_name: str
    learned: Learned
    backbone: Backbone
    network: nn.Module
    max_length: int | None = None
    long: str = "cut"
    frame: Frame | None = None

    @property
    def task(self) -> Task:
        """The task it was trained for."""
        task: Task = plug.load("tasks", self.task_name)
        return task

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the outputs."""
        return self.task.names(self.learned)

    def logits(self, items: Sequence[Any]) -> npt.NDArray[np.float32]:
        """The network's raw output, shape (N, C), in the order of `names`; exact fp32."""
        assert self.task.per == "row", "by token there is an output for each item, in `answers`"
        return np.asarray(self.answers(items).output.numpy())

    def answers(self, items: Sequence[Any]) -> Answers:
        """The network's raw output, exact fp32, and what tokens or inputs cover where answers belong to those."""
        import torch

        if not len(items):
            return Answers([], []) if self.task.per != "row" else Answers(torch.zeros(0, len(self.names)))
        return answering.of(self.network, self._encoded(items), self.task.per)

    def _encoded(self, items: Sequence[Any]) -> Encoded:
        long, where = self.long, self.task.per != "row"
        return self.backbone.prepare(list(items), max_length=self.max_length, long=long, where=where, frame=self.frame)

    def predict(self, items: Sequence[Any]) -> list[Prediction]:
        """One decoded answer for each item.

        Args:
            items: What the task reads: texts; or images as paths, Pillow images or uint8 arrays (H, W, 3).

        Example:
            headstart.load("runs/reviews").predict(["Worth every penny."])[0]["label"]
        """
        if not len(items):
            return []
        answers: list[Prediction] = []
        for numbers, found in answering.some(self.network, self._encoded(items), self.task.per):
            some = [items[number] for number in numbers]
            answers += self.task.decode(found.output, self.learned, some, found.where)
        return answers

    def predict_proba(self, items: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Probabilities, shape (N, C), in the order of `names`."""
        rows = [[answer["probabilities"][name] for name in self.names] for answer in self.predict(items)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.names))

    def save(self, folder: str | Path, *, card: str | None = None) -> Path:
        """Writes the model folder; the file that makes it count comes last.

        Args:
            folder: Must not exist, or be empty.
            card: The text of README.md.

        Raises:
            OutputError: The folder has something in it, or cannot be written.
        """
        folder = Path(folder)
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f'"{folder}" is not empty. Name a folder that does not exist yet.')
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.backbone.save(self.network.module, folder)  # type: ignore[arg-type]
            if isinstance(self.network, Headed):
                save_file(dict(self.network.head.state_dict()), folder / HEAD)
                if (pooling := self.backbone.pooling) is not None and pooling == self.network.form.pool:
                    _folder.write_pooling(folder, pooling, self.backbone.widths[-1])
            (folder / "README.md").write_text(card or f"# {self.task_name}\n\n{usage(self)}\n", encoding="utf-8")
            (folder / FACTS).write_text(json.dumps(self._facts(), indent=1, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            raise OutputError(f'"{folder}" cannot be written: {error.strerror or error}.') from error
        return folder

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "task": self.task_name,
            "learned": self.task.to_json(self.learned),
            "max_length": self.max_length,
            "long": self.long,
            "frame": None if self.frame is None else vars(self.frame),
            "head": _head_facts(self.network),
            "base_model": str(self.backbone.ref),
        }


def _head_facts(trained: nn.Module) -> dict[str, Any] | None:
    """How to build our own head again; None where the ecosystem's class holds everything."""
    if not isinstance(trained, Headed):
        return None
    return {**trained.form.to_json(), "groups": [list(group) for group in trained.reading.groups]}


def load(folder: str | Path, *, trust: bool = False) -> Model:
    """The model of a run folder or of a model folder, ready to answer.

    Args:
        folder: Made by a fit, or by `Model.save`.
        trust: Run code that the pretrained model came with, where it cannot be loaded without.

    Raises:
        ModelNotFound: There is no finished headstart model in the folder.
        UnsafeModel: Somebody put code or pickles into it.
    """
    folder = Path(folder)
    folder = folder / "model" if (folder / "model" / FACTS).is_file() else folder
    if not (folder / FACTS).is_file():
        raise ModelNotFound(
            f'"{folder}" holds no finished model: {FACTS} is missing. Give a folder made by `headstart fit`.'
        )
    facts = _read_facts(folder / FACTS)
    task: Task = plug.load("tasks", facts["task"])
    learned = task.from_json(facts["learned"])
    backbone = _ref.load(f"dir:{folder}", offline=True, trust=trust)
    trained = _network(backbone, task, learned, facts["head"], folder)
    frame = None if facts["frame"] is None else Frame(**facts["frame"])
    return Model(facts["task"], learned, backbone, trained.eval(), facts["max_length"], facts["long"], frame)


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} is damaged: {error}. Copy the model folder again.") from error
    if not isinstance(facts, dict) or facts.get("format") not in READ:
        raise ModelError(f"{path} has a format this version does not read (it reads {FORMAT}). Update headstart.")
    facts = {"frame": None, **(facts if facts["format"] == FORMAT else {**facts, "long": "cut"})}
    for name in ("task", "learned", "head", "max_length", "long"):
        if name not in facts:
            raise ModelError(f'{path} is damaged: it has no "{name}". Copy the model folder again.')
    if facts["long"] not in (*LONG, WINDOWS, PAUSES, PAIRED):
        raise ModelError(f'{path} is damaged: "long" is "{facts["long"]}". Copy the model folder again.')
    return facts


def _network(backbone: Backbone, task: Task, learned: Learned, head: dict[str, Any] | None, folder: Path) -> nn.Module:
    if head is None:
        return whole_of(task, learned, backbone.task_module(class_of(task, backbone) or task.auto_class, None))
    try:
        form, reading = Form.from_json(head), Reading(tuple(map(tuple, head["groups"])))
        build = cast(PlaceTask, task).layers if form.reads_maps else layers.build
        built = build(form, len(task.names(learned)))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{folder / FACTS} is damaged: it does not say how to build the head ({error}). Copy the folder again."
        ) from error
    try:
        built.load_state_dict(load_file(folder / HEAD))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ModelError(f'The head in "{folder / HEAD}" cannot be read: {str(error).splitlines()[0]}') from error
    return Headed(backbone, reading, built, form)


def usage(model: Model) -> str:
    """Python that opens the folder without headstart and reproduces its predictions; goes into the model card."""
    if model.task.per == "place":
        kind = type(model.backbone.module).__module__
        # the processor of what wraps timm's models resizes whatever it is told
        is_plain = kind.startswith("transformers.models.") and not kind.startswith("transformers.models.timm_wrapper.")
        return model.task.snippet if is_plain else USUAL
    if not isinstance(model.network, Headed):
        own_class = class_of(model.task, model.backbone)
        opened = model.backbone.usage(own_class, max_length=model.max_length, long=_read_as(model))
        if isinstance(model.network, Writer):
            return opened  # it leaves texts, not numbers
        merging = OF_TOKENS if model.backbone.modality == "audio" and model.long == WINDOWS else ""
        return opened + merging + model.task.snippet
    opening = model.backbone.usage(None, max_length=model.max_length, long=_read_as(model))
    reads_in_parts = model.backbone.max_tokens or model.backbone.modality == "audio"
    merging = {"chunks": OF_WINDOWS, WINDOWS: OF_TOKENS}.get(model.long, "") if reads_in_parts else ""
    trained, told = model.network, (model.names, model.backbone.modality)
    return snippets.code(trained.form, opening, trained.reading.groups, *told, after=merging) + model.task.snippet


def _read_as(model: Model) -> str:
    """How the snippet of the card reads items: pairs in windows, or as the model reads long ones."""
    return "pairs" if model.long == WINDOWS and len(content(model.task.fields)) > 1 else model.long
