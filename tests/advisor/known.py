"""Data whose answer is known before it is asked, made from a seed: which of pretrained, fresh and baseline must win."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

import families

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def languages(num: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Words of four languages that use all letters alike and differ in which letter likes to follow which.

    Pairs of letters tell them apart, which TF-IDF counts; an average over single letters says nothing.
    """
    rng = random.Random(seed)
    follows = {name: dict(zip(LETTERS, rng.sample(LETTERS, 26), strict=True)) for name in ("da", "de", "fi", "hu")}
    rows = []
    for name in [*follows] * (num // 4):
        word = [rng.choice(LETTERS)]
        while len(word) < 18:
            word.append(follows[name][word[-1]] if rng.random() < 0.4 else rng.choice(LETTERS))
        rows.append(("".join(word), name))
    return rows


def chances(num: int, *, seed: int = 0) -> list[tuple[str, str]]:
    """Reviews whose labels are thrown with a coin."""
    rng = random.Random(seed)
    return [(text, rng.choice(("neg", "pos"))) for text, _ in families.reviews(num, seed=seed)]


def stripes(folder: Path, num: int, *, seed: int = 0) -> Path:
    """Pictures of stripes that go across or down, wherever they begin and in any colour; a folder for each class.

    Every pixel has the same distribution in both classes, so that no weighted sum of pixels tells them apart; a network
    that was never shown a picture learns it as well as one that was shown other things.
    """
    from PIL import Image

    generator = np.random.default_rng(seed)
    for number in range(num):
        name = ("across", "down")[number % 2]
        wave = np.sin(np.arange(families.SIDE) * 2 * np.pi / 4 + generator.uniform(0, 2 * np.pi))
        plane = np.broadcast_to(wave[:, None] if name == "across" else wave, (families.SIDE, families.SIDE))
        colour = generator.uniform(25, 60, 3) * generator.choice((-1, 1), 3)
        pixels = 128 + plane[..., None] * colour + generator.normal(0, 40, (families.SIDE, families.SIDE, 3))
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder
