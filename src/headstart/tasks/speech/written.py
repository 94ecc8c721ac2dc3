"""Transcripts that a model writes token by token: which tokens they are, the loss of each, and the words read back.

Nothing is aligned here as for CTC: the tokens of a text follow each other, and a text has an end of its own.
"""

# B rows, L tokens of the longest transcript, N tokens written, V tokens of the vocabulary, W windows

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Prediction, Rows, Speller, Writing
from headstart.data.truths.transcripts import plain
from headstart.errors import DataError

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""The target behind the end of a text."""
SHOWN = 5
"""Rows that a message names."""
WORD_STARTS, BYTE_SPACE = "▁", "Ġ"
"""How a space is written in pieces of SentencePiece, and in those of vocabularies of bytes."""
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""A piece of SentencePiece that is one byte."""
MARKED = re.compile(r"<.+>|\[.+\]")
"""How tokens are named that may be no text."""


@dataclass(frozen=True)
class Written:
    """The vocabulary of a model that writes, and how it does.

    `names` are the tokens in the order of their numbers, `silent` those that are no text. `speller` turns texts into
    tokens; it is there while something is learnt.
    """

    names: tuple[str, ...]
    silent: tuple[int, ...]
    writing: Writing
    speller: Speller | None = field(default=None, compare=False, repr=False)

    @staticmethod
    def of(speller: Speller, writing: Writing) -> Written:
        """The vocabulary of a model."""
        names = tuple(speller.names)
        marked = [number for number, name in enumerate(names) if MARKED.fullmatch(name) and not BYTE.fullmatch(name)]
        silent = {number for number in marked if not speller.text([number])} | {writing.end, *writing.before}
        return Written(names, tuple(sorted(silent)), writing, speller)

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """What each token adds to a text, as bytes of UTF-8: a character may be written by several tokens."""
        is_of_bytes = any(name.startswith(BYTE_SPACE) for name in self.names)
        read = _of_bytes if is_of_bytes else _of_marks
        silent = set(self.silent)
        return tuple(b"" if number in silent else read(name) for number, name in enumerate(self.names))

    def ids(self, text: str) -> list[int]:
        """The tokens of a transcript as it is written, with the one behind it, without those before it."""
        assert self.speller is not None, "what is learnt is learnt with the speller at hand"
        silent = set(self.silent)
        # as in pretraining a space stands before the first word, where a vocabulary has tokens with it
        said = " ".join(text.split())
        said = f" {said}" if any(name.startswith(BYTE_SPACE) for name in self.names) else said
        return [number for number in self.speller.ids(said) if number not in silent] + [self.writing.end]

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens."""
        found = b"".join(self.pieces[number] for number in ids).decode("utf-8", errors="replace")
        return " ".join(found.split())

    def verify(self, rows: Rows, model: str) -> None:
        """Makes sure that the model can write every transcript.

        Raises:
            DataError: Some have letters it does not know, or are longer than it writes.
        """
        room = self.writing.most - len(self.writing.before)
        texts = rows.column("label")
        spelled = [self.ids(text) for text in texts]
        long = [row for row, ids in enumerate(spelled) if len(ids) > room]
        if long:
            raise DataError(
                f"{_named(rows, long)}: the transcript has more than the {room} tokens that "
                f'"{model}" writes of one recording. Cut the recording at pauses, or remove the row.'
            )
        strange = [row for row, ids in enumerate(spelled) if plain(self.text(ids)) != plain(texts[row])]
        if strange:
            raise DataError(
                f'{_named(rows, strange)}: "{model}" has no tokens for the transcript; it would write '
                f'"{self.text(spelled[strange[0]])}" of the first. Change the transcript, or choose another --model.'
            )

    def targets(self, texts: Sequence[str]) -> torch.Tensor:
        """The tokens of each transcript, shape (B, L), negative behind it; none of one longer than what is written."""
        import torch

        room = self.writing.most - len(self.writing.before)
        spelled = [ids if len(ids) <= room else [] for ids in map(self.ids, texts)]
        found = torch.full((len(texts), max(1, *map(len, spelled))), IGNORED)
        for row, ids in enumerate(spelled):
            found[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        return found


def _named(rows: Rows, numbers: Sequence[int]) -> str:
    """Where some of the rows stand."""
    some = rows.take(list(numbers[:SHOWN]))
    if "file" not in some.table.column_names:
        where = [f"row {number + 1}" for number in numbers[:SHOWN]]
    else:
        where = [f"{file}, row {row}" for file, row in zip(some.column("file"), some.column("row"), strict=True)]
    more = f" and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else ""
    return "; ".join(where) + more


def _of_marks(name: str) -> bytes:
    byte = BYTE.fullmatch(name)
    return bytes([int(byte[1], 16)]) if byte else name.replace(WORD_STARTS, " ").encode()


def _of_bytes(name: str) -> bytes:
    """Tokens that were added to the vocabulary are written as they are."""
    known = _bytes_of_letters()
    return bytes(known[mark] for mark in name) if all(mark in known for mark in name) else name.encode()


def _bytes_of_letters() -> dict[str, int]:
    """The byte that each letter of a vocabulary of bytes stands for: printable ones for themselves, the others for
    letters from number 256 on, in their order.

    Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, `bytes_to_unicode` of its code.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Tokens of each row."""
    return (targets >= 0).sum(dim=1)


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Minus the log probability of each row's tokens, each after those before it, in nats, shape (B,).

    Args:
        output: Logits, shape (B, L, V).
        targets: From `Written.targets`, shape (B, L).
        weights: How heavily each token weighs, shape (V,).
        smoothing: Share of each target that is spread over all tokens.
    """
    from torch.nn import functional

    each_BL = functional.cross_entropy(
        output.float().transpose(1, 2),
        targets,
        weight=None if weights is None else weights.to(output.device),
        reduction="none",
        label_smoothing=smoothing,
        ignore_index=IGNORED,
    )
    return each_BL.sum(dim=1)


