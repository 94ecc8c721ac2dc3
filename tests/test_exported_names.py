"""The public surface: every promised name is there, lives where it says, and no module stands in its way."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import headstart

FOLDER = Path(headstart.__file__).parent
PROMISED = {
    "DataError", "Encoder", "Encoding", "FitSettings", "HeadstartError", "ImageClassifier", "Model",
    "Run", "TextClassifier", "__version__",
    "advise", "check", "evaluate", "fit", "inspect", "load", "load_backbone",
}  # fmt: skip


def test_the_public_names_are_the_promised_ones() -> None:
    assert set(headstart.__all__) == PROMISED == set(dir(headstart))


def test_every_public_name_can_be_had_in_a_fresh_process() -> None:
    subprocess.run(
        [sys.executable, "-c", "from headstart import *; fit, load, evaluate, check, Model, Run"], check=True
    )


@pytest.mark.parametrize("name", sorted(PROMISED - {"__version__"}))
def test_a_public_name_has_a_docstring(name: str) -> None:
    assert getattr(headstart, name).__doc__


def test_no_module_shadows_a_public_name() -> None:
    modules = {path.stem for path in FOLDER.iterdir()}
    assert modules & PROMISED == set()


def test_importing_every_module_leaves_the_public_names_alone() -> None:
    for room in ("data.check", "cli.fit", "cli.check", "model", "run"):
        importlib.import_module(f"headstart.{room}")
    assert all(callable(getattr(headstart, name)) for name in ("fit", "load", "evaluate", "check"))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="fti"):
        headstart.fti  # noqa: B018


def test_the_version_is_that_of_the_installed_package() -> None:
    assert importlib.import_module("importlib.metadata").version("headstart") == headstart.__version__
