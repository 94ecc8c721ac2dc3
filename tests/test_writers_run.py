"""Models that write what is said, from end to end: fit, save, open in plain transformers, every way of training."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

import families
import headstart
import tiny_writers
import tones
from headstart.contracts import Ref
from headstart.errors import DataError, MismatchError, SettingError, Stopped
from headstart.model import load, usage
from headstart.progress import Advance, Listener, Warned, silent
from headstart.run import Run, fit
from headstart.settings import FitSettings
from headstart.sources._transformers import backbone_of

SAID = ["a", "b", "c", "a b", "b c", "c a"]
Fitted = Callable[[str], Run]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of letters with a list of them."""
    return tones.listed(tmp_path_factory.mktemp("written") / "data", SAID * 3)


def fitted(data: Path, place: Path, *, listener: Listener = silent, **settings: Any) -> Run:
    given: dict[str, Any] = {"epochs": 1, "batch_size": 8, "precision": "float32", "lr": 5e-3, **settings}
    return fit(str(data), FitSettings(**given), out=place / "run", listener=listener)


@pytest.fixture(scope="module")
def runs(data: Path, family: families.Family, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A fit of all of a tiny model, by its name, long enough that something is written; each is made once."""
    known: dict[str, Run] = {}

    def of(name: str) -> Run:
        if name not in known:
            place = tmp_path_factory.mktemp(name)
            how: dict[str, Any] = {"strategy": "full", "epochs": 12, "augment": "none", "ema": 0.0}
            how["spoken_language"] = "german" if name == "whisper-of-languages" else None
            known[name] = fitted(data, place, model=str(family(name)), patience=12, **how)
        return known[name]

    return of


def clips(data: Path) -> list[str]:
    return [str(data / "clips" / f"{number}.wav") for number in range(4)]


every = pytest.mark.parametrize("name", tiny_writers.NAMES)


@every
def test_losses_fall_on_training_rows_and_others(name: str, runs: Fitted) -> None:
    run = runs(name)
    learning = json.loads((run.folder / "run.json").read_text())["learning"]

    assert learning[-1]["loss"] < 0.6 * learning[0]["loss"]
    assert learning[-1]["validation"]["loss"] < 0.8 * learning[0]["validation"]["loss"]
    assert run.scores["primary"] == "word_accuracy"
    assert set(run.scores["metrics"]) == {"word_accuracy", "wer", "cer"}
    assert "features read at | decoder" in (run.folder / "model" / "README.md").read_text()


def test_words_are_heard(data: Path, family: families.Family, tmp_path: Path) -> None:
    how: dict[str, Any] = {"epochs": 16, "patience": 16, "batch_size": 4, "augment": "none", "ema": 0.0}

    run = fitted(data, tmp_path, model=str(family("moonshine")), strategy="full", **how)

    assert headstart.evaluate(run.folder, str(data))["metrics"]["word_accuracy"]["value"] > 0.5


@every
def test_answers_survive_saving(name: str, runs: Fitted, data: Path) -> None:
    run = runs(name)

    theirs = load(run.folder)

    assert theirs.learned == run.model.learned
    for one, other in zip(theirs.answers(clips(data)).output, run.model.answers(clips(data)).output, strict=True):
        assert torch.equal(one, other)


@every
def test_the_folder_opens_in_plain_transformers_with_equal_outputs(name: str, runs: Fitted, data: Path) -> None:
    from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

    run = runs(name)
    folder, path = run.folder / "model", clips(data)[3]
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForSpeechSeq2Seq.from_pretrained(folder).eval()
    inputs = processor(soundfile.read(path, dtype="float32")[0], sampling_rate=16_000, return_tensors="pt")
    answer, writing = run.model.predict([path])[0], run.model.learned.written.writing
    ids_N, log_probs_N, *_ = run.model.answers([path]).output[0][0]
    num = int((ids_N >= 0).sum())
    given = torch.tensor([[*writing.before, *ids_N[:num].int().tolist()]])

    with torch.no_grad():
        logits = model(**inputs, decoder_input_ids=given).logits[0, len(writing.before) - 1 : -1]
        text = processor.batch_decode(model.generate(**inputs), skip_special_tokens=True)[0]

    theirs = logits.log_softmax(-1).gather(1, ids_N[:num].long()[:, None])[:, 0]
    torch.testing.assert_close(log_probs_N[:num], theirs, atol=1e-4, rtol=1e-4)
    assert answer["text"] == " ".join(text.split())


@every
def test_the_python_of_the_card_writes_the_same(name: str, runs: Fitted, data: Path) -> None:
    run, items = runs(name), clips(data)
    code = re.sub(r"^(folder|items) = .*", r"\1 = given_\1", usage(run.model), flags=re.MULTILINE)
    names: dict[str, Any] = {"given_folder": str(run.folder / "model"), "given_items": items}

    exec(code, names)

    assert names["answers"] == [answer["text"] for answer in run.model.predict(items)]


@pytest.mark.parametrize("strategy", ["frozen", "top", "gradual", "scratch"])
@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_every_strategy_learns_and_comes_back(
    name: str, strategy: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"top": 1} if strategy == "top" else {}

    run = fitted(data, tmp_path, model=str(family(name)), strategy=strategy, **how)

    assert load(run.folder).predict(clips(data)) == run.model.predict(clips(data))


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_an_encoder_made_shorter_keeps_its_decoder(
    name: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    from transformers import AutoModelForSpeechSeq2Seq

    run = fitted(data, tmp_path, model=str(family(name)), strategy="full", blocks=1, gradient_checkpointing=True)

    again: Any = AutoModelForSpeechSeq2Seq.from_pretrained(run.folder / "model")
    assert (len(again.get_encoder().layers), len(again.get_decoder().layers)) == (1, 2)
    assert load(run.folder).predict(clips(data)) == run.model.predict(clips(data))


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_a_frozen_encoder_stays_and_the_decoder_learns(
    name: str, data: Path, family: families.Family, tmp_path: Path
) -> None:
    from transformers import AutoModelForSpeechSeq2Seq

    run = fitted(data, tmp_path, model=str(family(name)), strategy="frozen")

    before, after = (AutoModelForSpeechSeq2Seq.from_pretrained(at) for at in (family(name), run.folder / "model"))
    theirs = after.state_dict()
    moved = {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, theirs[name])}
    assert {name for name in moved if ".encoder." in name} <= {
        f"model.encoder.layer_norm.{one}" for one in ("weight", "bias")
    }
    assert any(".decoder.layers." in name for name in moved)
    assert "Its encoder is unchanged; its decoder was trained" in (run.folder / "model" / "README.md").read_text()


@pytest.mark.parametrize("name", ["whisper", "moonshine"])
def test_a_long_recording_is_written_window_by_window(name: str, runs: Fitted, tmp_path: Path) -> None:
    path = str(tones.write(tmp_path / "long.wav", "a b c " * 8))
    model = dataclasses.replace(runs(name).model, max_length=1)

    answers = model.answers([path])
    found = model.predict([path])[0]

    (where_W2,) = answers.where or ()
    sound = soundfile.read(path, dtype="float32")[0]
    parts = [sound[round(start * tones.RATE) : round(end * tones.RATE)] for start, end in where_W2]
    assert len(parts) > 5
    assert where_W2[-1, 1] == pytest.approx(len(sound) / tones.RATE)
    assert found["text"] == " ".join(" ".join(one["text"] for one in model.predict(parts)).split())
    starts = [word["start"] for word in found["words"]]
    assert starts == sorted(starts)


def test_beams_write_what_plain_transformers_writes_with_them(runs: Fitted, data: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

    source = runs("moonshine").folder / "model"
    run = fitted(data, tmp_path, model=str(source), strategy="frozen", beams=3)
    folder = run.folder / "model"
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForSpeechSeq2Seq.from_pretrained(folder).eval()

    for path in clips(data):
        sound = soundfile.read(path, dtype="float32")[0]
        inputs = processor(sound, sampling_rate=tones.RATE, return_tensors="pt")
        with torch.no_grad():
            text = processor.batch_decode(model.generate(**inputs, num_beams=3), skip_special_tokens=True)[0]
        assert run.model.predict([path])[0]["text"] == " ".join(text.split())
    assert model.generation_config.num_beams == 3
    assert load(run.folder).learned.written.writing.beams == 3


def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not_been(
    data: Path, family: families.Family, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"model": str(family("whisper")), "strategy": "full", "epochs": 2, "batch_size": 4}
    settings |= {"precision": "float32", "lr": 5e-3}

    def stop(event: Any) -> None:
        if isinstance(event, Advance) and event.stage == "train" and event.done == 5:
            signal.raise_signal(signal.SIGINT)

    whole = fit(str(data), FitSettings(**settings), out=tmp_path / "whole")
    with pytest.raises(Stopped):
        fit(str(data), FitSettings(**settings), out=tmp_path / "run", listener=stop)
    again = fit(str(data), FitSettings(**settings), out=tmp_path / "run", resume=True)

    for name, tensor in again.model.network.state_dict().items():
        assert torch.equal(tensor, whole.model.network.state_dict()[name]), name


def test_a_model_of_several_languages_must_be_told_one(data: Path, family: families.Family, tmp_path: Path) -> None:
    model = str(family("whisper-of-languages"))

    with pytest.raises(SettingError, match=r"writes 3 languages \(de, en, zh\) and must be told which one is spoken"):
        fitted(data, tmp_path, model=model, strategy="full")
    with pytest.raises(SettingError, match=r'--spoken-language "klingon".*one of them'):
        fitted(data, tmp_path, model=model, strategy="full", spoken_language="klingon")


def test_the_language_is_known_to_plain_transformers_and_to_the_next_fit(
    runs: Fitted, data: Path, tmp_path: Path
) -> None:
    run = runs("whisper-of-languages")
    said = json.loads((run.folder / "model" / "generation_config.json").read_text())

    again = fitted(data, tmp_path, model=str(run.folder / "model"), strategy="full")

    assert (said["language"], said["task"]) == ("de", "transcribe")
    assert again.model.learned.written.writing == run.model.learned.written.writing


def test_a_vocabulary_is_not_built_for_a_model_that_writes(data: Path, family: families.Family, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"--vocabulary built.*tokens of its own"):
        fitted(data, tmp_path, model=str(family("whisper")), strategy="full", vocabulary="built")


def test_settings_that_play_no_part_are_said(data: Path, family: families.Family, tmp_path: Path) -> None:
    heard: list[Any] = []
    model, settings = str(family("moonshine")), {"strategy": "frozen", "language_model": "words", "head": "mlp"}

    fitted(data, tmp_path, model=model, listener=heard.append, **settings)

    said = [event.text for event in heard if isinstance(event, Warned)]
    assert any("--language-model plays no part with a model that writes" in text for text in said)
    assert any("--head plays no part with a model that writes" in text for text in said)


def test_transcripts_that_cannot_be_written_are_named(data: Path, family: families.Family, tmp_path: Path) -> None:
    long = tones.listed(tmp_path / "data", ["a", "b", "a" * 40, "b a"])

    with pytest.raises(DataError, match=r"row 3: the transcript has more than the \d+ tokens"):
        fitted(long, tmp_path, model=str(family("whisper")), strategy="full", test=str(data), validation=str(data))


def test_a_model_without_its_tokenizer_is_refused(data: Path, family: families.Family, tmp_path: Path) -> None:
    from transformers import AutoFeatureExtractor, AutoModelForSpeechSeq2Seq

    AutoModelForSpeechSeq2Seq.from_pretrained(family("whisper")).save_pretrained(tmp_path / "bare")
    AutoFeatureExtractor.from_pretrained(family("whisper")).save_pretrained(tmp_path / "bare")

    with pytest.raises(MismatchError, match="writes with a tokenizer, and its folder has none"):
        fitted(data, tmp_path, model=str(tmp_path / "bare"), strategy="full")


@pytest.mark.parametrize("name", ["whisper-of-languages", "moonshine"])
def test_an_architecture_without_weights_has_an_encoder_and_writes(
    name: str, family: families.Family, tmp_path: Path
) -> None:
    shutil.copytree(family(name), tmp_path / "fresh")
    (tmp_path / "fresh" / "model.safetensors").unlink()

    backbone = backbone_of(tmp_path / "fresh", Ref("fresh", "starter", "fresh"))
    whole: Any = backbone.task_module("AutoModelForSpeechSeq2Seq", None)

    assert backbone.is_fresh
    assert len(backbone.blocks) == 2
    assert type(backbone.module) is type(whole.get_encoder())
    said = json.loads((family(name) / "generation_config.json").read_text())
    assert whole.generation_config.decoder_start_token_id == said["decoder_start_token_id"]
    assert getattr(whole.generation_config, "lang_to_id", None) == said.get("lang_to_id")
