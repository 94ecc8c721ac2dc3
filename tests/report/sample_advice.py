"""An advice.json made by hand, as an advice on reviews would write it, and the kinds of verdict it may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sample_curves import CROSSING, three

MODEL = "hf:sentence-transformers/all-MiniLM-L6-v2"
NAME = "sentence-transformers/all-MiniLM-L6-v2"
TFIDF = "TF-IDF + logistic regression"


def way(
    name: str,
    kind: str,
    score: tuple[float, float, float],
    *,
    settings: Mapping[str, Any] | None = None,
    blocks: int = 6,
    epochs: tuple[int, int] = (1, 1),
    cost: tuple[float, float] | None = None,
    seconds: float = 21.4,
) -> dict[str, Any]:
    """A standing; `cost` is milliseconds for an answer and MiB."""
    answering = None if cost is None else {"p50_ms": cost[0], "p95_ms": 1.3 * cost[0], "items_per_second": 240.0}
    return {
        "name": name,
        "kind": kind,
        "settings": dict(settings or {}),
        "blocks": 0 if kind == "baseline" else blocks,
        "score": dict(zip(("value", "low", "high"), score, strict=True)),
        "epochs": epochs[0],
        "of_epochs": epochs[1],
        "seconds": 0.0 if kind == "baseline" else seconds,
        "answering": answering,
        "mib": None if cost is None else cost[1],
    }


FROZEN = way(
    f"{NAME}, lowest 4 blocks, frozen",
    "pretrained",
    (0.884, 0.866, 0.900),
    settings={"model": MODEL, "strategy": "frozen", "blocks": 4, "read": "3"},
    blocks=4,
    cost=(4.27, 73.1),
)
WAYS = [
    way(f"{NAME}, all trained", "pretrained", (0.886, 0.868, 0.902), epochs=(2, 4), cost=(6.1, 86.7), seconds=192),
    FROZEN,
    way(f"{NAME}, frozen", "pretrained", (0.871, 0.852, 0.888), cost=(6.2, 86.7)),
    way(f"{NAME}, top 2 blocks trained", "pretrained", (0.869, 0.85, 0.887), epochs=(1, 6), cost=(6.1, 86.7)),
    way(TFIDF, "baseline", (0.812, 0.790, 0.832)),
    way(f"{NAME}, from fresh weights", "scratch", (0.795, 0.772, 0.816), epochs=(30, 30), cost=(6.0, 86.7)),
    way("majority class", "baseline", (0.502, 0.475, 0.529)),
]
WHY_NOT = {
    WAYS[0]["name"]: "accuracy 0.886, no better by more than 0.005, and dearer",
    WAYS[2]["name"]: "accuracy 0.871; as good with a probability of 3%",
    WAYS[3]["name"]: "accuracy 0.869 after 1 of 6 epochs; as good with a probability of 2%",
    TFIDF: "accuracy 0.812; as good with a probability below 1%",
    WAYS[5]["name"]: "accuracy 0.795; as good with a probability below 1%",
    "majority class": "accuracy 0.502; as good with a probability below 1%",
}
PRETRAINED = (
    f"Use the pretrained model: {FROZEN['name']}; expect accuracy 0.891 [0.859, 0.920] on the 400 test rows, "
    f"learning from all 1,200; from 800 it reached 0.884, against 0.812 for {TFIDF} (gain +0.072 [+0.052, +0.092])."
)
EXPECTED = {"value": 0.891, "low": 0.859, "high": 0.92, "learns": 1200, "learnt": 800, "judged": 400}


def facts(**changed: Any) -> dict[str, Any]:
    """An advice that takes the lowest blocks of a model, frozen."""
    return {
        "headstart": "0.1.0",
        "created": "2025-11-23T18:00:00+00:00",
        "task": "text-classification",
        "primary": "accuracy",
        "data": "data/my reviews.csv",
        "folder": "advice/my reviews-1",
        "rows": {"train": 1080, "validation": 120},
        "left_out": {"hf:org/large": "1,340 MiB is more than 100MB"},
        "verdict": {
            "kind": "pretrained",
            "sentence": PRETRAINED,
            "taken": FROZEN,
            "expected": EXPECTED,
            "why_not": WHY_NOT,
            "not_tried": {f"{NAME}, lowest 4 blocks, all trained": "would take 240 s, and 61 s are left"},
        },
        "standings": WAYS,
        "worth": worth(),
        "pareto": [WAYS[0]["name"], FROZEN["name"]],
        "ranking": [
            {"model": MODEL, "mean_rank": 1.25, "probability_of_best": 0.93},
            {"model": "starter:tiny-words", "mean_rank": 1.75, "probability_of_best": 0.07},
        ],
        "scores": [depth(number) for number in range(1, 7)],
        "judged": {"rounds": 3, "rows": 1200},
        "asked": {"candidates": [], "max_size": "100MB", "max_latency": None, "license": None, "seed": 3},
        "budget": 600.0,
        "spent": 571.2,
        "spent_on": {"baselines": 1.1, "arm": 405.0, "point": 122.0},
        "notes": ["test: 300 rows, 20% of train, stratified, seed 0."],
        "warnings": [],
        "machine": {"cpu": "AMD EPYC", "cores": 2, "memory_mib": 24105},
        "versions": {"torch": "2.13.0+cpu", "transformers": "5.23.0"},
        **changed,
    }


def depth(number: int) -> dict[str, Any]:
    """A model up to a block."""
    value = 0.80 + 0.02 * min(number, 4)
    return {
        "model": MODEL,
        "blocks": number,
        "reads": f"layer {number}",
        "parameters": 12_000_000 + 1_774_464 * number,
        "prior": 7.2,
        "own_classes": {"classes": 1001, "leep": -1.23, "nce": -1.31, "entropy": 2.3} if number == 6 else None,
        "scores": {"logme": 0.31, "hscore": 0.72, "loo_ridge": value, "nearest": value - 0.06},
        "accuracy": {"value": value, "low": value - 0.02, "high": value + 0.018, "method": "Wilson score"},
    }


def worth(**changed: Any) -> dict[str, Any]:
    """Three whole curves that cross."""
    names = (f"{NAME}, frozen", f"{NAME}, from fresh weights", TFIDF)
    curves = [{**curve, "name": name} for curve, name in zip(three(), names, strict=True)]

    def more(times: float, value: float) -> dict[str, Any]:
        score = {"value": value, "low": value - 0.012, "high": value + 0.011}
        gain = {"value": value - 0.88, "low": value - 0.9, "high": value - 0.87}
        return {"times": times, "rows": int(1600 * times), "score": score, "gain": gain}

    return {
        "curves": dict(zip(("pretrained", "scratch", "baseline"), curves, strict=True)),
        "more": [more(2.0, 0.894), more(4.0, 0.903)],
        "statement": {"kind": "scratch", "rows": 1600, "scratch": CROSSING, "baseline": None},
        "sentence": "With 1,600 rows training from scratch is best; beyond about 6,400 rows nothing can be told.",
        "missing": None,
        **changed,
    }


NO_CURVES = {"curves": {}, "more": [], "statement": None, "sentence": None, "missing": "no way is better than guessing"}


def of_kind(kind: str) -> dict[str, Any]:
    """The same standings with another verdict; figures and words need not fit each other here."""
    sentences = {
        "pretrained": PRETRAINED,
        "baseline": f"The simple baseline is enough: {TFIDF}; expect accuracy 0.812 [0.790, 0.832].",
        "scratch": f"Pretraining does not help here: {WAYS[5]['name']}; expect accuracy 0.795 [0.772, 0.816].",
        "no-signal": "No signal in these labels: the best of 6 ways reaches accuracy 0.510 [0.490, 0.530].",
        "not-enough-data": f"Not enough data to tell whether pretraining helps: {FROZEN['name']} is ahead.",
        "not-enough-time": f"Not enough time to tell: no model was trained, and {TFIDF} reaches accuracy 0.812.",
    }
    taken = {"pretrained": FROZEN, "baseline": WAYS[4], "scratch": WAYS[5], "not-enough-data": FROZEN}.get(kind)
    why = WHY_NOT if taken else {}
    verdict = {"kind": kind, "sentence": sentences[kind], "taken": taken, "why_not": why, "not_tried": {}}
    verdict["expected"] = taken and {**taken["score"], "learns": None, "learnt": None, "judged": 400}
    found = facts(verdict=verdict)
    if kind == "not-enough-time":
        bare = [one for one in WAYS if one["kind"] == "baseline"]
        found |= {"standings": bare, "pareto": [], "ranking": [], "scores": [], "worth": NO_CURVES, "left_out": {}}
    return found | ({"worth": NO_CURVES} if kind == "no-signal" else {})


def written(folder: Path, found: Mapping[str, Any]) -> Path:
    """The folder with the facts in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "advice.json").write_text(json.dumps(found), encoding="utf-8")
    return folder
