"""Error rates are jiwer's, whatever the rows; the figure of counts is the metric; CTC targets fit their frames."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
import torch

from headstart.data.truths.transcripts import plain
from headstart.tasks.speech import ctc, transcripts_judged
from headstart.tasks.speech.spelling import Spelling

WORDS = ("one", "two", "three", "four", "five")


def texts(seed: int, num: int = 40) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=int(random.integers(1, 7)))) for _ in range(num)]


@pytest.mark.parametrize("seed", range(3))
def test_error_rates_are_those_of_jiwer(seed: int) -> None:
    truth, said = texts(seed), texts(seed + 100)

    found = transcripts_judged.metrics(truth, said)["metrics"]

    assert found["wer"]["value"] == pytest.approx(jiwer.wer(truth, said))
    assert found["cer"]["value"] == pytest.approx(jiwer.cer(truth, said))
    assert found["word_accuracy"]["value"] == pytest.approx(1 - jiwer.wer(truth, said))
    assert found["wer"]["low"] <= found["wer"]["value"] <= found["wer"]["high"]


CASES = {
    "right": ("a b c", "a b c", [0, 0, 0, 3]),
    "right but for case and marks": ("A b, c.", "a B c", [0, 0, 0, 3]),
    "another word": ("a b c", "a x c", [1, 0, 0, 3]),
    "a word less": ("a b c", "a c", [0, 1, 0, 3]),
    "a word more": ("a b c", "a b x c", [0, 0, 1, 3]),
    "nothing heard": ("a b c", "", [0, 3, 0, 3]),
    "nothing said": ("", "a b", [0, 0, 2, 0]),
    "characters are words without spaces": ("你好世界", "你好界", [0, 1, 0, 4]),
}


@pytest.mark.parametrize("case", CASES)
def test_errors_by_hand(case: str) -> None:
    truth, said, expected = CASES[case]

    (found,) = transcripts_judged.errors([transcripts_judged.words_of(truth)], [transcripts_judged.words_of(said)])

    assert found.tolist() == expected


def test_words_stand_side_by_side() -> None:
    pairs = transcripts_judged.aligned("a b c d", "a x c d e")
    assert pairs == [("a", "a"), ("b", "x"), ("c", "c"), ("d", "d"), ("", "e")]


def where(num_frames: int) -> np.ndarray:
    return np.stack([np.arange(num_frames), np.arange(1, num_frames + 1)], axis=1).astype(float)


@pytest.mark.parametrize(("text", "frames", "letters"), [("abc", 3, 3), ("abc", 2, 0), ("aab", 4, 3), ("aab", 3, 0)])
def test_a_row_with_fewer_frames_than_it_needs_teaches_nothing(text: str, frames: int, letters: int) -> None:
    targets = ctc.targets([text], Spelling.built(["abc"]), [where(frames)])

    assert ctc.counted(targets).tolist() == [letters]
    assert torch.isfinite(ctc.loss(torch.zeros(1, frames, 6), targets)).all()


def test_the_loss_is_that_of_torch_whatever_the_padding() -> None:
    spelling, texts_ = Spelling.built(["abc"]), ["abc", "b a"]
    targets = ctc.targets(texts_, spelling, [where(8), where(5)])
    output = torch.randn(2, 8, len(spelling.names), generator=torch.Generator().manual_seed(0))

    loss = ctc.loss(output, targets)

    for row, (text, frames) in enumerate(zip(texts_, (8, 5), strict=True)):
        ids = torch.tensor([spelling.ids(text)])
        alone = torch.nn.functional.ctc_loss(
            output[row, :frames].log_softmax(-1), ids[0], torch.tensor(frames), torch.tensor(ids.shape[1])
        )
        # torch's mean divides by the letters
        assert float(loss[row]) == pytest.approx(float(alone) * ids.shape[1], rel=1e-5)


def test_a_vocabulary_has_the_letters_of_the_transcripts_in_order() -> None:
    spelling = Spelling.built(map(plain, ["Ab C", "É"]))

    assert spelling.names == ("<pad>", "<unk>", "|", "a", "b", "c", "é")
    assert spelling.ids("a é!") == [3, 2, 6]
    assert spelling.ids("xyz") is None
    assert spelling.missing(["abc", "axy"]) == "xy"
