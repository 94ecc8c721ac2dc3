"""Events are values that any listener can take and JSON can hold."""

from __future__ import annotations

import dataclasses
import json

import pytest

from headstart.progress import Advance, Event, Measured, Note, Stage, Warned, silent, to_json

EVENTS: dict[str, tuple[Event, dict[str, object]]] = {
    "stage": (Stage("read", "reviews.csv"), {"event": "stage", "name": "read", "detail": "reviews.csv"}),
    "advance": (
        Advance("train", 3, 9, unit="steps", loss=0.5),
        {"event": "advance", "stage": "train", "done": 3, "total": 9, "unit": "steps", "loss": 0.5},
    ),
    "measured": (Measured("accuracy", 0.5), {"event": "measured", "name": "accuracy", "value": 0.5, "detail": ""}),
    "note": (Note("a choice"), {"event": "note", "text": "a choice"}),
    "warned": (Warned("a doubt"), {"event": "warned", "text": "a doubt"}),
}
TABLE = pytest.mark.parametrize(("event", "expected"), EVENTS.values(), ids=EVENTS.keys())


@TABLE
def test_an_event_becomes_json(event: Event, expected: dict[str, object]) -> None:
    assert json.loads(json.dumps(to_json(event))) == expected


@TABLE
def test_an_event_cannot_be_changed(event: Event, expected: dict[str, object]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.anything = 1  # type: ignore[union-attr]


@TABLE
def test_silence_takes_any_event(event: Event, expected: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    silent(event)
    assert capsys.readouterr() == ("", "")
