"""A run folder appears when it is finished or not at all, whatever interrupts the run that builds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart import folder
from headstart.errors import OutputError


def test_nothing_stands_under_the_final_name_before_the_end(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with folder.building(out) as partial:
        (partial / "scores.json").write_text("{}")
        assert not out.exists()
    assert [path.name for path in out.iterdir()] == ["scores.json"]
    assert not partial.exists()


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interruption_passes_through_and_leaves_nothing(tmp_path: Path, interruption: type[BaseException]) -> None:
    def build() -> None:
        with folder.building(tmp_path / "run") as partial:
            (partial / "model").mkdir()
            (partial / "model" / "config.json").write_text("{}")
            raise interruption

    with pytest.raises(interruption):
        build()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_name_that_is_taken_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "run"
    out.mkdir() if kind == "folder" else out.write_text("mine")
    with pytest.raises(OutputError, match=r"exists already\. Name another folder"), folder.building(out):
        pass
    assert list(tmp_path.iterdir()) == [out]


def test_a_name_that_was_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def build() -> None:
        with folder.building(out) as partial:
            (partial / "scores.json").write_text("ours")
            out.mkdir()
            (out / "scores.json").write_text("theirs")

    with pytest.raises(OutputError, match="appeared while this run was working"):
        build()
    assert (out / "scores.json").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [out]


def test_the_remains_of_a_killed_run_are_cleared_away(tmp_path: Path) -> None:
    remains = tmp_path / "run.partial"
    (remains / "model").mkdir(parents=True)
    for name in ("model/config.json", "events.jsonl", folder.OWNER):
        (remains / name).write_text("old")

    with folder.building(tmp_path / "run") as partial:
        (partial / "scores.json").write_text("{}")

    assert [path.name for path in (tmp_path / "run").iterdir()] == ["scores.json"]


HOLDER = """
import sys
from pathlib import Path
from headstart import folder
with folder.building(Path(sys.argv[1])) as partial:
    (partial / "scores.json").write_text("theirs")
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of building the same run; it ends well when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_folder_that_another_run_is_building_is_refused(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(OutputError, match="Another run is building"), folder.building(tmp_path / "run"):
        pass
    assert (tmp_path / "run.partial" / "scores.json").read_text() == "theirs"


def test_a_refused_run_does_not_disturb_the_one_it_met(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(OutputError), folder.building(tmp_path / "run"):
        pass
    holder.communicate()
    assert holder.returncode == 0
    assert (tmp_path / "run" / "scores.json").read_text() == "theirs"


def test_what_a_killed_process_left_is_built_anew(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert not (tmp_path / "run").exists()
    with folder.building(tmp_path / "run") as partial:
        (partial / "new.json").write_text("{}")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["new.json"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"run\" cannot be written"), folder.building(tmp_path / "file" / "run"):
        pass


def test_json_is_written_for_people_and_comes_back(tmp_path: Path) -> None:
    value = {"Größe": [1, None, "é"]}
    folder.write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert "Größe" in text
    assert text.endswith("}\n")


def saved(out: Path) -> Path:
    """An interrupted run with something learnt; gives its folder."""
    partial = out.with_name(out.name + ".partial")

    def learn() -> None:
        with folder.building(out):
            folder.agree(partial, {"seed": 0}, data="rows.csv", model="a")
            (partial / "checkpoint" / "whole").mkdir(parents=True)
            (partial / "checkpoint" / "whole" / "checkpoint.json").write_text("{}")
            (partial / "events.jsonl").write_text("begun\n")
            (partial / "model").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn()
    return partial


def test_what_was_learnt_stays_when_a_run_is_interrupted(tmp_path: Path) -> None:
    assert folder.is_resumable(saved(tmp_path / "run"))


def test_the_same_run_again_goes_on_without_being_told(tmp_path: Path) -> None:
    saved(tmp_path / "run")
    with folder.building(tmp_path / "run") as partial:
        folder.agree(partial, {"seed": 0}, data="rows.csv", model="a")
        assert folder.is_resumable(partial)


def test_a_run_that_goes_on_finds_what_was_learnt_and_what_was_said_and_no_more(tmp_path: Path) -> None:
    saved(tmp_path / "run")
    with folder.building(tmp_path / "run", resume=True) as partial:
        assert {path.name for path in partial.iterdir()} == {
            *("checkpoint", "events.jsonl", "owner.lock", "request.json")
        }
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["events.jsonl"]


def test_there_is_nothing_to_go_on_from_where_nothing_was_begun(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nothing saved to go on from"):
        folder.building(tmp_path / "run", resume=True).__enter__()


@pytest.mark.parametrize(
    ("settings", "model", "named"),
    [({"seed": 1}, "a", "--seed"), ({"seed": 0}, "b", "the model")],
    ids=["setting", "model"],
)
def test_a_run_goes_on_only_with_what_it_was_begun_with(
    settings: dict[str, int], model: str, named: str, tmp_path: Path
) -> None:
    saved(tmp_path / "run")
    with (
        pytest.raises(OutputError, match=f"begun otherwise: {named} changed since. Go on with what"),
        folder.building(tmp_path / "run", resume=True) as partial,
    ):
        folder.agree(partial, settings, data="rows.csv", model=model)
    assert folder.is_resumable(partial)


def test_a_request_says_what_was_asked_for(tmp_path: Path) -> None:
    saved(tmp_path / "run")
    assert folder.request(tmp_path / "run") == {"data": "rows.csv", "model": "a", "settings": {"seed": 0}}
