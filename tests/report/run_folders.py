"""Run folders made by hand: the smallest files a finished run has, and changes to them by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

TEXTS = ("A warm, funny film.", "Two hours I want back.", "It is fine.")


def metrics(accuracy: float, low: float, high: float) -> dict[str, Any]:
    """Accuracy and macro F1 of one method, the F1 a hundredth below."""
    f1 = {"value": accuracy - 0.01, "low": low - 0.01, "high": high - 0.01, "method": "percentile bootstrap"}
    return {"accuracy": {"value": accuracy, "low": low, "high": high, "method": "Wilson score"}, "f1_macro": f1}


def run_json(**changed: Any) -> dict[str, Any]:
    """A frozen run on text."""
    return {
        "headstart": "0.1.0",
        "created": "2025-11-23T18:00:00+00:00",
        "task": "text-classification",
        "data": {
            "asked": "/home/ada/work/reviews.csv",
            "sha256": "ab" * 32,
            "rows": {"train": 480, "validation": 0, "test": 120},
            "how": 'The test rows are 20 % of "/home/ada/work/reviews.csv", drawn with seed 0.',
        },
        "settings": {"strategy": "frozen", "model": None, "seed": 7, "max_length": 128, "skip_bad_rows": True},
        "model": {
            "asked": "hf:sentence-transformers/all-MiniLM-L6-v2",
            "source": "hf",
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "revision": "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            "license": "apache-2.0",
            "sha256": {"model.safetensors": "53" * 32},
            "why": "No --model was given: took the best text model on this machine.",
        },
        "boundary": 7,
        "num_blocks": 6,
        "reading": "mean of layers 4-6",
        "precision": "float32",
        "parameters": {"total": 22713986, "trained": 770},
        "cost": {
            "foreseen": {"seconds": 8.0, "peak_mib": 900.0, "disk_mib": 87.0, "kilojoules": None, "money": None},
            "actual": {"seconds": 7.2, "peak_mib": 931.0, "disk_mib": 87.1, "kilojoules": None, "money": 0.002},
        },
        "seconds": {"read and check": 0.4, "features": 5.1, "head": 1.2, "total": 7.2},
        "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
        "machine": {"cpu": "Some CPU @ 2.0 GHz", "cores": 2, "memory_mib": 7800},
        "notes": ["Took the best text model on this machine."],
        "warnings": ["3 of 600 inputs were cut at 128 tokens."],
        "learning": linear_learning(),
        **changed,
    }


def linear_learning() -> list[dict[str, Any]]:
    """What a linear head tried: two readings screened, both cross-validated at three strengths."""
    readings = ("mean of layers 4-6", "5")
    screened = [{"reading": name, "leave_one_out_accuracy": 0.8 + 0.01 * at} for at, name in enumerate(readings)]
    tried = [
        {"reading": name, "strength": strength, "log_loss": 0.5 - 0.1 * gain, "accuracy": 0.8 + 0.02 * gain}
        for name in readings
        for strength, gain in ((0.001, 0), (0.01, 1.5), (0.1, 1))
    ]
    return screened + tried


def epochs() -> list[dict[str, Any]]:
    """What a trained model went through."""
    figures = ((0.52, 0.84), (0.31, 0.88), (0.22, 0.87))
    return [
        {"epoch": number, "loss": loss, "validation": {"accuracy": accuracy}}
        for number, (loss, accuracy) in enumerate(figures, start=1)
    ]


def scores_json(names: Sequence[str] = ("neg", "pos"), **changed: Any) -> dict[str, Any]:
    """Scores of a run that beats its baseline; every class has nine rows right and one taken for the next class."""
    size = len(names)
    counts = [[9 * (i == j) + (j == (i + 1) % size) for j in range(size)] for i in range(size)]
    return {
        "split": "test",
        "rows": 10 * size,
        "primary": "accuracy",
        "metrics": {**metrics(0.9, 0.83, 0.95), "log_loss": {"value": 0.31}},
        "per_class": {name: {"precision": 0.9, "recall": 0.9, "f1": 0.9, "support": 10} for name in names},
        "confusion": {"names": list(names), "counts": counts},
        "calibration": {
            "ece": 0.031,
            "bins": [
                {"low": 0.4, "high": 0.6, "confidence": 0.52, "accuracy": 0.5, "count": 4},
                {"low": 0.8, "high": 1.0, "confidence": 0.93, "accuracy": 0.97, "count": 16},
            ],
        },
        "baselines": {
            "majority class": metrics(0.5, 0.4, 0.6),
            "TF-IDF + logistic regression": metrics(0.8, 0.72, 0.86),
        },
        "gain": {
            "over": "TF-IDF + logistic regression",
            "value": 0.1,
            "low": 0.04,
            "high": 0.16,
            "method": "paired bootstrap",
        },
        "verdict": "The pretrained model is worth it: it reaches accuracy 0.900 [0.830, 0.950].",
        **changed,
    }


def check_json(names: Sequence[str] = ("neg", "pos"), **changed: Any) -> dict[str, Any]:
    """What the check of the data said, one warning among it."""
    problem = {"severity": "warning", "kind": "near-duplicate", "message": "reviews.csv, row 9: nearly row 4."}
    return {
        "task": "text-classification",
        "layout": "one file",
        "splits": {"train": 40 * len(names), "test": 10 * len(names)},
        "classes": {name: {"train": 40, "test": 10} for name in names},
        "problems": [{**problem, "file": "reviews.csv", "row": 9, "field": "text"}],
        "facts": {"tokens-per-word": 1.31, "truncated": 3},
        **changed,
    }


def text_predictions(texts: Sequence[str] = TEXTS, names: Sequence[str] = ("neg", "pos")) -> pa.Table:
    """Rows of the first class; all but the last are taken for the second, each less surely than the one before."""
    wrong = [index < len(texts) - 1 for index in range(len(texts))]
    return pa.table(
        {
            "text": list(texts),
            "label": [names[0]] * len(texts),
            "file": ["/home/ada/work/reviews.csv"] * len(texts),
            "row": list(range(1, len(texts) + 1)),
            "prediction": [names[1] if is_wrong else names[0] for is_wrong in wrong],
            "confidence": [0.99 - 0.01 * index for index in range(len(texts))],
            "correct": [not is_wrong for is_wrong in wrong],
            f"p:{names[0]}": [0.5] * len(texts),
            f"p:{names[1]}": [0.5] * len(texts),
        }
    )


def image_predictions(images: Sequence[Path]) -> pa.Table:
    """The pictures, every one taken for a "5"."""
    paths = [str(image) for image in images]
    return pa.table(
        {
            "image": paths,
            "label": ["3"] * len(paths),
            "file": paths,
            "row": [1] * len(paths),
            "prediction": ["5"] * len(paths),
            "confidence": [0.9] * len(paths),
            "correct": [False] * len(paths),
        }
    )


def finished(
    folder: Path,
    *,
    run: dict[str, Any] | None = None,
    scores: dict[str, Any] | None = None,
    check: dict[str, Any] | None = None,
    predictions: pa.Table | None = None,
) -> Path:
    """A run folder with these contents, and our own where none are given."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(b"\0" * 2**20)
    for name, told in (
        ("run", run or run_json()),
        ("scores", scores or scores_json()),
        ("check", check or check_json()),
    ):
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "events.jsonl").write_text('{"event": "stage", "name": "read", "detail": ""}\n', encoding="utf-8")
    parquet.write_table(text_predictions() if predictions is None else predictions, folder / "predictions.parquet")
    return folder


LAYER: dict[str, Any] = {"name": "", "shape": [], "kernel": [], "stride": 1, "groups": 1, "parameters": 0, "count": 1}
UNIT: dict[str, Any] = {
    "attention": None,
    "feed_forward": None,
    "layers": [],
    "norm": None,
    "norm_place": None,
    "activation": None,
    "count": 1,
}
PART: dict[str, Any] = {"units": [], "layers": [], "flops": 0, "output": []}


def bert_facts() -> dict[str, Any]:
    """The anatomy of all-MiniLM-L6-v2 as run.json has it, by its config: six blocks of 12 heads."""
    square = [384, 384]
    heads = {
        "heads": 12,
        "head_width": 32,
        "is_fused": False,
        **dict.fromkeys(("query", "key", "value", "output"), square),
    }
    unit = {
        **UNIT,
        "kind": "BertLayer",
        "parameters": 1_774_464,
        "attention": heads,
        "feed_forward": {"width": 384, "inner": 1536, "is_gated": False},
        "norm": "LayerNorm",
        "norm_place": "after",
        "activation": "GELU",
    }
    words = {**LAYER, "kind": "Embedding", "name": "embeddings.word_embeddings", "shape": [30522, 384]}
    pooler = {**LAYER, "kind": "Linear", "name": "pooler.dense", "shape": square}
    blocks = {
        **PART,
        "first": 1,
        "last": 6,
        "kind": "BertLayer",
        "parameters": 1_774_464,
        "units": [unit],
        "flops": 478_150_656,
    }
    return {
        **_facts("hf:sentence-transformers/all-MiniLM-L6-v2", "BertModel", 22_713_216, num_blocks=6),
        "modality": "text",
        "max_tokens": 512,
        "stem": {**PART, "first": 0, "last": 0, "kind": "stem", "parameters": 11_918_592, "layers": [words]},
        "blocks": [blocks],
        "top": {**PART, "first": 7, "last": 7, "kind": "top", "parameters": 147_840, "layers": [pooler]},
        "work": _work("token", 128, linear=2_718_203_904, products=150_994_944),
    }


def resnet_facts() -> dict[str, Any]:
    """The anatomy of a ResNet of two stages, the upper with 16 times the parameters of the stem."""
    kernel = {**LAYER, "kind": "Conv2d", "shape": [8, 8], "kernel": [3, 3]}
    unit = {**UNIT, "kind": "ResNetBasicLayer", "parameters": 1_000, "layers": [kernel]}
    sizes = enumerate((4_000, 16_000), start=1)
    blocks = [
        {**PART, "first": at, "last": at, "kind": "ResNetStage", "parameters": size, "units": [unit]}
        for at, size in sizes
    ]
    pooling = {**LAYER, "kind": "AdaptiveAvgPool2d"}
    return {
        **_facts("starter:some", "ResNetModel", 21_000, num_blocks=2),
        "modality": "image",
        "max_tokens": 0,
        "stem": {**PART, "first": 0, "last": 0, "kind": "stem", "parameters": 1_000, "layers": [kernel]},
        "blocks": blocks,
        "top": {**PART, "first": 3, "last": 3, "kind": "top", "parameters": 0, "layers": [pooling]},
        "work": _work("image", 1, convolution=1_000_000),
    }


def _facts(model: str, kind: str, parameters: int, *, num_blocks: int) -> dict[str, Any]:
    sizes = {"float32": 4 * parameters, "bfloat16": 2 * parameters, "int8": parameters}
    known = {"model": model, "kind": kind, "parameters": parameters, "num_blocks": num_blocks, "num_bytes": sizes}
    return {**known, "digest": "00", "widths": [384] * (num_blocks + 1), "is_cut_at_the_ends_only": False}


def _work(unit: str, size: float, **counts: int) -> dict[str, Any]:
    found = {"linear": 0, "convolution": 0, "products": 0, **counts}
    return {"item": f"{size} of it", "unit": unit, "size": size, **found, "total": sum(found.values())}
