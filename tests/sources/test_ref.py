"""What a model reference means, and which model is taken when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import families
from headstart.errors import ModelNotFound, UnknownName
from headstart.sources import _packaged, _ref


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf:org/name", ("hf", "org/name", None)),
        ("hf:org/name@v1", ("hf", "org/name", "v1")),
        ("org/name", ("hf", "org/name", None)),
        ("org/name@abc", ("hf", "org/name", "abc")),
        ("hf:gpt2", ("hf", "gpt2", None)),
        ("dir:some/folder", ("dir", "some/folder", None)),
        ("dir:some/me@home", ("dir", "some/me@home", None)),
        ("starter:shapes-resnet", ("starter", "shapes-resnet", None)),
    ],
    ids=str,
)
def test_a_reference_means_one_thing(text: str, expected: tuple[str, str, str | None]) -> None:
    assert _ref.parse(text) == expected


@pytest.mark.parametrize("text", ["model", "org/model", "./org/model"])
def test_an_existing_model_folder_is_a_folder(text: str, family: families.Family) -> None:
    Path(text).parent.mkdir(exist_ok=True, parents=True)
    Path(text).symlink_to(family("bert"))
    assert _ref.parse(text) == ("dir", text, None)


def test_a_folder_that_could_be_a_hub_id_must_be_spelt_out() -> None:
    Path("org/name").mkdir(parents=True)
    with pytest.raises(ModelNotFound, match="Write hf:org/name or dir:org/name"):
        _ref.parse("org/name")


@pytest.mark.parametrize("text", ["bert", "", "a/b/c", "./nowhere", "/nowhere/at/all"])
def test_what_could_mean_several_things_or_nothing_is_not_guessed(text: str) -> None:
    with pytest.raises(ModelNotFound, match=r"Write hf:org/name, dir:PATH or starter:NAME"):
        _ref.parse(text)


def test_an_unknown_scheme_gets_the_closest_one() -> None:
    with pytest.raises(UnknownName, match=r'no source "hff"\. Did you mean "hf"\? Known: dir, hf, starter'):
        _ref.parse("hff:org/name")


def test_the_best_model_is_the_highest_rank_that_is_here(hub_cache: Path) -> None:
    ref, why = _ref.best("image")
    assert ref == "starter:shapes-resnet"
    assert why.startswith("No --model was given: took starter:shapes-resnet")


def test_a_cached_model_serves_where_no_package_is_installed(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packaged, "folder_of", lambda packaged: None)
    assert _ref.best("text")[0] == "hf:tests/tiny-bert"


def test_the_others_that_are_here_are_named_too(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packaged, "folder_of", lambda packaged: Path())
    ref, why = _ref.best("text")
    assert ref == "hf:sentence-transformers/all-MiniLM-L6-v2"
    assert "also here: hf:tests/tiny-bert" in why


@pytest.mark.parametrize(
    ("modality", "says"), [("text", r'pip install "headstart\[minilm\]"'), ("audio", "--model facebook/wav2vec2-base")]
)
def test_with_no_model_the_message_says_what_to_install_or_type(
    modality: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_packaged, "folder_of", lambda packaged: None)
    with pytest.raises(ModelNotFound, match=says):
        _ref.best(modality)  # type: ignore[arg-type]


def test_lines_are_sorted_by_modality_and_the_best_first(hub_cache: Path) -> None:
    lines = _ref.listed()
    assert [line.modality for line in lines] == sorted(line.modality for line in lines)
    texts = [line for line in lines if line.modality == "text"]
    assert [line.is_available for line in texts] == sorted((line.is_available for line in texts), reverse=True)
