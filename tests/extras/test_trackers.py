"""What TensorBoard and MLflow were handed is read back with their own readers, and is what the run says."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from accelerate.state import PartialState

import families
from headstart import run, trackers
from headstart.errors import MissingExtra, OutputError, UnknownName
from headstart.progress import Advance, Measured, Note
from headstart.run import Run
from headstart.settings import FitSettings

Figures = dict[str, list[tuple[int, float]]]
"""By name: step and value, in the order of the steps."""


def fit(family: families.Family, root: Path, **given: Any) -> Run:
    """A short run with everything trained."""
    data = families.csv_of(root / "reviews.csv", families.reviews(40))
    chosen = {
        "strategy": "full",
        "epochs": 2,
        "patience": 2,
        "batch_size": 8,
        "precision": "float32",
        "ema": 0.5,
        **given,
    }
    return run.fit(str(data), FitSettings(model=f"dir:{family('bert')}", **chosen), out=root / "tracked")


@pytest.fixture(scope="module")
def done(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that both kept."""
    return fit(family, tmp_path_factory.mktemp("trackers"), tracker="tensorboard, mlflow")


def told(done: Run) -> Figures:
    """The figures of a run by its own journal."""
    found: Figures = {}
    step = 0
    for line in (done.folder / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "advance" and event["loss"] is not None:
            step = event["done"]
            found.setdefault("train/loss", []).append((step, event["loss"]))
        if event["event"] == "measured":
            found.setdefault(f"{event['detail'].split(',')[0]}/{event['name']}", []).append((step, event["value"]))
    return found


def kept_by_tensorboard(folder: Path) -> Figures:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {name: [(point.step, point.value) for point in events.Scalars(name)] for name in events.Tags()["scalars"]}


@pytest.fixture
def mlflow_runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], tuple[Any, Any]]:
    """Gives MLflow's client for a folder, and the only run in it."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")

    def of(folder: Path) -> tuple[Any, Any]:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=folder.as_uri())
        experiment: Any = client.get_experiment_by_name("headstart")
        (found,) = client.search_runs([experiment.experiment_id])
        return client, found

    return of


READ: dict[str, Callable[..., Figures]] = {
    "tensorboard": lambda folder, runs: kept_by_tensorboard(folder),
    "mlflow": lambda folder, runs: kept_by_mlflow(*runs(folder / "mlflow")),
}


def kept_by_mlflow(client: Any, found: Any) -> Figures:
    histories = {name: client.get_metric_history(found.info.run_id, name) for name in found.data.metrics}
    return {name: [(point.step, point.value) for point in history] for name, history in histories.items()}


@pytest.mark.parametrize("tracker", READ)
def test_what_is_read_back_is_what_the_run_said(tracker: str, done: Run, mlflow_runs: Any) -> None:
    kept, said = READ[tracker](done.folder, mlflow_runs), told(done)
    assert {"train/loss", "validation/accuracy", "test/accuracy", "test/log_loss"} <= set(kept)
    assert set(kept) == set(said)
    for name, points in said.items():
        assert [step for step, _ in kept[name]] == [step for step, _ in points]
        # TensorBoard keeps float32
        assert [value for _, value in kept[name]] == pytest.approx([value for _, value in points], rel=1e-6)


def test_the_test_scores_are_those_of_the_run(done: Run, mlflow_runs: Any) -> None:
    _, found = mlflow_runs(done.folder / "mlflow")
    assert found.data.metrics["test/accuracy"] == done.scores["metrics"]["accuracy"]["value"]


def test_the_settings_are_the_configuration(done: Run, mlflow_runs: Any) -> None:
    _, found = mlflow_runs(done.folder / "mlflow")
    settings = json.loads((done.folder / "run.json").read_text())["settings"]
    assert found.data.params == {name: str(value) for name, value in settings.items()}
    (yaml,) = (done.folder / "tensorboard").rglob("hparams.yml")
    assert "strategy: full" in yaml.read_text()


def test_a_run_is_known_by_its_folder_and_finished(done: Run, mlflow_runs: Any) -> None:
    _, found = mlflow_runs(done.folder / "mlflow")
    assert (found.info.run_name, found.info.status) == ("tracked", "FINISHED")
    assert found.info.artifact_uri.startswith((done.folder / "mlflow").as_uri())


def test_nothing_is_left_behind_in_the_process(done: Run) -> None:
    import mlflow

    assert mlflow.active_run() is None
    assert not mlflow.is_tracking_uri_set()
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY"} & set(os.environ)


def test_mlflow_goes_where_it_was_told_to(
    family: families.Family, tmp_path: Path, mlflow_runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    folder = fit(family, tmp_path, tracker="mlflow", strategy="frozen").folder
    _, found = mlflow_runs(tmp_path / "elsewhere")
    assert "test/accuracy" in found.data.metrics
    assert not (folder / "mlflow").exists()


def test_a_run_that_breaks_off_is_marked_so(tmp_path: Path, mlflow_runs: Any) -> None:
    with pytest.raises(KeyboardInterrupt), trackers.tracking(FitSettings(tracker="mlflow"), tmp_path, tmp_path):
        raise KeyboardInterrupt
    assert mlflow_runs(tmp_path / "mlflow")[1].info.status == "FAILED"


def test_metrics_stand_at_the_step_they_were_measured_after() -> None:
    seen: list[tuple[dict[str, float], int]] = []
    figures = trackers.Figures([lambda values, step: seen.append((values, step))])
    for event in (
        Advance("features", 5, 9),
        Advance("train", 3, 9, unit="steps", loss=0.5),
        Note("x"),
        Measured("accuracy", 0.75, "validation, epoch 1 of 2"),
        Measured("accuracy", 1, "test"),
    ):
        figures(event)
    assert seen == [({"train/loss": 0.5}, 3), ({"validation/accuracy": 0.75}, 3), ({"test/accuracy": 1.0}, 3)]


def test_without_a_tracker_nothing_is_imported_or_written(tmp_path: Path) -> None:
    with trackers.tracking(FitSettings(), tmp_path, tmp_path) as listener:
        listener(Measured("accuracy", 0.5, "test"))
    assert not list(tmp_path.iterdir())


def test_a_mistyped_tracker_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r'There is no tracker "tensorbord"\. Did you mean "tensorboard"\?'):
        run.fit("nowhere.csv", FitSettings(tracker="mlflow,tensorbord"), out=tmp_path / "run")


@pytest.mark.parametrize("name", trackers.STARTS)
def test_a_missing_package_is_said_before_any_work(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=rf'pip install "headstart\[{name}\]"'):
        run.fit("nowhere.csv", FitSettings(tracker=name), out=tmp_path / "run")


def test_a_tracker_that_cannot_begin_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    with (
        pytest.raises(OutputError, match=r"--tracker mlflow cannot begin: .*nonsense"),
        trackers.tracking(FitSettings(tracker="mlflow"), tmp_path, tmp_path),
    ):
        pass


class Wandb(ModuleType):
    """Stands in for a package that starts processes and asks the network; it keeps what accelerate hands it."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.began: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}
        self.logged: list[tuple[dict[str, float], int]] = []
        self.config, self.is_finished = self, False

    def init(self, **given: Any) -> Wandb:
        self.began = given
        return self

    def update(self, settings: dict[str, Any], **_: Any) -> None:
        self.settings = settings

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((values, step))

    def __enter__(self) -> Wandb:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_finished = True


@pytest.mark.parametrize("offline", [True, False])
def test_wandb_is_begun_configured_and_finished(offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    PartialState._reset_state()  # as in a process in which nothing else has asked accelerate for anything
    settings = FitSettings(tracker="wandb", offline=offline)
    with trackers.tracking(settings, tmp_path, tmp_path / "mine") as listener:
        listener(Advance("train", 2, 9, unit="steps", loss=0.25))
    assert wandb.began == {
        "project": "headstart",
        "name": "mine",
        "dir": str(tmp_path),
        **({"mode": "offline"} if offline else {}),
    }
    assert wandb.settings == dataclasses.asdict(settings)
    assert wandb.logged == [({"train/loss": 0.25}, 2)]
    assert wandb.is_finished
