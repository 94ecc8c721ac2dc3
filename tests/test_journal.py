"""The journal writes every event at once, hands it on, and remembers what the report repeats."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from headstart import journal as journals
from headstart.journal import journal
from headstart.progress import Advance, Event, Listener, Note, Stage, Warned, silent

EVENTS: tuple[Event, ...] = (
    Stage("data", "reading"),
    Note("took the best"),
    Stage("train"),
    Advance("train", 1, 2, unit="steps", loss=0.5),
    Warned("few rows"),
    Stage("data", "again"),
)


def test_every_event_is_a_line_of_json(tmp_path: Path) -> None:
    with journal(tmp_path / "events.jsonl", silent) as log:
        for event in EVENTS:
            log(event)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["stage", "note", "stage", "advance", "warned", "stage"]
    assert lines[3]["loss"] == 0.5
    assert all(line["seconds"] >= 0 for line in lines)


def test_an_event_is_on_disk_before_the_next_thing_happens(tmp_path: Path) -> None:
    with journal(tmp_path / "events.jsonl", silent) as log:
        log(EVENTS[0])
        assert "reading" in (tmp_path / "events.jsonl").read_text()


def test_events_are_handed_on_as_they_are(tmp_path: Path) -> None:
    heard: list[Event] = []
    with journal(tmp_path / "events.jsonl", heard.append) as log:
        for event in EVENTS:
            log(event)
    assert heard == list(EVENTS)


def test_notes_and_warnings_are_kept(tmp_path: Path) -> None:
    with journal(tmp_path / "events.jsonl", silent) as log:
        for event in EVENTS:
            log(event)
    assert (log.notes, log.warnings) == (["took the best"], ["few rows"])


def test_seconds_are_added_up_by_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with journal(tmp_path / "events.jsonl", silent) as log:
        for at, event in zip((1.0, 1.5, 3.0, 4.0, 5.0, 8.0), EVENTS, strict=True):
            monkeypatch.setattr(journals.time, "perf_counter", lambda at=at: at)
            log(event)
        monkeypatch.setattr(journals.time, "perf_counter", lambda: 9.0)
        # data from 1 to 3 and from 8 to 9, training from 3 to 8
        assert {name: value for name, value in log.seconds().items() if name != "total"} == {"data": 3.0, "train": 5.0}


def test_whoever_joins_hears_what_comes_from_then_on(tmp_path: Path) -> None:
    first: list[Event] = []
    second: list[Event] = []
    with journal(tmp_path / "events.jsonl", first.append) as log:
        log(EVENTS[0])
        log.join(contextlib.nullcontext(second.append))
        log(EVENTS[1])
    assert (first, second) == ([EVENTS[0], EVENTS[1]], [EVENTS[1]])


class Guest:
    """A listener's context that notes with what it is left."""

    left: type[BaseException] | None = None

    def __enter__(self) -> Listener:
        return silent

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.left = kind


def test_whoever_joins_is_left_with_the_journal_and_hears_of_a_break(tmp_path: Path) -> None:
    guest = Guest()

    def broken() -> None:
        with journal(tmp_path / "events.jsonl", silent) as log:
            log.join(guest)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert guest.left is KeyError
