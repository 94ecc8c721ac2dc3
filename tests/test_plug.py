"""The seam: a file name is a plug-in's name, third parties join by entry point, and mistakes are told apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headstart import plug
from headstart.errors import HeadstartError, UnknownName


def install(site: Path, name: str, *, group: str = "headstart.tasks", value: str = "outside:plugin") -> None:
    """What pip leaves behind for a third party's package that offers a plug-in."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    (site / "outside.py").write_text("class plugin:\n    aliases = ('elsewhere',)\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, as site-packages is."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_file_is_listed_under_its_name_with_dashes() -> None:
    assert {"text-classification", "image-classification"} <= set(plug.names("tasks"))


def test_files_with_an_underscore_in_front_are_no_plugins() -> None:
    assert not [name for name in plug.names("sources") if name.startswith(("_", "-"))]


def test_listing_imports_nothing() -> None:
    code = (
        "import sys; from headstart import plug; plug.names('tasks'); assert not any('tasks' in m for m in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["text-classification", "sentiment-analysis"])
def test_a_plugin_is_loaded_by_its_name_or_an_alias(name: str) -> None:
    assert plug.load("tasks", name).__name__ == "headstart.tasks.text_classification"


def test_a_third_party_joins_through_an_entry_point(site: Path) -> None:
    install(site, "sound-recognition")
    assert "sound-recognition" in plug.names("tasks")
    assert plug.load("tasks", "sound-recognition").__name__ == "plugin"


def test_a_third_party_is_found_by_its_alias_too(site: Path) -> None:
    install(site, "sound-recognition")
    assert plug.load("tasks", "elsewhere").__name__ == "plugin"


def test_an_entry_point_of_another_kind_is_not_listed(site: Path) -> None:
    install(site, "sound-recognition", group="headstart.sources")
    assert "sound-recognition" not in plug.names("tasks")


def test_a_name_taken_twice_names_both(site: Path) -> None:
    install(site, "text-classification")
    with pytest.raises(HeadstartError, match="headstart itself and outside:plugin"):
        plug.load("tasks", "text-classification")


@pytest.mark.parametrize(("kind", "single"), [("tasks", "task"), ("sources", "source"), ("strategies", "strategy")])
def test_an_unknown_name_is_called_by_its_kind(kind: str, single: str) -> None:
    with pytest.raises(UnknownName, match=f'There is no {single} "nonsense"'):
        plug.load(kind, "nonsense")


def test_a_mistyped_name_gets_the_closest_one_and_the_list() -> None:
    with pytest.raises(
        UnknownName, match=r'Did you mean "text-classification".*Known: automatic-.*, image-classification, .*text-'
    ):
        plug.load("tasks", "text-clasification")


def test_our_own_plugins_are_among_all_plugins() -> None:
    assert set(plug.own("sources")) <= set(plug.names("sources"))
