"""Transcripts by methods that need no model: the one that fits most rows, and that of the recording most alike."""

# N rows, M training rows, D numbers of a template

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.contracts import Rows
from headstart.data.sounds import open_sound
from headstart.tasks.speech.transcripts_judged import errors, words_of

RATE = 8000
WINDOW, STEP = 256, 128
"""Samples of a spectrum, and between two."""
BANDS, TIMES = 20, 16
"""Of a template: bands of frequency, and parts of the recording."""
SECONDS = 10.0
"""Of a recording that is looked at."""
MOST = 4000
"""Training rows that are compared with; beyond them a sample is."""
TRIED = 50
"""Transcripts that are tried for every row, the most frequent first."""


def constant(texts: Sequence[str]) -> str:
    """The transcript, the word, or the silence with the fewest wrong words if it were said to be every row's."""
    words = Counter(word for text in texts for word in words_of(text))
    said = [text for text, _ in Counter(texts).most_common(TRIED)] + [word for word, _ in words.most_common(1)] + [""]
    distinct, counts = zip(*Counter(texts).items(), strict=True)
    truth = [words_of(text) for text in distinct]
    wrong = [int(errors(truth, [words_of(one)] * len(truth))[:, :3].sum(axis=1) @ np.array(counts)) for one in said]
    return said[int(np.argmin(wrong))]


def nearest(train: Rows, test: Rows, audio: str, label: str, *, seed: int) -> list[str]:
    """Of each test row the transcript of the training recording whose template is nearest."""
    rows = train
    if len(train) > MOST:
        rows = train.take(np.sort(np.random.default_rng(seed).permutation(len(train))[:MOST]))
    known_MD, asked_ND = (np.stack([template(path) for path in one.column(audio)]) for one in (rows, test))
    texts = rows.column(label)
    found = []
    for asked_D in asked_ND:
        found.append(texts[int(np.argmin(((known_MD - asked_D) ** 2).sum(axis=1)))])
    return found


def template(item: Any) -> Any:
    """The recording's spectrum in few numbers, shape (D,): the logarithm of its energy by band and part of its time,
    each band as it differs from its mean, so that loudness and microphone count little.
    """
    sound = open_sound(item, rate=RATE, stop=SECONDS)
    sound = np.pad(sound, (0, max(0, WINDOW + STEP * (TIMES - 1) - len(sound))))
    frames_TW = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::STEP] * np.hanning(WINDOW).astype(np.float32)
    power_TF = np.abs(np.fft.rfft(frames_TW, axis=1)) ** 2
    bands_TK = np.stack([part.mean(axis=1) for part in np.array_split(power_TF[:, 2:], _edges(), axis=1)], axis=1)
    parts_PK = np.stack([part.mean(axis=0) for part in np.array_split(np.log(bands_TK + 1e-6), TIMES)])
    centred = parts_PK - parts_PK.mean(axis=0)
    return (centred / (np.linalg.norm(centred) + 1e-6)).ravel()


def _edges() -> list[int]:
    """Where one band ends and the next begins: the higher, the wider, as the ear has it; each at least one wide."""
    high = WINDOW // 2 - 1
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 1)[1:-1]
    edges = np.round(700 * (10 ** (mel / 2595) - 1) / (RATE / 2) * high).astype(int)
    return [int(one) for one in np.maximum(edges, np.arange(1, BANDS))]
