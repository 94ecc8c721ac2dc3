"""What a model is made of, as a terminal, as JSON and as a picture; and the guide shows what the command says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from headstart.cli import main
from headstart.report import stacked

DOCS = Path(__file__).resolve().parents[2] / "docs"
STARTER = "starter:shapes-resnet"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MEASURED = re.compile(r"^ +(activations|in all) +[\d.,]+ MiB.*$", re.M)
"""Lines that depend on the kernels of the machine; all else is counted."""


def said(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> str:
    """What the command wrote to stdout, or to stderr where it failed."""
    capsys.readouterr()
    assert main(["inspect", *words]) == code
    written = capsys.readouterr()
    return written.err if code else written.out


def test_a_stack_is_told_from_the_head_down_to_the_stem(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said([STARTER], capsys).splitlines()
    rows = [line.split()[0:2] for line in lines if re.match(r"  (head|above|block|stem)", line)]

    assert lines[0] == "starter:shapes-resnet: ResNetModel, reads image"
    assert [row[0] for row in rows] == ["head", "above", "block", "block", "block", "stem"]
    assert [row[1] for row in rows if row[0] == "block"] == ["3", "2", "1"]


@pytest.mark.parametrize("words", [[STARTER], [STARTER, "--boundary", "2"], [STARTER, "--boundary", "4"]], ids=" ".join)
def test_lines_fit_a_hundred_columns(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert max(map(len, said(words, capsys).splitlines())) <= 100


def test_json_says_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said([STARTER, "--boundary", "2", "--batch-size", "8", "--json"], capsys))

    # block 1 and the stem are frozen: 18,560 and 4,768 of 311,200
    assert (told["parameters"], told["training"]["trained"]) == (311_200, 311_200 - 18_560 - 4_768)
    assert (told["training"]["batch_size"], told["license"], told["num_blocks"]) == (8, "apache-2.0", 3)
    assert {file["name"]: file["num_bytes"] for file in told["files"]}["config.json"] == 20_978


def test_the_boundary_stands_between_what_is_trained_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said([STARTER, "--boundary", "2"], capsys).splitlines()
    told = [line[2:15].strip() for line in lines if re.match(r"  (block|stem|──)", line)]
    states = {line[2:9]: line[16:].partition(":")[0] for line in lines if line.startswith("  block")}

    assert told == ["block 3", "block 2", "── boundary 2", "block 1", "stem"]
    assert states == {"block 3": "trained", "block 2": "trained", "block 1": "frozen"}


@pytest.mark.parametrize("boundary", ["-1", "5"])
def test_a_boundary_out_of_knownis_one_error(boundary: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = said([STARTER, "--boundary", boundary], capsys, code=1)
    known = "Give 0 (all is trained) to 4 (only the head is)."

    assert error == f'error: --boundary {boundary}: "{STARTER}" has a stem and 3 blocks. {known}\n'


def test_a_setting_of_training_without_a_boundary_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--batch-size plays no part without --boundary" in said([STARTER, "--batch-size", "8"], capsys, code=2)


def test_a_picture_is_written_where_it_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said([STARTER, "--boundary", "1", "--picture", str(tmp_path / "stack.svg")], capsys)

    tree = ElementTree.parse(tmp_path / "stack.svg")
    assert [part.tag.rpartition("}")[2] for part in tree.getroot()][:2] == ["title", "desc"]


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = said([STARTER, "--picture", str(tmp_path / "none" / "stack.svg")], capsys, code=1)

    assert "cannot be written" in error


# ------------------------------------------------------------------------------------------------------- the guide


def blocks(page: Path) -> list[tuple[str, str]]:
    """Each command of a page with what the page says it prints."""
    found = re.findall(
        r"^```console\n\$ headstart inspect ([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S
    )
    return [(words, text) for words, text in found]


@pytest.mark.parametrize(("words", "text"), blocks(DOCS / "inspect.md"))
def test_the_guide_shows_what_the_command_says(words: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert MEASURED.sub("", said(words.split(), capsys)) == MEASURED.sub("", text)


def test_the_picture_of_the_guide_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(said([MINILM, "--offline", "--json"], capsys))

    drawn = (DOCS / "minilm.svg").read_text(encoding="utf-8")
    assert drawn == stacked.whole(facts), f"run `headstart inspect {MINILM} --picture docs/minilm.svg`"
