"""What advice is worth: how far it falls short of trying everything, and how much less it costs.

Usage: python bench/advice.py [CELL ...]
Each cell is a data set with some of its training rows. Every candidate and strategy is trained fully, then `headstart
advise`, given a budget of 14 % of the time that took, and the fit it advises run with an empty cache; the test rows
are scored once for each.

A cell has its own file, bench/results/advice/CELL.json, written after every run; what is in it is not run again. A run
that was interrupted goes on where it was, and its earlier seconds count: it works in bench/work until it is done. So
cells may be measured in parts, on several machines too; the table advice.md is made of whatever files there are.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sst2

from headstart import record

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
CELL_FILES = RESULTS / "advice"
WORK = HERE / "work" / "advice"
NOTED = 10.0
"""Seconds after which a run's time so far is written down, in case it is killed."""
DATA = HERE.parents[1] / "shared"
BANKING = DATA / "data" / "text-classification" / "banking77"
DIGITS = DATA / "data" / "image-classification" / "sign_language_digits" / "images"
MOBILENET = DATA / "weights" / "mobilenet-v1-0.75-224"
Row = tuple[str, str]
SHARE = 0.14
"""What advice may take of the time that training everything took; starting and ending a process comes on top."""
TEXT_ARMS = {
    **{f"frozen, {blocks} blocks": ["--strategy", "frozen", "--blocks", str(blocks)] for blocks in range(1, 7)},
    "top 2": ["--strategy", "top", "--top", "2"],
    **{f"all, {blocks} blocks": ["--strategy", "full", "--blocks", str(blocks)] for blocks in (2, 4, 6)},
    "scratch": ["--strategy", "scratch"],
}
IMAGE_ARMS = {
    "frozen": ["--strategy", "frozen"],
    **{f"frozen, layer {layer}": ["--strategy", "frozen", "--read", str(layer)] for layer in (8, 16, 20, 23, 25)},
    "top 2": ["--strategy", "top", "--top", "2"],
    "all": ["--strategy", "full"],
    "scratch": ["--strategy", "scratch"],
}


def of_sst2(split: str) -> list[Row]:
    """Sentences and "0" or "1"; the validation rows are not used."""
    texts, labels = sst2.rows(split)
    return [(text, str(label)) for text, label in zip(texts, labels, strict=True)]


