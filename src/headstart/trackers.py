"""A run's figures in TensorBoard, MLflow or Weights & Biases: one listener to its events, by accelerate's classes.

Nothing that learns knows of it; what a tracker keeps is what the events say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from headstart.errors import OutputError, UnknownName, need
from headstart.progress import Advance, Event, Listener, Measured
from headstart.settings import FitSettings

PROJECT = "headstart"
"""What a run's figures are filed under, where a tracker keeps several runs."""
LOCAL_STORE = {"MLFLOW_ALLOW_FILE_STORE": "true"}
"""MLflow asks for this word before it writes into a folder, which it will not develop further."""
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}
"""Read by MLflow when it is imported; it would send its makers word of each call."""

Started = contextlib.AbstractContextManager[Any]


def names(asked: str | None) -> tuple[str, ...]:
    """The trackers in a list with commas; none where nothing was asked for.

    Raises:
        UnknownName: There is no such tracker; the message has the closest one.
        MissingExtra: Its package, or accelerate, is not installed.
    """
    found = tuple(filter(None, (name.strip() for name in (asked or "").split(","))))
    for name in found:
        if name not in STARTS:
            raise UnknownName("tracker", name, STARTS)
        with _environment(QUIET):
            need(name, extra=name)
        need("accelerate", extra=name)
    return found


@contextlib.contextmanager
def tracking(settings: FitSettings, partial: Path, out: Path) -> Iterator[Listener]:
    """A listener that hands losses and metrics to every tracker asked for, and the settings at the beginning.

    Args:
        settings: Of the run; they become its configuration there.
        partial: The run folder while it is made; what a tracker writes to disk goes there.
        out: Its final name, by which the run is known.

    Raises:
        OutputError: A tracker cannot begin, for example because its server does not answer.
    """
    asked = dict.fromkeys(names(settings.tracker))
    if asked:
        from accelerate import PartialState

        PartialState()  # without it accelerate's classes refuse to speak of what they do
    with contextlib.ExitStack() as started:
        trackers = [_begun(name, started, STARTS[name](settings, partial, out)) for name in asked]
        for tracker in trackers:
            tracker.store_init_configuration(dataclasses.asdict(settings))
        yield Figures([tracker.log for tracker in trackers])


class Figures:
    """Hands on the loss of each step, and each metric at the step it was measured after.

    Args:
        logs: Each takes figures by name, and the number of the step.
    """

    def __init__(self, logs: list[Callable[..., None]]) -> None:
        self._logs, self._step = logs, 0

    def __call__(self, event: Event) -> None:
        """Takes one event; of a metric, the first word of its detail says on which rows."""
        if isinstance(event, Advance) and event.loss is not None:
            self._step = event.done
            self._hand_on(f"{event.stage}/loss", event.loss)
        elif isinstance(event, Measured):
            self._hand_on(f"{event.detail.partition(',')[0] or 'run'}/{event.name}", event.value)

    def _hand_on(self, name: str, value: float) -> None:
        for log in self._logs:
            log({name: float(value)}, step=self._step)


def _begun(name: str, started: contextlib.ExitStack, tracker: Started) -> Any:
    try:
        return started.enter_context(tracker)
    except Exception as error:
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise OutputError(f"--tracker {name} cannot begin: {reason}. Mend that, or leave it out.") from error


@contextlib.contextmanager
def _tensorboard(settings: FitSettings, partial: Path, out: Path) -> Iterator[Any]:
    from accelerate.tracking import TensorBoardTracker

    tracker = TensorBoardTracker("tensorboard", partial)
    tracker.start()
    with contextlib.closing(tracker.tracker):
        yield tracker


@contextlib.contextmanager
def _mlflow(settings: FitSettings, partial: Path, out: Path) -> Iterator[Any]:
    """In the run folder, unless MLflow was told of another place; a run that broke off is marked so."""
    import mlflow
    from accelerate.tracking import MLflowTracker

    is_told = mlflow.is_tracking_uri_set()
    # files that somebody adds later are looked for under the final name
    artifacts = None if is_told else (out / "mlflow").absolute().as_uri()
    with _environment({} if is_told else LOCAL_STORE):
        if not is_told:
            mlflow.set_tracking_uri((partial / "mlflow").absolute().as_uri())
        try:
            tracker = MLflowTracker(PROJECT, logging_dir=artifacts, run_name=out.name)
            tracker.start()
            with tracker.tracker:
                yield tracker
        finally:
            if not is_told:
                mlflow.set_tracking_uri(None)


@contextlib.contextmanager
def _wandb(settings: FitSettings, partial: Path, out: Path) -> Iterator[Any]:
    """Its files in the run folder; nothing is sent with --offline, or as WANDB_MODE says."""
    from accelerate.tracking import WandBTracker

    offline = {"mode": "offline"} if settings.offline else {}
    tracker = WandBTracker(PROJECT, name=out.name, dir=str(partial), **offline)
    tracker.start()
    with tracker.tracker:
        yield tracker


STARTS: dict[str, Callable[[FitSettings, Path, Path], Started]] = {
    "tensorboard": _tensorboard,
    "mlflow": _mlflow,
    "wandb": _wandb,
}


@contextlib.contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    """Variables for the time being; whatever the user has set wins."""
    ours = [name for name in wanted if name not in os.environ]
    os.environ.update({name: wanted[name] for name in ours})
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
