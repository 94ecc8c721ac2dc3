"""Every task on real data with a pretrained model: the test rows, scored once, beside simple baselines.

Usage: python bench/tasks.py [NAME ...]
Writes bench/results/tasks.json and the table beside it, tasks.md. Settings are the defaults, which were chosen on
validation rows alone. EWT's training file is not among the data, so its development file is learnt from.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sst2

from headstart import record
from headstart.report import words

RESULTS = Path(__file__).resolve().parent / "results"
DATA = sst2.SST2.parents[1]
MOBILENET = DATA.parent / "weights" / "mobilenet-v1-0.75-224"
MINILM = ["--model", sst2.MINILM]
WNUT = [str(DATA / "token-classification" / "wnut17"), *MINILM]
EWT_DEV, EWT_TEST = (
    str(DATA / "token-classification" / "uner_english_ewt" / f"en_ewt-ud-{split}.iob2") for split in ("dev", "test")
)
EWT = [EWT_DEV, "--test", EWT_TEST, *MINILM]
SQUAD = [str(DATA / "question-answering" / "squad_v1.1_dev"), *MINILM]
BANKING = [str(DATA / "text-classification" / "banking77"), *MINILM]
DIGITS = str(DATA / "speech-to-text" / "fsdd")
LJSPEECH = str(DATA / "speech-to-text" / "ljspeech_subset")
FRESH = ["--strategy", "scratch", "--model", "starter:small-conformer"]
NUCLEI = [
    *(str(DATA / "semantic-segmentation" / "dsb2018_nuclei"), "--model", f"dir:{MOBILENET}", "--strategy", "full"),
    *("--epochs", "20", "--batch-size", "8", "--head-width", "64", "--augment", "crop,flip,color", "--budget", "18m"),
]
BCCD = [str(DATA / "object-detection" / "bccd"), "--model", f"dir:{MOBILENET}", "--strategy", "full"]
BCCD += ["--image-size", "320", "--image-scale", "0.5", "--head-width", "64", "--augment", "crop,flip"]
BCCD += ["--epochs", "24", "--lr", "0.002", "--batch-size", "8", "--budget", "38m"]
RUNS = {
    "banking77, frozen": [*BANKING, "--strategy", "frozen"],
    "banking77, full": [*BANKING, "--strategy", "full"],
    "WNUT-17, frozen": [*WNUT, "--strategy", "frozen"],
    "WNUT-17, full": [*WNUT, "--strategy", "full", "--budget", "14m"],
    "UNER English EWT, frozen": [*EWT, "--strategy", "frozen"],
    "UNER English EWT, full": [*EWT, "--strategy", "full"],
    "SQuAD 1.1 development set, full": [*SQUAD, "--strategy", "full", "--epochs", "1", "--budget", "29m"],
    "BCCD blood cells": BCCD,
    "spoken digits (fsdd), scratch": [DIGITS, *FRESH],
    "LJ Speech, 55 clips, scratch": [LJSPEECH, *FRESH, "--max-length", "10", "--budget", "10m"],
    "DSB 2018 nuclei, two classes": [*NUCLEI, "--columns", "label=masks"],
    "DSB 2018 nuclei, three classes": [*NUCLEI, "--columns", "label=masks_3class"],
}


def measured(name: str) -> dict[str, Any]:
    """One run in its own process, nothing cached."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "headstart",
            "fit",
            *RUNS[name],
            "--offline",
            "--out",
            str(out),
            "--skip-bad-rows",
        ]
        environment = {**os.environ, "HEADSTART_CACHE": str(Path(folder) / "cache")}
        subprocess.run(command, check=True, env=environment, capture_output=True)
        scores, facts = (json.loads((out / f"{name}.json").read_text()) for name in ("scores", "run"))
    return {
        "name": name,
        "date": datetime.date.today().isoformat(),
        "primary": (primary := scores["primary"]),
        "metrics": scores["metrics"],
        "per_class": scores.get("per_class", {}),
        "baselines": {method: figures[primary] for method, figures in scores["baselines"].items()},
        "gain": scores["gain"],
        "rows": facts["data"]["rows"],
        "validation": max(
            (epoch["validation"][primary] for epoch in facts["learning"] if primary in epoch.get("validation", ())),
            default=None,
        ),
        "seconds": facts["cost"]["actual"]["seconds"],
        "peak_mib": facts["cost"]["actual"]["peak_mib"],
        "recipe": facts["recipe"],
        "machine": facts["machine"],
    }


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = ["| data | model | score on test | baselines | time | memory |", "|---|---|---|---|---|---|"]
    for found in results:
        figure = found["metrics"][found["primary"]]
        ours = (
            f"{words.metric(found['primary'])} **{figure['value']:.3f}** ({figure['low']:.3f} to {figure['high']:.3f})"
        )
        others = ", ".join(f"{one['value']:.3f} {method}" for method, one in found["baselines"].items())
        lines.append(
            f"| {found['name']} | {_model(found['name'])} | {ours} | {others} | {found['seconds']:.0f} s "
            f"| {found['peak_mib']:,.0f} MiB |"
        )
    return "\n".join(lines) + "\n"


def _model(name: str) -> str:
    """What the run started from, as people call it."""
    said = RUNS[name][RUNS[name].index("--model") + 1]
    return said.removeprefix("dir:").rpartition("/")[2]


def main() -> None:
    """Measures what was asked for and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(RUNS), metavar="NAME", help="; ".join(RUNS))
    given = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"skipped: the data sets are not at {DATA}")
    path = RESULTS / "tasks.json"
    known = {found["name"]: found for found in json.loads(path.read_text())["results"]} if path.exists() else {}
    for name in given.names:
        known[name] = measured(name)
        results = [known[each] for each in RUNS if each in known]
        # written after each, so that an interruption loses one
        path.write_text(json.dumps({"versions": record.versions(), "results": results}, indent=1) + "\n")
        (RESULTS / "tasks.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