def of_banking(split: str) -> list[Row]:
    """Questions and one of 77 intents."""
    with (BANKING / f"{split}.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def of_digits(split: str) -> list[Row]:
    """Files and digits; one file in five of each digit, drawn with a fixed seed, is for test."""
    rows = [(str(path), path.parent.name) for path in sorted(DIGITS.glob("*/*"))]
    random.Random(0).shuffle(rows)
    return [row for number, row in enumerate(rows) if (number % 5 == 0) == (split == "test")]


SETS: Mapping[str, tuple[Callable[[str], list[Row]], str, str, Mapping[str, list[str]], tuple[int | None, ...]]] = {
    "sst2": (of_sst2, "text", sst2.MINILM, TEXT_ARMS, (100, 300, 1000, None)),
    "banking77": (of_banking, "text", sst2.MINILM, TEXT_ARMS, (300, 1000, 3000)),
    "digits": (of_digits, "image", f"dir:{MOBILENET}", IMAGE_ARMS, (50, 200, None)),
}
CELLS = {f"{name}-{size or 'all'}": (name, size) for name, (*_, sizes) in SETS.items() for size in sizes}


def written(rows: list[Row], content: str, path: Path) -> None:
    """A CSV file of the rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([(content, "label"), *rows])


def drawn(rows: list[Row], size: int | None) -> list[Row]:
    """The first rows; where these have not all classes, rows of each class by turns."""
    if len({label for _, label in rows[:size]}) == len({label for _, label in rows}):
        return rows[:size]
    turns: Counter[str] = Counter()
    in_turn = []
    for row in rows:
        in_turn.append((turns[row[1]], row))
        turns[row[1]] += 1
    return [row for _, row in sorted(in_turn, key=lambda pair: pair[0])][:size]


def files(cell: str, folder: Path) -> list[str]:
    """The training rows of a cell and all test rows as files, in the words of a command."""
    name, size = CELLS[cell]
    load, content, *_ = SETS[name]
    train = load("train")
    random.Random(1).shuffle(train)
    written(drawn(train, size), content, folder / "train.csv")
    written(load("test"), content, folder / "test.csv")
    return [str(folder / "train.csv"), "--test", str(folder / "test.csv"), "--offline"]


def run(*words: str, folder: Path) -> float:
    """Seconds of one headstart command with a cache of its own, those of attempts that were interrupted included."""
    noted = folder / f"{words[0]}.seconds"
    before = float(noted.read_text()) if noted.exists() else 0.0
    environment = {**os.environ, "HEADSTART_CACHE": str(folder / f"cache of {words[0]}")}
    began = time.perf_counter()
    command = [sys.executable, "-m", "headstart", *words]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(NOTED)
            noted.write_text(str(before + time.perf_counter() - began))
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}; the next start goes on from there.")
    return float(noted.read_text())


@contextlib.contextmanager
def place(*names: str) -> Iterator[Path]:
    """A folder to work in that stays until the work is done, so that the next start finds what this one left."""
    folder = WORK.joinpath(*(name.replace(", ", "-").replace(" ", "-") for name in names))
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def scored(out: Path) -> dict[str, Any]:
    """Test figures of a run: its own, and those of the baselines."""
    scores = json.loads((out / "scores.json").read_text())
    primary = scores["primary"]
    baselines = {name: figures[primary]["value"] for name, figures in scores["baselines"].items()}
    return {"value": scores["metrics"][primary]["value"], "baselines": baselines}


def brute(cell: str, arm: str) -> dict[str, Any]:
    """One candidate and strategy trained fully."""
    _, _, model, arms, _ = SETS[CELLS[cell][0]]
    with place(cell, arm) as folder:
        out, data = folder / "run", files(cell, folder)
        if not out.exists():
            run("fit", *data, "--model", model, *arms[arm], "--out", str(out), folder=folder)
        return {"seconds": float((folder / "fit.seconds").read_text()), **scored(out)}


def budget(brute: Mapping[str, Any]) -> str:
    """What advice on a cell may take."""
    return f"{SHARE * sum(arm['seconds'] for arm in brute.values()):.0f}s"


def advised(cell: str, limit: str) -> dict[str, Any]:
    """Advice within a limit of time, and what the fit it advises reaches; of a baseline, what that reaches."""
    model = SETS[CELLS[cell][0]][2]
    with place(cell, "advice") as folder:
        data, advice, out = files(cell, folder), folder / "advice", folder / "run"
        if not advice.exists():
            run("advise", *data, "--candidates", model, "--budget", limit, "--out", str(advice), folder=folder)
        seconds = float((folder / "advise.seconds").read_text())
        facts = json.loads((advice / "advice.json").read_text())
        taken = facts["verdict"]["taken"]
        how = ["--advice", str(advice)] if taken and taken["settings"] else ["--model", model]
        if not out.exists():
            run("fit", *data, *how, "--out", str(out), folder=folder)
        found = scored(out)
    reached = found["value"] if taken is None or taken["settings"] else found["baselines"][taken["name"]]
    return {
        "seconds": seconds,
        "budget": limit,
        "spent": facts["spent"],
        "spent_on": facts["spent_on"],
        "value": reached,
        # its settings name the model by where it lies on this machine
        "taken": None if taken is None else {name: given for name, given in taken.items() if name != "settings"},
        "expected": facts["verdict"]["expected"],
        "sentence": facts["verdict"]["sentence"],
    }


@dataclass(frozen=True)
class Outcome:
    """What advice was worth on a cell: the best way of all and its test score, and beside it the advised one.

    `regret` is in points, `share` that of what everything took; `is_expected` is None where nothing was expected.
    """

    best: str
    value: float
    regret: float
    share: float
    is_expected: bool | None


def outcome(found: Mapping[str, Any]) -> Outcome:
    """Of a cell that is whole. The advised way counts among all that were tried, so that no regret is below 0."""
    advice = found["advice"]
    arms = {name: arm["value"] for name, arm in found["brute"].items()}
    baselines = next(iter(found["brute"].values()))["baselines"]
    best, value = max({**arms, **baselines, "as advised": advice["value"]}.items(), key=lambda pair: pair[1])
    share = advice["seconds"] / sum(arm["seconds"] for arm in found["brute"].values())
    expected = advice["expected"]
    is_expected = None if expected is None else expected["low"] <= advice["value"] <= expected["high"]
    return Outcome(best, value, 100 * (value - advice["value"]), share, is_expected)


def line(cell: str, advice: Mapping[str, Any], came: Outcome) -> str:
    """A row of the table."""
    expected, taken = advice["expected"], advice["taken"]
    told = "" if expected is None else f"{expected['low']:.3f} to {expected['high']:.3f}"
    is_in = {None: "", True: "yes", False: "no"}[came.is_expected]
    name = "none" if taken is None else re.sub(r"^[\w.-]+/", "", taken["name"])
    return (
        f"| {cell} | {came.value:.3f}, {came.best} | {advice['value']:.3f}, {name} | {came.regret:.1f} "
        f"| {came.share:.0%} | {told} | {is_in} |"
    )


def table(results: Mapping[str, Any]) -> str:
    """The results as Markdown, with what they come to."""
    lines = [
        "| rows | best of all | advised | regret, points | cost of advice | it expected | within |",
        "|---|---|---|---|---|---|---|",
    ]
    whole = {cell: (found["advice"], outcome(found)) for cell, found in results.items() if "advice" in found}
    lines += [line(cell, advice, came) for cell, (advice, came) in whole.items()]
    came = [came for _, came in whole.values()]
    told = [one.is_expected for one in came if one.is_expected is not None]
    regret, share = (statistics.mean(getattr(one, name) for one in came) for name in ("regret", "share"))
    lines.append(f"| mean | | | **{regret:.1f}** | **{share:.0%}** | | {sum(told)} of {len(told)} |")
    return "\n".join(lines) + "\n"


def known(cell: str) -> dict[str, Any]:
    """What was measured of a cell until now."""
    path = CELL_FILES / f"{cell}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"brute": {}}
    return found


def keep(cell: str, found: Mapping[str, Any], name: str, value: Mapping[str, Any]) -> None:
    """Writes what is known of a cell, whole or not at all, and the table of all cells."""
    facts = {"date": datetime.date.today().isoformat(), "machine": record.machine(), "versions": record.versions()}
    CELL_FILES.mkdir(parents=True, exist_ok=True)
    fresh = CELL_FILES / f"{cell}.new"
    fresh.write_text(json.dumps({**found, **facts}, indent=1) + "\n")
    fresh.replace(CELL_FILES / f"{cell}.json")
    write_table()
    print(cell, name, value["value"], f"{value['seconds']:.0f} s", file=sys.stderr, flush=True)


def write_table() -> None:
    """The table of all cells that are whole."""
    cells = {each: known(each) for each in CELLS}
    if any("advice" in found for found in cells.values()):
        (RESULTS / "advice.md").write_text(table(cells))


def main() -> None:
    """Runs what is not known yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", default=list(CELLS), metavar="CELL", help=", ".join(CELLS))
    given = parser.parse_args()
    sst2.need_data()
    for cell in given.cells:
        found = known(cell)
        for arm in SETS[CELLS[cell][0]][3]:
            if arm not in found["brute"]:
                found["brute"][arm] = brute(cell, arm)
                keep(cell, found, arm, found["brute"][arm])
        if "advice" not in found:
            found["advice"] = advised(cell, budget(found["brute"]))
            keep(cell, found, "advice", found["advice"])
    write_table()
    print((RESULTS / "advice.md").read_text())


if __name__ == "__main__":
    main()
