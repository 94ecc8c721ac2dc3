"""`headstart advise` at the command line: what cannot be done ends in one clear line with nothing half-written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import families
from families import Family
from headstart.cli import main
from headstart.cli.advise import lines


def rows(*pairs: tuple[str, str]) -> str:
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in pairs)


@pytest.fixture(scope="module")
def place(family: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models and data, good and bad, and an advice that is there already."""
    root = tmp_path_factory.mktemp("advise")
    for name in ("bert", "resnet"):
        (root / name).symlink_to(family(name))
    families.csv_of(root / "reviews.csv", families.reviews(60))
    (root / "one class.csv").write_text(rows(*((text, "pos") for text, _ in families.reviews(40))))
    (root / "three rows.csv").write_text(rows(*families.reviews(3)))
    (root / "broken.csv").write_text("text,label\nfine,pos\n,neg\n" + rows(*families.reviews(40))[11:])
    (root / "names.jsonl").write_text('{"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]}\n' * 30)
    (root / "taken").mkdir()
    return root


BERT = ["--candidates", "dir:bert"]
REFUSED: dict[str, tuple[list[str], int, str]] = {
    "no data": (["nothing.csv", *BERT], 1, "There is no file or folder nothing.csv"),
    "an unknown candidate": (["reviews.csv", "--candidates", "dir:nope"], 1, 'There is no folder "nope"'),
    "a candidate that could be anything": (["reviews.csv", "--candidates", "bert-bse"], 1, "is neither a folder here"),
    "an unknown source": (["reviews.csv", "--candidates", "hub:bert"], 1, 'There is no source "hub"'),
    "an empty candidate": (["reviews.csv", "--candidates", "dir:bert,"], 1, '"" is neither a folder here'),
    "a model of images": (["reviews.csv", "--candidates", "dir:resnet"], 1, '"dir:resnet" reads image and the rows'),
    "all too large": (["reviews.csv", *BERT, "--max-size", "1KB"], 1, '--max-size "1KB" is not a size'),
    "all left out by size": (["reviews.csv", *BERT, "--max-size", "0.01MB"], 1, "is more than 0.01MB). Ask for less"),
    "all left out by licence": (["reviews.csv", *BERT, "--license", "permissive"], 1, "its licence is not known"),
    "a time without its unit": (["reviews.csv", *BERT, "--max-latency", "20"], 1, '--max-latency "20" is not a time'),
    "money without a price": (["reviews.csv", *BERT, "--budget", "2€"], 1, "Give --price-per-hour"),
    "a budget of words": (["reviews.csv", *BERT, "--budget", "soon"], 1, '--budget "soon": give a time'),
    "a folder that is there": (["reviews.csv", *BERT, "--out", "taken"], 1, 'taken" exists already'),
    "one class": (["one class.csv", *BERT], 1, "class"),
    "three rows": (["three rows.csv", *BERT], 1, "rows"),
    "a row without text": (["broken.csv", *BERT], 1, "broken.csv"),
    "a seed below zero": (["reviews.csv", *BERT, "--seed", "-1"], 1, "--seed"),
    "an unknown option": (["reviews.csv", "--candidate", "dir:bert"], 2, "No such option '--candidate'"),
    "no data at all": ([], 2, "Missing argument 'DATA'"),
}


@pytest.fixture
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize(("words", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_advised_on_is_said_and_leaves_nothing(
    words: list[str], code: int, said: str, inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(inside.rglob("*"))

    assert main(["advise", *words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err
    left = {path.relative_to(inside) for path in inside.rglob("*")} - {path.relative_to(inside) for path in before}
    assert left <= {Path("advice")}  # the folder of all advice may have been made


def test_an_interrupted_advice_says_how_to_go_on(place: Path) -> None:
    words = ["advise", "reviews.csv", *BERT, "--out", "stopped here"]
    command = [sys.executable, "-m", "headstart", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=place) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("accuracy"))
        process.send_signal(signal.SIGINT)
        last = process.stderr.read().splitlines()[-1]
    assert process.returncode == 130
    assert last.startswith("stopped: ")
    assert "Go on with: the same command and --out 'stopped here'" in last
    assert not (place / "stopped here").exists()
    assert (place / "stopped here.partial" / "checkpoint" / "advice" / "checkpoint.json").exists()


def told(**verdict: Any) -> list[str]:
    score = {"value": 0.9, "low": 0.85, "high": 0.94}
    frozen = {"name": "bert, frozen", "score": score, "epochs": 1, "of_epochs": 1, "mib": 86.6}
    facts = {
        "primary": "accuracy",
        "standings": [{**frozen, "answering": {"p50_ms": 4.2}, "settings": {"model": "dir:bert"}}],
        "left_out": {"hf:too/large": "900 MiB is more than 100MB"},
        "judged": {"rows": 1200},
        "spent": 61.4,
        "verdict": {"sentence": "Use the pretrained model: bert, frozen.", "not_tried": {}, "taken": None, **verdict},
    }
    return list(lines(facts, Path("my advice"), "my reviews.csv"))


def test_the_verdict_comes_first_and_then_how_every_way_did() -> None:
    found = told(not_tried={"bert, all trained": "would take 60 s, and 5 s are left"})

    assert found == [
        "Use the pretrained model: bert, frozen.",
        "",
        "                accuracy  95 % interval     epochs  one answer  weights",
        "  bert, frozen  0.9000    0.8500 to 0.9400          4.2 ms      87 MiB",
        "  hf:too/large: left out, 900 MiB is more than 100MB",
        "  bert, all trained: not tried, it would take 60 s, and 5 s are left",
        "  judged on 1,200 rows; 61 s spent",
        "",
        "  advice  my advice/advice.json",
        "  page    my advice/advice.html",
    ]


def test_the_command_that_carries_it_out_can_be_pasted_into_a_shell() -> None:
    found = told(taken={"settings": {"model": "dir:bert"}})

    assert found[-1] == "  carry it out: headstart fit 'my reviews.csv' --advice 'my advice'"
