"""Progress bars for a terminal, with rate and time left. Imported only where there is one, so rich may be too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from headstart.cli._lines import rate, told
from headstart.progress import Advance, Event, Listener, Note, Stage, Warned


@contextmanager
def bars(console: Console | None = None) -> Iterator[Listener]:
    """A listener that draws one bar a stage on stderr, and everything else as lines above them."""
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}", markup=False),
        console=Console(stderr=True) if console is None else console,
        # Otherwise what goes to stdout while a bar is up would be drawn on stderr with it.
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        yield _Bars(progress)


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Advance):
            self._advance(event)
        else:
            style = "yellow" if isinstance(event, Warned) else "dim" if isinstance(event, Note) else None
            self._progress.console.print(told(event), style=style, markup=False, highlight=False)
        if isinstance(event, Stage):
            # A stage that comes again, such as an epoch, gets a bar of its own.
            self._tasks.pop(event.name, None)

    def _advance(self, event: Advance) -> None:
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(event.stage, total=event.total, unit="", loss="")
        self._progress.update(
            self._tasks[event.stage],
            completed=event.done,
            total=event.total,
            unit=event.unit,
            loss="" if event.loss is None else f"loss {event.loss:.3g}",
        )


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        whole = "" if task.total is None else f"/{task.total:.0f}"
        return Text(f"{task.completed:.0f}{whole} {task.fields['unit']}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else rate(speed, task.fields["unit"]))
