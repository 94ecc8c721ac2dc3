"""What is known of a language beside the sound: its words, or how likely they follow each other; learnt or from a file.

Files are ARPA models, as SRILM and KenLM write them, and lists of words. `beam_search` is steered by it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from headstart.data.truths.transcripts import plain
from headstart.errors import DataError, SettingError

ORDER = 3
"""Words that are looked at together, the last included, in a model learnt from transcripts."""
UNKNOWN, START = "<unk>", "<s>"
WEIGHT = 0.5
"""How much the language counts beside the sound; 0.5 to 1 is usual."""
REWARD = 0.5
"""Added for each word, in nats, because every word makes a text less likely and none would be said."""
LN10 = math.log(10)

Grams = Mapping[str, tuple[float, float]]
"""Words with single spaces between -> log10 of the last one's probability after the others, and of the factor on what
shorter ones say where a longer one is not known."""


@dataclass(frozen=True)
class Language:
    """Words, and with `grams` how likely they are; without, only known words may be said, all alike."""

    words: tuple[str, ...]
    grams: Grams | None = None
    order: int = 1

    def has(self, word: str) -> bool:
        """Whether a word may be said; with probabilities any may, though an unknown one is unlikely."""
        return self.grams is not None or word.lower() in self._known

    def begins(self, start: str) -> bool:
        """Whether a word that may be said begins so."""
        return self.grams is not None or start.lower() in self._starts

    def score(self, word: str, history: Sequence[str]) -> float:
        """What the word adds after those before it, in nats."""
        if self.grams is None:
            return 0.0
        return WEIGHT * LN10 * self.log10(word.lower(), [*map(str.lower, history)]) + REWARD

    def kept(self, history: Sequence[str]) -> tuple[str, ...]:
        """As many of the last words as are looked back at."""
        return tuple(history[len(history) - self.order + 1 :]) if self.order > 1 else ()

    def log10(self, word: str, history: Sequence[str]) -> float:
        """log10 P(word | history); by the longest known words, and by shorter ones less their factor.

        Source: Katz, "Estimation of Probabilities from Sparse Data", 1987, in the form of the ARPA files.
        """
        assert self.grams is not None, "asked for only where there are probabilities"
        before = [START, *history] if len(history) < self.order - 1 else list(history)
        before = before[len(before) - self.order + 1 :] if self.order > 1 else []
        factor = 0.0
        for first in range(len(before) + 1):
            context = before[first:]
            found = self.grams.get(" ".join([*context, word]))
            if found is not None:
                return factor + found[0]
            factor += self.grams.get(" ".join(context), (0.0, 0.0))[1] if context else 0.0
        return factor + self.grams.get(UNKNOWN, (-6.0, 0.0))[0]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def _starts(self) -> frozenset[str]:
        return frozenset(word[:length] for word in self.words for length in range(1, len(word) + 1))

    def to_json(self) -> dict[str, Any]:
        """As headstart.json has it."""
        grams = None if self.grams is None else {name: list(pair) for name, pair in self.grams.items()}
        return {"words": list(self.words), "grams": grams, "order": self.order}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Language:
        """As it was saved."""
        grams = value["grams"]
        pairs = None if grams is None else {name: (pair[0], pair[1]) for name, pair in grams.items()}
        return Language(tuple(value["words"]), pairs, value["order"])


def asked(name: str, texts: Sequence[str]) -> Language | None:
    """The language that `--language-model` names.

    Args:
        name: "none", "words", "ngram", or the path of a list of words (.txt) or an ARPA model (.arpa).
        texts: The training transcripts in their plain form.

    Raises:
        SettingError: It is none of these, or there is no such file.
        DataError: The file is no such list or model.
    """
    if name == "none":
        return None
    if name == "words":
        return Language(tuple(sorted({word for text in texts for word in text.split()})))
    if name == "ngram":
        return learnt(texts)
    path = Path(name)
    if path.suffix.lower() not in (".arpa", ".txt"):
        raise SettingError(
            f'--language-model "{name}" is not none, words, ngram, or a file that ends in .arpa or .txt.'
        )
    if not path.is_file():
        raise SettingError(f'--language-model "{name}": there is no such file. Check the path.')
    return _from_arpa(path) if path.suffix.lower() == ".arpa" else _from_list(path)


def learnt(texts: Iterable[str], order: int = ORDER) -> Language:
    """A model of the words of texts, each beginning anew.

    Source: Witten and Bell, "The zero-frequency problem", 1991, method C, interpolated: of a context seen n
    times before t different words, a word seen c times after it has (c + t P(word | shorter context)) / (n + t).
    """
    counts = [Counter[tuple[str, ...]]() for _ in range(order)]
    for text in texts:
        row = [START, *text.split()]
        for end in range(1, len(row)):
            for length in range(min(order, end + 1)):
                counts[length][tuple(row[end - length : end + 1])] += 1
    words = tuple(sorted(gram[0] for gram in counts[0]))
    after = [_contexts(counter) for counter in counts]
    probabilities: dict[tuple[str, ...], float] = {}
    even = 1 / (len(words) + 1)

    def probability(gram: tuple[str, ...]) -> float:
        if not gram[:-1]:
            total, kinds = after[0].get((), (0, 0))
            return (counts[0][gram] + kinds * even) / max(1, total + kinds)
        shorter = probabilities.get(gram[1:]) or probability(gram[1:])
        total, kinds = after[len(gram) - 1].get(gram[:-1], (0, 0))
        return (counts[len(gram) - 1][gram] + kinds * shorter) / (total + kinds) if total else shorter

    for counter in counts:
        for gram in sorted(counter):
            probabilities[gram] = probability(gram)
    factors = {
        context: kinds / (total + kinds) for of in after[1:] for context, (total, kinds) in of.items() if total + kinds
    }
    grams = {
        " ".join(gram): (math.log10(value), math.log10(factors.get(gram, 1.0))) for gram, value in probabilities.items()
    }
    # a context that is no word itself, as the start of a text, has a factor alone
    grams |= {" ".join(one): (-99.0, math.log10(value)) for one, value in factors.items() if " ".join(one) not in grams}
    total, kinds = after[0].get((), (0, 0))
    grams[UNKNOWN] = (math.log10(kinds * even / max(1, total + kinds)) if kinds else -6.0, 0.0)
    return Language(words, grams, order)


def _contexts(counter: Counter[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Of each context how often it occurs, and before how many different words."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for gram, count in counter.items():
        total, kinds = found.get(gram[:-1], (0, 0))
        found[gram[:-1]] = total + count, kinds + 1
    return found


def _from_list(path: Path) -> Language:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f'"{path}" cannot be read as a list of words ({error}). Save it as UTF-8, a word a line.'
        ) from error
    words = sorted({word for line in lines for word in plain(line).split()})
    if not words:
        raise DataError(f'"{path}" holds no words. Write one a line.')
    return Language(tuple(words))


def _from_arpa(path: Path) -> Language:
    grams: dict[str, tuple[float, float]] = {}
    order = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, length, line in _entries(file):
                order = max(order, length)
                grams |= _entry(path, number, length, line)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'"{path}" cannot be read as an ARPA model ({error}). Write it again as UTF-8.') from error
    if not grams:
        raise DataError(
            f'"{path}" is no ARPA model: it has no section such as \\1-grams:. Write it with KenLM or SRILM.'
        )
    words = tuple(sorted(name for name in grams if " " not in name and not name.startswith("<")))
    return Language(words, grams, order)


def _entries(lines: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Line number, length and text of each entry, whatever stands before and after the sections."""
    length = 0
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        if bare.startswith("\\"):
            named = bare.removeprefix("\\").removesuffix("-grams:")
            length = int(named) if named.isdecimal() else 0
        elif bare and length:
            yield number, length, bare


def _entry(path: Path, number: int, length: int, line: str) -> dict[str, tuple[float, float]]:
    cells = line.split()
    try:
        if len(cells) not in (length + 1, length + 2):
            raise ValueError
        factor = float(cells[length + 1]) if len(cells) == length + 2 else 0.0
        words = " ".join(one if one.startswith("<") else one.lower() for one in cells[1 : length + 1])
        return {words: (float(cells[0]), factor)}
    except ValueError as error:
        said = f"{length} words between a log10 probability and perhaps a factor were expected"
        raise DataError(f'{path}, line {number}: "{line[:60]}" is no entry: {said}. Write the model again.') from error
