"""Progress in words: one line for each event, few lines for a long stage, and bars where there is a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from headstart.cli._bars import bars
from headstart.cli._lines import Lines, told
from headstart.cli._progress import listening
from headstart.progress import Advance, Event, Measured, Note, Stage, Warned

SAID = {
    "stage": (Stage("score"), "score"),
    "stage with detail": (Stage("data", "reading"), "data: reading"),
    "measured": (Measured("validation accuracy", 0.91234), "validation accuracy 0.9123"),
    "measured with detail": (Measured("loss", 1.0, "epoch 2"), "loss 1.0000 (epoch 2)"),
    "note": (Note("Took MiniLM."), "note: Took MiniLM."),
    "warned": (Warned("Few rows."), "warning: Few rows."),
}


def written(events: list[Event], *, seconds: list[float]) -> list[str]:
    """The lines for events whose moments are given by the clock's successive answers."""
    lines: list[str] = []
    clock: Iterator[float] = iter(seconds)
    listener = Lines(lines.append, clock=lambda: next(clock), every=5.0)
    for event in events:
        listener(event)
    return lines


@pytest.mark.parametrize(("event", "line"), SAID.values(), ids=SAID.keys())
def test_an_event_is_told_in_a_line(event: Stage | Measured | Note | Warned, line: str) -> None:
    assert told(event) == line


def test_the_end_of_a_stage_is_told_with_its_rate() -> None:
    lines = written([Stage("features"), Advance("features", 300, 300)], seconds=[0.0, 2.0])
    assert lines == ["features", "features 300/300 rows, 150 rows/s"]


def test_a_stage_under_way_says_what_is_left() -> None:
    event = Advance("train", 20, 100, unit="steps", loss=0.25)
    lines = written([Stage("train"), event], seconds=[0.0, 10.0, 10.0])
    assert lines[1] == "train 20/100 steps, 2 steps/s, 40 s left, loss 0.25"


def test_a_stage_is_not_told_more_often_than_every_few_seconds() -> None:
    events = [Advance("train", done, 100) for done in (1, 2, 3)]
    lines = written([Stage("train"), *events], seconds=[0.0, 1.0, 6.0, 6.0, 7.0])
    assert lines == ["train", "train 2/100 rows, 0.333 rows/s, 294 s left"]


def test_a_stage_that_was_not_announced_is_timed_from_its_first_advance() -> None:
    assert written([Advance("predict", 5, 5)], seconds=[1.0, 1.0]) == ["predict 5/5 rows"]


def test_without_a_terminal_progress_goes_to_stderr_as_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as listener:
        listener(Note("a choice"))
    assert capsys.readouterr() == ("", "note: a choice\n")


def shown(events: list[Event], *, no_color: bool = False) -> str:
    """What a terminal 120 columns wide receives."""
    screen = io.StringIO()
    with bars(Console(file=screen, force_terminal=True, width=120, no_color=no_color)) as listener:
        for event in events:
            listener(event)
    return screen.getvalue()


def test_a_terminal_shows_a_bar_with_counts_and_loss() -> None:
    screen = shown([Stage("train"), Advance("train", 40, 40, unit="steps", loss=0.125)])
    assert "40/40 steps" in screen
    assert "loss 0.125" in screen


def test_a_stage_that_comes_again_gets_a_bar_of_its_own() -> None:
    epoch = [Stage("epoch"), Advance("epoch", 9, 9)]
    last_frame = shown([*epoch, *epoch]).splitlines()[-3:]
    assert sum("9/9 rows" in line for line in last_frame) == 2


def test_square_brackets_in_messages_are_text() -> None:
    assert "[bold]rows.csv[/bold]" in shown([Warned("[bold]rows.csv[/bold]")])


def test_no_color_is_honoured() -> None:
    assert "\x1b[33m" in shown([Warned("yellow")])
    assert "\x1b[33m" not in shown([Warned("plain")], no_color=True)


def test_what_is_printed_beside_a_bar_stays_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with bars(Console(file=io.StringIO(), force_terminal=True)) as listener:
        listener(Advance("predict", 1, 2))
        print("an answer")  # noqa: T201
    assert capsys.readouterr().out == "an answer\n"
