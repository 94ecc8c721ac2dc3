"""What a network is to say of tokens about answers, and the best answers of what it says; expected values by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from headstart.tasks.spans import extracting
from headstart.tasks.spans.extracting import NO_TARGET, Learned

WHERE = np.array([[0, 0], [0, 0], [0, 3], [4, 7], [7, 8], [0, 0]])
"""Two special tokens, "Ada", "ran" and "." of "Ada ran.", and one more special token."""
TEXT = "Ada ran."
ALWAYS = Learned(longest=8, may_be_silent=False)


def answer(text: str, start: int) -> dict[str, Any]:
    return {"text": text, "start": start}


@pytest.mark.parametrize(
    ("golds", "first", "last"),
    [
        ([answer("Ada", 0)], {2: 1.0}, {2: 1.0}),
        ([answer("Ada ran", 0)], {2: 1.0}, {3: 1.0}),
        ([answer("Ada", 0), answer("Ada ran.", 0)], {2: 1.0}, {2: 0.5, 4: 0.5}),
        ([answer("an", 5)], {3: 1.0}, {3: 1.0}),
        ([], {}, {}),
    ],
    ids=["one token", "two tokens", "two opinions", "half a token", "no answer"],
)
def test_targets_are_shares_of_the_tokens_an_answer_begins_and_ends_with(golds: Any, first: Any, last: Any) -> None:
    (found,) = extracting.targets([golds], [WHERE]).tolist()
    assert [row[0] for row in found] == [NO_TARGET, NO_TARGET, *(first.get(at, 0.0) for at in (2, 3, 4)), NO_TARGET]
    assert [row[1] for row in found] == [NO_TARGET, NO_TARGET, *(last.get(at, 0.0) for at in (2, 3, 4)), NO_TARGET]


def test_an_answer_that_is_partly_in_another_window_is_none_of_this_one() -> None:
    window = np.array([[0, 0], [4, 7], [7, 8], [0, 0]])
    (found,) = extracting.targets([[answer("Ada ran", 0)]], [window])
    assert found.clamp(min=0).sum() == 0


def test_rows_of_different_length_are_padded_with_no_target() -> None:
    found = extracting.targets([[answer("Ada", 0)], []], [WHERE, WHERE[:3]])
    assert found[1, 3:].tolist() == [[NO_TARGET] * 2] * 3


def test_the_loss_is_torchs_cross_entropy_over_no_answer_and_the_tokens_of_the_text() -> None:
    output = torch.randn(1, 6, 2, generator=torch.Generator().manual_seed(0))
    found = extracting.loss(output, extracting.targets([[answer("Ada ran", 0)]], [WHERE]))
    logits = torch.cat([torch.zeros(1, 1, 2), output[:, 2:5]], dim=1)[0].T
    expected = cross_entropy(logits, torch.tensor([1, 2]))  # the first token of the text, and the second
    torch.testing.assert_close(found[0], expected)


def test_what_is_said_of_the_question_and_of_padding_plays_no_part_in_the_loss() -> None:
    targets = extracting.targets([[answer("Ada", 0)]], [WHERE])
    output = torch.zeros(1, 6, 2)
    loud = output.clone()
    loud[:, [0, 1, 5]] = 50.0
    torch.testing.assert_close(extracting.loss(loud, targets), extracting.loss(output, targets))
    assert float(extracting.loss(output, targets)) == pytest.approx(math.log(4))


def said(*pairs: tuple[float, float]) -> torch.Tensor:
    """Logits as first and as last of the three tokens of the text."""
    return torch.tensor(pairs)


def test_the_best_answer_is_told_in_characters() -> None:
    found = extracting.answer(said((5, 0), (0, 4), (0, 0)), WHERE[2:5], TEXT, ALWAYS)
    assert (found["answer"], found["start"], found["end"], found["margin"]) == ("Ada ran", 0, 7, 9.0)
    assert [one["text"] for one in found["answers"]][:2] == ["Ada ran", "Ada"]


def test_an_answer_is_no_longer_than_those_in_training() -> None:
    short = Learned(longest=3, may_be_silent=False)
    found = extracting.answer(said((5, 0), (0, 4), (0, 0)), WHERE[2:5], TEXT, short)
    assert found["answer"] == "Ada"


@pytest.mark.parametrize(("threshold", "expected"), [(8.9, "Ada ran"), (9.0, "")])
def test_silence_is_the_answer_up_to_the_threshold(threshold: float, expected: str) -> None:
    learned = Learned(longest=8, may_be_silent=True, threshold=threshold)
    found = extracting.answer(said((5, 0), (0, 4), (0, 0)), WHERE[2:5], TEXT, learned)
    assert found["answer"] == expected
    assert found["start"] == (0 if expected else None)


def test_a_text_without_tokens_has_no_answer() -> None:
    found = extracting.answer(torch.zeros(0, 2), WHERE[:0], "", ALWAYS)
    assert (found["answer"], found["answers"], found["margin"]) == ("", [], None)


def by_trying_all(margins: list[float], gains: list[float]) -> float:
    """The most that any threshold gains."""
    edges = [-math.inf, *margins]
    return max(sum(g for m, g in zip(margins, gains, strict=True) if m > edge) for edge in edges)


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_gains_as_much_as_any(seed: int) -> None:
    generator = np.random.default_rng(seed)
    margins = generator.integers(-4, 5, 12).astype(float)
    gains = generator.integers(-1, 2, 12).astype(float)
    found = extracting.threshold(margins, gains)
    assert gains[margins > found].sum() == by_trying_all(margins.tolist(), gains.tolist())


def test_questions_without_any_span_stay_silent() -> None:
    margins = np.array([-np.inf, 1.0, 2.0])
    assert extracting.threshold(margins, np.array([-1.0, 1.0, 1.0])) == 0.0
    assert extracting.threshold(np.array([-np.inf]), np.array([-1.0])) == 0.0


def test_a_threshold_lies_in_the_middle_of_those_that_are_as_good() -> None:
    assert extracting.threshold(np.array([1.0, 3.0]), np.array([-1.0, 1.0])) == 2.0


def test_every_answer_given_is_a_span_of_the_text() -> None:
    generator = torch.Generator().manual_seed(0)
    for length, _ in itertools.product(range(1, 4), range(20)):
        where = WHERE[2 : 2 + length]
        found = extracting.answer(torch.randn(length, 2, generator=generator), where, TEXT, ALWAYS)
        assert all(one["text"] == TEXT[one["start"] : one["end"]] for one in found["answers"])
        assert all(one["start"] < one["end"] for one in found["answers"])
