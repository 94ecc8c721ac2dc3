"""What the docs show works: plug-ins installed as a third party's would be, forms of data, keys of files, snippets."""

from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import families
import headstart
from headstart import plug, run
from headstart.contracts import Rows
from headstart.errors import UnsafeModel
from headstart.settings import FitSettings
from headstart.sources import _ref
from headstart.sources.safety import model_folder

DOCS = Path(__file__).resolve().parents[1] / "docs"
CONFORMANCE = Path(__file__).resolve().parent / "conformance"
PLUGINS = {"add-a-task.md": "headstart_rating", "add-a-source.md": "headstart_shelf"}

Installed = Callable[[str], ModuleType]


def block(page: str, language: str) -> str:
    """The first block of code in a language on a page."""
    found = re.search(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None
    return found[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Gives the module of a page's package, put on the path as pip would with its entry points."""
    site = tmp_path / "site-packages"
    monkeypatch.syspath_prepend(str(site))

    def install(page: str) -> ModuleType:
        project = tomllib.loads(block(page, "toml"))["project"]
        info = site / f"{PLUGINS[page]}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(entry_lines(project["entry-points"])))
        (site / f"{PLUGINS[page]}.py").write_text(block(page, "python"), encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(PLUGINS[page])

    yield install
    for name in PLUGINS.values():
        sys.modules.pop(name, None)


def entry_lines(groups: dict[str, dict[str, str]]) -> Iterator[str]:
    """Entry points as an installed package's metadata has them."""
    for group, entries in groups.items():
        yield f"[{group}]"
        yield from (f"{name} = {value}" for name, value in entries.items())


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Gives a module of the conformance suite by its name."""
    monkeypatch.syspath_prepend(str(CONFORMANCE))
    return importlib.import_module


@pytest.fixture
def shelf(family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf that holds one approved model, "tiny"."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "tiny").symlink_to(family("bert"))
    digest = model_folder.sha256(folder / "tiny" / "model.safetensors")
    entry = {"sha256": digest, "modality": "text", "license": "apache-2.0", "about": "a tiny BERT"}
    (folder / "shelf.json").write_text(json.dumps({"tiny": entry}))
    monkeypatch.setenv("SHELF", str(folder))
    return folder


def test_the_task_of_the_page_keeps_the_contract(
    installed: Installed, checks: Callable[[str], Any], family: families.Family, tmp_path: Path
) -> None:
    checks("task_checks").check_task("rating", installed("add-a-task.md"), family, tmp_path)


def test_the_task_of_the_page_is_found_by_its_entry_point(installed: Installed) -> None:
    task = installed("add-a-task.md")

    assert plug.load("tasks", "rating") is task
    assert plug.load("tasks", "stars") is task


def test_a_rating_one_step_off_among_three_is_half_right(installed: Installed) -> None:
    task = installed("add-a-task.md")
    rows = Rows(pa.table({"text": ["a", "b", "c"], "label": ["10", "1", "2"]}))
    learned = task.learn(rows)
    answer = {"label": "2", "confidence": 1.0, "probabilities": {"1": 0.0, "2": 1.0, "10": 0.0}}

    assert task.names(learned) == ("1", "2", "10")
    assert task.metrics([answer] * 3, rows, learned)["counts"] == [0.5, 0.5, 1.0]


def test_the_task_of_the_page_goes_through_a_whole_fit(
    installed: Installed, family: families.Family, tmp_path: Path
) -> None:
    installed("add-a-task.md")
    data = tmp_path / "rated.csv"
    rows = [f"{text},{3 + 2 * (label == 'pos')}" for text, label in families.reviews(40)]
    data.write_text("\n".join(["text,stars", *rows]))
    done = headstart.fit(data, out=tmp_path / "run", model=f"dir:{family('bert')}", precision="float32")

    assert json.loads((done.folder / "run.json").read_text())["task"] == "rating"
    assert done.scores["primary"] == "closeness"
    assert "middle rating" in (done.folder / "report.html").read_text()


def test_the_source_of_the_page_keeps_the_contract(
    installed: Installed, checks: Callable[[str], Any], family: families.Family, tmp_path: Path, shelf: Path
) -> None:
    checks("source_checks").check_source("shelf", installed("add-a-source.md"), family, tmp_path)


def test_a_model_on_the_shelf_is_taken_before_all_others(installed: Installed, shelf: Path) -> None:
    installed("add-a-source.md")

    assert _ref.best("text")[0] == "shelf:tiny"


def test_a_model_that_changed_on_the_shelf_is_refused(installed: Installed, shelf: Path) -> None:
    index = json.loads((shelf / "shelf.json").read_text())
    (shelf / "shelf.json").write_text(json.dumps({"tiny": {**index["tiny"], "sha256": "0" * 64}}))

    with pytest.raises(UnsafeModel, match="not those that were approved"):
        installed("add-a-source.md").load("tiny", revision=None, offline=True)


def test_without_a_shelf_the_source_lists_nothing(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHELF", raising=False)

    assert installed("add-a-source.md").listed() == []


# ------------------------------------------------------------------------------------ forms of data, files of a run

FORM = r"^`([\w.]+)`[^\n]*:\n\n```(?:csv|tsv|jsonl)\n(.*?)^```$"
SHOWN = re.findall(FORM, (DOCS / "data.md").read_text(encoding="utf-8"), re.M | re.S)
HEADLESS = {"reviews.tsv": "text,label"}


@pytest.mark.parametrize(("name", "text"), SHOWN, ids=[name for name, _ in SHOWN])
def test_a_form_of_data_is_read_as_its_page_shows_it(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = run.find(str(tmp_path / name), FitSettings(columns=HEADLESS.get(name)))

    assert found.splits["train"].column("label") == ["positive", "negative"]
    assert found.problems == ()


@pytest.fixture(scope="module")
def folders(family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run folder for each kind of model folder: head of ours, head inside."""
    place = tmp_path_factory.mktemp("runs")
    data = {
        "text": families.csv_of(place / "rows.csv", families.reviews(40)),
        "image": families.pictures(place / "p", 40),
    }
    models = {"text": family("bert"), "image": family("resnet")}
    for kind in data:
        headstart.fit(str(data[kind]), out=place / kind, model=f"dir:{models[kind]}", precision="float32")
    return {kind: place / kind for kind in data}


def keys(page: str, heading: str) -> set[str]:
    """The names in the first column of the first table below a heading of a page."""
    text = re.split(rf"^#+ {re.escape(heading)}\n", (DOCS / page).read_text(encoding="utf-8"), flags=re.M)[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.M)
    assert table is not None
    return {name for row in table[0].splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


@pytest.mark.parametrize("file", ["run.json", "scores.json", "check.json"])
def test_every_key_of_a_runs_file_is_on_its_page(file: str, folders: dict[str, Path]) -> None:
    assert set(json.loads((folders["text"] / file).read_text())) == keys("run-folder.md", file)


def test_every_key_of_a_model_folders_file_is_on_its_page(folders: dict[str, Path]) -> None:
    facts = json.loads((folders["text"] / "model" / "headstart.json").read_text())

    assert set(facts) == keys("model-folder.md", "headstart.json")
    named = {"kind", "width", "pool", "inner", "dropout", "is_of_map", "is_by_token", "groups", "widths"}
    assert set(facts["head"]) == named | {"strides"}


def test_every_file_of_a_run_is_on_its_page(folders: dict[str, Path]) -> None:
    shown = keys("run-folder.md", "The run folder")
    assert {path.name for path in folders["text"].iterdir()} <= {name.rstrip("/") for name in shown}


@pytest.mark.parametrize(
    ("kind", "item", "mark"),
    [("text", "a lovely day", "Worth every penny."), ("image", "picture", "cat.jpg")],
    ids=["head of ours", "head inside"],
)
def test_a_model_opens_without_headstart_as_its_page_shows(
    kind: str, item: str, mark: str, folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    item = str(next((folders[kind].parent / "p").rglob("*.png"))) if kind == "image" else item
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / "model-folder.md").read_text(encoding="utf-8"), re.M | re.S)
    (code,) = [code for code in blocks if mark in code and "import headstart" not in code]
    names: dict[str, Any] = {}
    exec(re.sub(r'"runs/\w+/model"', repr(str(folders[kind] / "model")), code).replace(mark, item), names)

    model = headstart.load(folders[kind])
    # the bound of the project for logits of one folder opened in two ways
    np.testing.assert_allclose(names["logits"], model.logits([item]), atol=1e-5)
    assert capsys.readouterr().out.strip() == str([model.predict([item])[0]["label"]])
