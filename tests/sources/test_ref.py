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
        ("timm:resnet50.a1_in1k@v1", ("timm", "resnet50.a1_in1k", "v1")),
        ("torchhub:pytorch/vision@v0.10.0:resnet50", ("torchhub", "pytorch/vision@v0.10.0:resnet50", None)),
        ("tfhub:google/nnlm/tensorFlow2/en-dim128/1", ("tfhub", "google/nnlm/tensorFlow2/en-dim128/1", None)),
        ("bert-base-uncased", ("hf", "google-bert/bert-base-uncased", None)),
        ("bert-base-uncased@v1", ("hf", "google-bert/bert-base-uncased", "v1")),
        ("hf:bert-base-uncased", ("hf", "google-bert/bert-base-uncased", None)),
        ("roberta-large", ("hf", "FacebookAI/roberta-large", None)),
        ("distilbert-base-uncased", ("hf", "distilbert/distilbert-base-uncased", None)),
        ("albert-base-v2", ("hf", "albert/albert-base-v2", None)),
        ("electra-small-discriminator", ("hf", "google/electra-small-discriminator", None)),
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


@pytest.mark.parametrize("text", ["resnet50", "vgg16", "gpt2"])
def test_a_bare_word_gets_the_spellings_it_may_have(text: str) -> None:
    says = f"write timm:{text} or torchhub:pytorch/vision:{text}. Write hf:org/name, dir:PATH or starter:NAME"
    with pytest.raises(ModelNotFound, match=says):
        _ref.parse(text)


def test_a_mistyped_old_id_gets_the_closest_one() -> None:
    with pytest.raises(ModelNotFound, match=r"Did you mean bert-base-uncased\?"):
        _ref.parse("bert-base-uncase")


def test_an_old_id_that_is_a_folder_too_must_be_spelt_out() -> None:
    Path("bert-base-uncased").mkdir()
    with pytest.raises(ModelNotFound, match="Write hf:bert-base-uncased or dir:bert-base-uncased"):
        _ref.parse("bert-base-uncased")


def test_an_old_id_is_found_in_a_cache_that_has_it_only_as_such(hub_cache: Path) -> None:
    old = hub_cache.with_name("models--bert-base-uncased")
    hub_cache.rename(old)
    try:
        asked = [_ref.parse(text) for text in ("bert-base-uncased", "hf:bert-base-uncased", "bert-base-cased")]
        loaded = _ref.load("bert-base-uncased", offline=True)
    finally:
        old.rename(hub_cache)
    assert [name for _, name, _ in asked] == ["bert-base-uncased"] * 2 + ["google-bert/bert-base-cased"]
    assert loaded.ref.revision == families.COMMIT


def test_a_timm_folder_may_have_an_at_sign_in_its_path() -> None:
    Path("me@home").mkdir()
    assert _ref.parse("timm:me@home") == ("timm", "me@home", None)


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
