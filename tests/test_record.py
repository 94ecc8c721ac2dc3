"""What a run writes down: parameters counted by hand, predictions that another program can read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from torch import nn

import families
from headstart import record
from headstart.contracts import Rows
from headstart.network import Headed, Whole
from headstart.readings import Reading
from headstart.sources import dir as folders
from headstart.tasks import text_classification
from headstart.tasks.classes.single import Classes

HEAD = 32 * 2 + 2
"""A linear layer from 32 numbers to two classes."""


def test_of_a_network_that_was_trained_as_a_whole_it_is_told_how_much_moved(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ("a", "b")))
    total = sum(parameter.numel() for parameter in whole.parameters())
    assert record.parameters(whole, 7) == {"total": total, "trained": 7}


def test_of_a_network_that_was_not_only_the_head_counts_as_trained(family: families.Family) -> None:
    backbone = folders.load(str(family("bert")), revision=None, offline=True)
    headed = Headed(backbone, Reading(((1,),)), nn.Linear(32, 2))
    whole = Whole(backbone.task_module("AutoModelForSequenceClassification", ("a", "b")))
    assert record.parameters(headed, None)["trained"] == HEAD
    assert record.parameters(whole, None)["trained"] == HEAD


def test_predictions_are_written_beside_their_rows(tmp_path: Path) -> None:
    rows = Rows(pa.table({"text": ["x", "y"], "label": ["a", "b"], "file": ["f", "f"], "row": [1, 2]}))
    answers = [
        {"label": "a", "confidence": 0.9, "probabilities": {"a": 0.9, "b": 0.1}},
        {"label": "a", "confidence": 0.6, "probabilities": {"a": 0.6, "b": 0.4}},
    ]

    columns = text_classification.columns(answers, rows, Classes(("a", "b")))
    record.write_predictions(tmp_path / "p.parquet", rows, columns)

    assert parquet.read_table(tmp_path / "p.parquet").to_pylist() == [
        dict(
            text="x",
            label="a",
            file="f",
            row=1,
            prediction="a",
            confidence=0.9,
            correct=True,
            **{"p:a": 0.9, "p:b": 0.1},
        ),
        dict(
            text="y",
            label="b",
            file="f",
            row=2,
            prediction="a",
            confidence=0.6,
            correct=False,
            **{"p:a": 0.6, "p:b": 0.4},
        ),
    ]


def test_the_machine_has_cores_and_memory() -> None:
    machine = record.machine()
    assert machine["cpu"]
    assert machine["cores"] >= 1
    assert machine["memory_mib"] is None or machine["memory_mib"] > 100


def test_versions_are_those_installed() -> None:
    import torch
    import transformers

    versions = record.versions()
    assert versions["torch"] == torch.__version__
    assert versions["transformers"] == transformers.__version__
