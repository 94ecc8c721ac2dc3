"""Transcripts as tokens and back, the loss of what is written, and words with their scores."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import tiny_writers
from headstart.contracts import Rows, Writing
from headstart.errors import DataError
from headstart.sources.items.spellers import TransformersSpeller
from headstart.tasks.speech import written
from headstart.tasks.speech.written import IGNORED, Written

TOKENIZERS = {"bytes": tiny_writers.bytes_tokenizer, "letters": tiny_writers.letters_tokenizer}
TEXTS = ["a b", "Naïve café, 5 o'clock!", "你好 world", "日本語", "Ġ ▁ <s> weird", "emoji 🎧 here"]


def vocabulary(kind: str) -> Written:
    """That of a tiny tokenizer, with room for any text."""
    made = TOKENIZERS[kind]()
    speller = TransformersSpeller(made, None, len(made))
    return Written.of(speller, Writing((int(made.bos_token_id),), int(made.eos_token_id), 200))


@pytest.fixture(scope="module", params=TOKENIZERS)
def known(request: pytest.FixtureRequest) -> Written:
    """A vocabulary of each kind."""
    return vocabulary(request.param)


@pytest.mark.parametrize("text", [text for text in TEXTS if "▁" not in text])
def test_texts_are_read_back_as_they_were_written(known: Written, text: str) -> None:
    assert known.text(known.ids(text)) == text


@pytest.mark.parametrize("text", [text for text in TEXTS if "▁" not in text])
def test_texts_are_read_as_the_tokenizer_reads_them(known: Written, text: str) -> None:
    assert known.speller is not None
    ids = known.ids(text)

    assert known.text(ids) == " ".join(known.speller.text(ids).split())


def test_a_text_ends_and_nothing_stands_before_it(known: Written) -> None:
    ids = known.ids("a b")

    assert ids[-1] == known.writing.end
    assert not set(ids[:-1]) & set(known.silent)


@pytest.mark.parametrize("text", ["", "a", "ab  c", "é好 好é c", "c c c 好"])
def test_words_are_those_of_the_text_and_every_token_is_in_one(text: str) -> None:
    known = vocabulary("bytes")
    ids = known.ids(text)

    words = written.spelled(ids, known.pieces)

    assert [word for word, _ in words] == text.split()
    with_text = {place for place, number in enumerate(ids) if known.pieces[number].strip()}
    assert {place for _, places in words for place in places} == with_text


def rows(*texts: str) -> Rows:
    return Rows(
        pa.table({"label": list(texts), "file": ["list.csv"] * len(texts), "row": list(range(1, len(texts) + 1))})
    )


def test_a_transcript_with_more_tokens_than_are_written_is_named(known: Written) -> None:
    short = dataclasses.replace(known, writing=dataclasses.replace(known.writing, most=8))

    with pytest.raises(DataError, match=r'list.csv, row 2: the transcript has more than the 7 tokens that "it"'):
        short.verify(rows("a b", "a b c a b c a", "b"), "it")
    assert (short.targets(["a b c a b c a"]) == IGNORED).all()


def test_a_transcript_that_has_no_tokens_is_named() -> None:
    class Deaf:
        """Knows no "x"."""

        names = ("<s>", "</s>", "▁a")
        blank, unknown = None, 0

        def ids(self, text: str) -> list[int]:
            return [0, *(2 for word in text.split() if word == "a")]

        def text(self, ids: Any) -> str:
            return " ".join("a" for number in ids if number == 2)

        def writing(self, language: str | None) -> Writing:
            return Writing((0,), 1, 9)

    with pytest.raises(DataError, match=r'list.csv, row 2: "it" has no tokens for the transcript; it would write "a"'):
        Written.of(Deaf(), Writing((0,), 1, 9)).verify(rows("a", "a x"), "it")


def slow_loss(logits_LV: torch.Tensor, ids: list[int], weights: list[float], smoothing: float) -> float:
    """Token by token."""
    total = 0.0
    for at, number in enumerate(ids):
        log_probs = logits_LV[at].double().log_softmax(0)
        even = -sum(weights[other] * float(log_probs[other]) for other in range(len(weights))) / len(weights)
        total += (1 - smoothing) * -float(log_probs[number]) * weights[number] + smoothing * even
    return total


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_that_of_each_token_summed(smoothing: float) -> None:
    logits = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    targets, weights = torch.tensor([[1, 2, 0, 4], [3, 4, IGNORED, IGNORED]]), [1.0, 2.0, 0.5, 1.0, 3.0]

    found = written.loss(logits, targets, weights=torch.tensor(weights), smoothing=smoothing)

    expected = [
        slow_loss(logits[0], [1, 2, 0, 4], weights, smoothing),
        slow_loss(logits[1], [3, 4], weights, smoothing),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert written.counted(targets).tolist() == [4, 2]


def packed(known: Written, text: str, *probabilities: float) -> torch.Tensor:
    """What is written of one window, with how likely each token was."""
    ids = known.ids(text)
    found = torch.zeros(1, 4, 12)
    found[0, 0] = -1
    found[0, 2, : len(ids)] = torch.arange(len(ids)) / len(ids)
    found[0, 3, : len(ids)] = torch.arange(1, len(ids) + 1) / len(ids)
    found[0, 0, : len(ids)] = torch.tensor(ids, dtype=torch.float32)
    found[0, 1, : len(ids)] = torch.tensor(probabilities).log()
    return found


def test_words_have_the_mean_chance_of_their_tokens_and_their_times() -> None:
    known = vocabulary("bytes")
    output = torch.cat([packed(known, "ab b", 0.9, 0.4, 0.5, 1.0), packed(known, "c", 0.8, 1.0)])

    found = written.decoded(output, np.array([[0.0, 2.0], [2.0, 4.0]]), known)

    assert found["text"] == "ab b c"
    assert [(word["start"], word["end"]) for word in found["words"]] == [(0.0, 1.0), (1.0, 1.5), (2.0, 3.0)]
    scores = [math.sqrt(0.9 * 0.4), 0.5, 0.8]
    np.testing.assert_allclose([word["score"] for word in found["words"]], scores, rtol=1e-6)
    assert found["confidence"] == pytest.approx(math.prod(scores) ** (1 / 3))


def test_silence_is_as_sure_as_the_end_is() -> None:
    known = vocabulary("bytes")
    output = packed(known, "a", 0.5, 0.25)
    output[0, 0, :2], output[0, 1, 0] = torch.tensor([known.writing.end, -1]), math.log(0.25)

    found = written.decoded(output, np.array([[0.0, 1.0]]), known)

    assert found == {"text": "", "confidence": pytest.approx(0.25), "words": []}