def decoded(output_WFN: torch.Tensor, where_W2: Any, written: Written) -> Prediction:
    """The text of a recording, and its words with the seconds they lie in and how sure each is.

    Args:
        output_WFN: What was written of each window: numbers of tokens, negative behind the last, the natural
            logarithms of their probabilities, and when each begins and ends as shares of the window.
        where_W2: Seconds that each window covers.
        written: What the tokens are.
    """
    words: list[dict[str, Any]] = []
    ends: list[float] = []
    for (ids_N, log_probs_N, *shares), (start, end) in zip(output_WFN.double().numpy(), where_W2, strict=True):
        num = int((ids_N >= 0).sum())
        ids = ids_N[:num].astype(int).tolist()
        ends += [value for number, value in zip(ids, log_probs_N[:num], strict=True) if number == written.writing.end]
        for text, tokens in spelled(ids, written.pieces):
            score = min(1.0, float(np.exp(np.mean(log_probs_N[tokens]))))
            first, last = (
                start + (end - start) * share[at] for share, at in zip(shares, (tokens[0], tokens[-1]), strict=True)
            )
            seconds = {"start": round(float(first), 3), "end": round(float(last), 3)}
            words.append({"word": text, **seconds, "score": score})
    # where nothing is said, how sure it is of that is how sure it is of the end
    logs = [np.log(max(word["score"], 1e-12)) for word in words] or ends or [0.0]
    confidence = min(1.0, float(np.exp(np.mean(logs))))
    return {"text": " ".join(str(word["word"]) for word in words), "confidence": confidence, "words": words}


def spelled(ids: Sequence[int], pieces: Sequence[bytes]) -> list[tuple[str, list[int]]]:
    """The words that tokens make, each with the places of its tokens; a word ends at a space."""
    words: list[tuple[bytearray, list[int]]] = [(bytearray(), [])]
    for place, number in enumerate(ids):
        for at, part in enumerate(re.split(rb"\s", pieces[number])):
            if at:
                words.append((bytearray(), []))
            if part:
                words[-1][0].extend(part)
                words[-1][1].append(place)
    return [(bytes(text).decode("utf-8", errors="replace"), places) for text, places in words if text]


def to_json(written: Written | None) -> Any:
    """By name; None for none."""
    if written is None:
        return None
    return {
        "vocabulary": list(written.names),
        "silent": list(written.silent),
        "before": list(written.writing.before),
        "end": written.writing.end,
        "most": written.writing.most,
        "beams": written.writing.beams,
        "language": written.writing.language,
    }


def from_json(value: Any) -> Written | None:
    """As it was saved."""
    if value is None:
        return None
    writing = Writing(tuple(value["before"]), value["end"], value["most"], value["beams"], value["language"])
    return Written(tuple(value["vocabulary"]), tuple(value["silent"]), writing)
