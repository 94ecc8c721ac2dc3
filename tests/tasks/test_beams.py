"""The search over prefixes finds what all alignments together say, with the frames its letters were heard at."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from headstart.tasks.speech import beam_search
from headstart.tasks.speech.languages import Language, learnt
from headstart.tasks.speech.word_times import told

PIECES = ("", "", " ", "a", "b")
BLANK = 0


def log_probs(rows: list[dict[str, float]]) -> np.ndarray:
    """Of each frame the probability of some pieces, "-" the blank; the rest is shared by the others."""
    order = ("-", "?", "_", "a", "b")
    found = np.full((len(rows), len(order)), 1e-9)
    for row, given in enumerate(rows):
        for name, value in given.items():
            found[row, order.index(name)] = value
    return np.log(found / found.sum(axis=1, keepdims=True))


def by_hand(frames: np.ndarray) -> tuple[str, float]:
    """The most probable text, every path gone through."""
    totals: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(len(PIECES)), repeat=len(frames)):
        probability = math.exp(sum(frames[at, one] for at, one in enumerate(path)))
        runs = [one for one, _ in itertools.groupby(path)]
        totals["".join(PIECES[one] for one in runs if one != BLANK)] += probability
    best = max(totals, key=lambda text: totals[text])
    return best, totals[best]


def text_of(heard: list[beam_search.Heard]) -> str:
    return "".join(PIECES[one.piece] for one in heard)


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_search_finds_the_text_that_all_paths_together_favour(seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = np.log(random.dirichlet(np.full(len(PIECES), 0.6), size=5))
    frames[:, 1] = -30.0  # the unknown is never written

    heard = beam_search.search(frames, PIECES, blank=BLANK, beams=200)

    assert text_of(heard) == by_hand(frames)[0]


def test_several_unlikely_paths_beat_the_likeliest_one() -> None:
    # the likeliest path is all blanks with 0.36, but three paths give "a" with 0.64 together
    frames = log_probs([{"-": 0.6, "a": 0.4}] * 2)

    assert text_of(beam_search.greedy(frames, BLANK)) == ""
    assert text_of(beam_search.search(frames, PIECES, blank=BLANK, beams=4)) == "a"


def test_a_letter_twice_needs_a_blank_between() -> None:
    sure = {"a": 1.0}

    for look in (
        lambda frames: beam_search.greedy(frames, BLANK),
        lambda frames: beam_search.search(frames, PIECES, blank=BLANK, beams=4),
    ):
        assert text_of(look(log_probs([sure, sure]))) == "a"
        assert text_of(look(log_probs([sure, {"-": 1.0}, sure]))) == "aa"


def test_letters_remember_their_frames() -> None:
    frames = log_probs([{"-": 1}, {"a": 1}, {"a": 1}, {"_": 1}, {"-": 1}, {"b": 1}])
    where = np.stack([np.arange(6) * 0.02, np.arange(1, 7) * 0.02], axis=1)

    for heard in (beam_search.greedy(frames, BLANK), beam_search.search(frames, PIECES, blank=BLANK, beams=4)):
        words = told(heard, PIECES, where, silence=1.0)["words"]
        assert [(word["word"], word["start"], word["end"]) for word in words] == [("a", 0.02, 0.06), ("b", 0.1, 0.12)]


def test_nothing_heard_is_an_empty_text() -> None:
    frames = log_probs([{"-": 1.0}] * 3)

    assert beam_search.greedy(frames, BLANK) == []
    assert beam_search.search(frames, PIECES, blank=BLANK, beams=4) == []
    assert told([], PIECES, np.zeros((3, 2)), silence=0.9) == {"text": "", "confidence": 0.9, "words": []}


def test_only_words_of_the_list_are_heard() -> None:
    frames = log_probs([{"a": 0.9, "b": 0.1}, {"_": 1.0}, {"a": 0.9, "b": 0.1}])
    only_b = Language(("b",))

    assert text_of(beam_search.search(frames, PIECES, blank=BLANK, beams=8, language=only_b)) == "b b"


def test_what_follows_what_decides_where_the_sound_does_not() -> None:
    frames = log_probs([{"a": 1.0}, {"_": 1.0}, {"a": 0.5, "b": 0.5}])

    for second in ("a", "b"):
        language = learnt([f"a {second}"] * 5 + ["a", "b"])
        assert text_of(beam_search.search(frames, PIECES, blank=BLANK, beams=8, language=language)) == f"a {second}"


def test_a_long_silence_keeps_no_prefixes_alive() -> None:
    frames = log_probs([{"-": 0.8, "a": 0.1, "b": 0.1}] * 3000)

    assert len(beam_search.search(frames, PIECES, blank=BLANK, beams=4)) < 3000
