"""Speech recognition from end to end: fit, save, open in plain transformers, long recordings, every way of training."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import families
import headstart
import tones
from headstart.cli import main
from headstart.errors import DataError, MismatchError, SettingError
from headstart.model import Model, load, usage
from headstart.run import Run, fit
from headstart.settings import FitSettings
from headstart.sources import dir as folders

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
"""torch says so of WavLM as transformers calls it."""
SAID = ["a", "b", "c", "a b", "b c", "c a"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of letters with a list of them."""
    return tones.listed(tmp_path_factory.mktemp("speech") / "data", SAID * 12)


def fitted(data: Path, place: Path, **settings: Any) -> Run:
    given: dict[str, Any] = {"epochs": 2, "batch_size": 8, "precision": "float32", **settings}
    return fit(str(data), FitSettings(**given), out=place / "run")


@pytest.fixture(scope="module")
def run(data: Path, family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A fit of all of a tiny HuBERT, long enough that something is heard."""
    place = tmp_path_factory.mktemp("full")
    return fitted(
        data, place, model=str(family("hubert")), strategy="full", epochs=40, lr=5e-3, augment="none", ema=0.0
    )


def test_letters_are_heard(run: Run) -> None:
    assert run.scores["metrics"]["word_accuracy"]["value"] > 0.5
    assert run.scores["primary"] == "word_accuracy"
    assert set(run.scores["metrics"]) == {"word_accuracy", "wer", "cer"}


def test_the_folder_opens_in_plain_transformers_with_equal_outputs(run: Run, data: Path) -> None:
    from transformers import AutoModelForCTC, AutoProcessor

    folder, path = run.folder / "model", data / "clips" / "3.wav"
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForCTC.from_pretrained(folder).eval()
    inputs = processor(soundfile.read(path, dtype="float32")[0], sampling_rate=16_000, return_tensors="pt")

    with torch.no_grad():
        logits = model(**inputs).logits

    ours = run.model.answers([str(path)]).output[0]
    torch.testing.assert_close(logits[0], ours, atol=1e-4, rtol=1e-4)
    assert processor.batch_decode(logits.argmax(-1)) == [run.model.predict([str(path)])[0]["text"]]


def test_the_python_of_the_card_hears_the_same(run: Run, data: Path) -> None:
    items = [str(data / "clips" / f"{number}.wav") for number in range(4)]
    code = re.sub(r"^(folder|items) = .*", r"\1 = given_\1", usage(run.model), flags=re.MULTILINE)
    names: dict[str, Any] = {"given_folder": str(run.folder / "model"), "given_items": items}

    exec(code, names)

    assert names["answers"] == [answer["text"] for answer in run.model.predict(items)]


def long_recording(place: Path, words: int) -> str:
    """Letters with a second of silence after each, in one file at another rate and in two channels."""
    silence = np.random.default_rng(0).normal(0, 0.003, 22_050).astype(np.float32)
    parts = [part for at in range(words) for part in (tones.samples("abc"[at % 3], rate=22_050), silence)]
    whole = np.concatenate(parts)
    soundfile.write(place / "long.flac", np.stack([whole, whole], axis=1), 22_050)
    return str(place / "long.flac")


def test_a_long_recording_is_read_in_windows_that_lose_and_double_nothing(run: Run, tmp_path: Path) -> None:
    path = long_recording(tmp_path, 40)

    found = Model(**{**vars(run.model), "max_length": 10}).answers([path])

    (where,) = found.where or ()
    np.testing.assert_allclose(np.diff(where[:, 0]), 0.04, atol=1e-9)
    assert where[0, 0] == 0
    assert where[-1, 1] == pytest.approx(soundfile.info(path).duration, abs=0.1)
    assert len(found.output[0]) == len(where)


def test_windows_agree_with_the_whole_away_from_their_edges(run: Run, tmp_path: Path) -> None:
    path = long_recording(tmp_path, 15)
    whole, parts = (Model(**{**vars(run.model), "max_length": size}) for size in (60, 10))

    ours, theirs = (model.answers([path]).output[0].argmax(-1) for model in (parts, whole))

    assert float((ours == theirs).float().mean()) > 0.8


def test_answers_survive_saving(run: Run, data: Path) -> None:
    items = [str(data / "clips" / "0.wav"), str(data / "clips" / "5.wav")]

    assert load(run.folder).predict(items) == run.model.predict(items)


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "wavlm", "parakeet"])
@pytest.mark.parametrize("strategy", ["frozen", "top", "full"])
def test_every_family_learns_and_comes_back(
    name: str, strategy: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    run = fitted(data, tmp_path, model=str(family(name)), strategy=strategy)
    items = [str(data / "clips" / f"{number}.wav") for number in (0, 5)]

    theirs = load(run.folder)

    for one, other in zip(run.model.answers(items).output, theirs.answers(items).output, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["wav2vec2", "wavlm", "parakeet"])
def test_every_family_opens_in_its_own_class_with_equal_outputs(
    name: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    from transformers import AutoFeatureExtractor, AutoModelForCTC

    run = fitted(data, tmp_path, model=str(family(name)), strategy="full", epochs=1)
    folder, path = run.folder / "model", data / "clips" / "3.wav"
    extractor, model = AutoFeatureExtractor.from_pretrained(folder), AutoModelForCTC.from_pretrained(folder).eval()
    inputs = extractor(soundfile.read(path, dtype="float32")[0], sampling_rate=16_000, return_tensors="pt")

    with torch.no_grad():
        logits = model(**inputs).logits[0]

    ours = run.model.answers([str(path)]).output[0]
    torch.testing.assert_close(logits[: len(ours)], ours, atol=1e-4, rtol=1e-4)
    assert len(logits) - len(ours) in (0, 1)  # spectra end in a frame that covers no sound


def test_an_architecture_without_weights_is_trained_from_scratch_alone(data: Path, tmp_path: Path) -> None:
    run = fitted(data, tmp_path, strategy="scratch", epochs=1)

    assert json.loads((run.folder / "run.json").read_text())["model"]["name"] == "small-conformer"
    assert not load(run.folder).backbone.is_fresh
    with pytest.raises(SettingError, match="an architecture without weights"):
        fitted(data, tmp_path / "other", model="starter:small-conformer", strategy="full")


def test_a_vocabulary_is_kept_where_it_has_all_letters(run: Run, data: Path, tmp_path: Path) -> None:
    again = fitted(data, tmp_path, model=str(run.folder / "model"), strategy="full", epochs=1)

    assert again.model.learned.spelling.is_kept
    assert again.model.names == run.model.names
    item = [str(data / "clips" / "3.wav")]
    # its outputs are those it came with, moved by one epoch
    assert float((again.model.answers(item).output[0] - run.model.answers(item).output[0]).abs().max()) < 5


def test_a_vocabulary_that_lacks_letters_is_not_kept(run: Run, tmp_path: Path) -> None:
    other = tones.listed(tmp_path / "data", ["d", "a d", "e", "d e"] * 4)

    with pytest.raises(MismatchError, match='does not know "de" of the transcripts'):
        fitted(other, tmp_path, model=str(run.folder / "model"), strategy="full", vocabulary="kept")
    again = fitted(other, tmp_path, model=str(run.folder / "model"), strategy="full", epochs=1)
    assert again.model.names[3:] == ("a", "d", "e")


def test_a_list_of_words_is_all_that_is_heard(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("b\n")
    settings = {"model": str(run.folder / "model"), "strategy": "full", "epochs": 1}

    again = fitted(data, tmp_path, language_model=str(tmp_path / "words.txt"), **settings)

    heard = {word["word"] for number in range(6) for word in again.model.predict([_clip(data, number)])[0]["words"]}
    assert heard <= {"b"}
    assert load(again.folder).learned == again.model.learned


def _clip(data: Path, number: int) -> str:
    return str(data / "clips" / f"{number}.wav")


def test_training_recordings_longer_than_a_window_are_named(
    data: Path, family: families.Family, tmp_path: Path
) -> None:
    tones.listed(tmp_path / "data", SAID * 3)
    tones.write(tmp_path / "data" / "clips" / "2.wav", "a b c " * 10)
    model = str(family("hubert"))

    with pytest.raises(DataError, match=r"row 3.*longer than the 5 seconds"):
        fitted(tmp_path / "data", tmp_path, model=model, strategy="full", max_length=5, test=str(data))


def test_views_of_pictures_are_not_for_recordings(data: Path, family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r'"flip" is not for rows of audio'):
        fitted(data, tmp_path, model=str(family("hubert")), strategy="full", augment="flip")


def test_predict_writes_subtitles(run: Run, data: Path, tmp_path: Path) -> None:
    clips = [_clip(data, number) for number in (0, 3)]

    for place in ("all", "one.vtt"):
        given = clips if place == "all" else clips[:1]
        assert main(["predict", str(run.folder), *given, "--subtitles", str(tmp_path / place)]) == 0

    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["0.srt", "3.srt"]
    assert (tmp_path / "one.vtt").read_text().startswith("WEBVTT")


def test_the_page_shows_what_was_heard_beside_what_was_said(run: Run) -> None:
    assert "word accuracy" in (run.folder / "report.html").read_text()
    assert "AutoModelForCTC" in (run.folder / "model" / "README.md").read_text()


def test_a_backbone_says_what_it_writes_with(run: Run, family: families.Family) -> None:
    speller = folders.load(str(run.folder / "model"), revision=None, offline=True).speller

    assert speller is not None
    assert (tuple(speller.names), speller.blank, speller.unknown) == (run.model.names, 0, 1)
    assert speller.text(speller.ids("a b")) == "a b"
    assert folders.load(str(family("hubert")), revision=None, offline=True).speller is None


def test_the_api_evaluates_on_other_recordings(run: Run, tmp_path: Path) -> None:
    other = tones.listed(tmp_path / "other", ["a", "b", "a d"])  # a letter that it cannot write is an error, no fault

    assert 0 <= headstart.evaluate(run.folder, str(other))["metrics"]["wer"]["value"] <= 1.5
