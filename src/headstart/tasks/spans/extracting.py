"""From answers to what a network is to say of each token, and back: the loss, and the best answers of an output."""

# B rows, T tokens; the last axis of two is for the first and for the last token of an answer

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.contracts import Prediction, Where
from headstart.tasks.spans import span_search

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    Ints = npt.NDArray[np.int64]

NO_TARGET = -1.0
"""What stands for a token that cannot be part of an answer."""
BEST = 20
"""Spans that share the probability among them, as in the published scripts for BERT on SQuAD."""
SHOWN = 5


@dataclass(frozen=True)
class Learned:
    """`longest` is how many characters an answer has at most; `may_be_silent` whether there were questions without
    one, and an answer is then given only if it is this much better than none: `threshold`, in logits."""

    longest: int
    may_be_silent: bool
    threshold: float = 0.0


def targets(answers: Sequence[Sequence[Mapping[str, Any]]], where: Where) -> torch.Tensor:
    """For each token the share of answers that begin and that end with it, shape (B, T, 2).

    Args:
        answers: Those of each row, of the whole text, however much of that the row has.
        where: The characters each token covers.

    Returns:
        `NO_TARGET` for tokens that cover nothing of the text, and for padding. What the shares of a row lack to 1
        belongs to answers that are not in this row, or to there being none.
    """
    import torch

    found = torch.full((len(where), max(map(len, where)), 2), NO_TARGET)
    for row_T2, golds, where_T2 in zip(found, answers, where, strict=True):
        covering = where_T2[:, 1] > where_T2[:, 0]
        row_T2[np.flatnonzero(covering)] = 0.0
        for gold in golds:
            for side, token in enumerate(_tokens(gold["start"], gold["start"] + len(gold["text"]), where_T2, covering)):
                row_T2[token, side] += 1 / len(golds)
    return found


def _tokens(start: int, end: int, where_T2: Any, covering_T: npt.NDArray[np.bool_]) -> tuple[int, int] | tuple[()]:
    """The first and the last token of characters [start, end); nothing where not all of them are here."""
    if not covering_T.any() or where_T2[covering_T, 0].min() > start or where_T2[covering_T, 1].max() < end:
        return ()
    (inside,) = np.nonzero(covering_T & (where_T2[:, 1] > start) & (where_T2[:, 0] < end))
    return (int(inside[0]), int(inside[-1])) if len(inside) else ()


def loss(
    output: torch.Tensor, targets: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy of each row in nats, shape (B,): the mean of that of the first and that of the last token.

    An answer competes with all others and with there being none, whose logit is 0.

    Args:
        output: Logits beside that of no answer, shape (B, T, 2).
        targets: From `targets`.
        weights: How heavily the first and the last token weigh, shape (2,).
        smoothing: Share of a target that is spread over all there are.
    """
    import torch

    may_BT2 = targets >= 0
    logits = torch.cat([output.new_zeros(len(output), 1, 2), output], dim=1).float()
    may = torch.cat([may_BT2.new_ones(len(output), 1, 2), may_BT2], dim=1)
    shares = targets.clamp(min=0)
    shares = torch.cat([1 - shares.sum(dim=1, keepdim=True), shares], dim=1)
    shares = (1 - smoothing) * shares + smoothing * may / may.sum(dim=1, keepdim=True)
    likelihood = logits.masked_fill(~may, -torch.inf).log_softmax(dim=1).masked_fill(~may, 0.0)
    each = -(shares * likelihood).sum(dim=1)
    return (each if weights is None else each * weights.to(each.device)).mean(dim=1)


def answer(output_T2: torch.Tensor, where_T2: Any, text: str, learned: Learned) -> Prediction:
    """The best answers that a text holds, or that it holds none.

    Args:
        output_T2: Logits beside that of no answer.
        where_T2: The characters each token covers.
        text: In which the answer is sought.
        learned: How long it may be, and from when on to answer.
    """
    start_T, end_T = output_T2.double().numpy().T
    longest = _most_tokens(where_T2, learned.longest)
    found = span_search.best(start_T, end_T, most=BEST, longest=longest)
    places = [(int(where_T2[span.first, 0]), int(where_T2[span.last, 1])) for span in found]
    return prediction(text, places, [span.score for span in found], learned)


def _most_tokens(where_T2: Any, characters: int) -> int:
    """The most tokens that so many characters may hold anywhere in the text, at least one."""
    ends = np.searchsorted(where_T2[:, 0], where_T2[:, 0] + characters, side="left")
    return int((ends - np.arange(len(ends))).max(initial=1))


def prediction(text: str, places: Sequence[tuple[int, int]], scores: Sequence[float], learned: Learned) -> Prediction:
    """One answer from the best places in a text and their scores, the best first.

    "answers" has up to five with their probability among the best; "margin" is how much better the best is than none.
    """
    odds = np.array([*scores, *([0.0] if learned.may_be_silent or not scores else [])])
    shares = np.exp(odds - odds.max())
    shares /= shares.sum()
    shown = [
        {"text": text[start:end], "start": start, "end": end, "confidence": float(share)}
        for (start, end), share in zip(places[:SHOWN], shares.tolist(), strict=False)
    ]
    margin = float(scores[0]) if scores else None
    if margin is None or (learned.may_be_silent and margin <= learned.threshold):
        silent = float(shares[-1])
        return {"answer": "", "start": None, "end": None, "confidence": silent, "margin": margin, "answers": shown}
    best = shown[0]
    told = {"answer": best["text"], "start": best["start"], "end": best["end"], "confidence": best["confidence"]}
    return {**told, "margin": margin, "answers": shown}


def threshold(margins_N: npt.NDArray[np.float64], gains_N: npt.NDArray[np.float64]) -> float:
    """The margin up to which it is best to keep silent; of several equally good ones that in the middle.

    Args:
        margins_N: How much better than none the best answer of each question is, -inf where there was none.
        gains_N: What giving it scores above silence.
    """
    order = np.argsort(margins_N, kind="stable")
    sorted_N = margins_N[order]
    edges = np.unique(sorted_N[np.isfinite(sorted_N)])
    if not len(edges):
        return 0.0
    tried = np.concatenate([[edges[0] - 1], (edges[1:] + edges[:-1]) / 2, [edges[-1] + 1]])
    # what is gained by the answers that are still given
    given = np.concatenate([np.cumsum(gains_N[order][::-1])[::-1], [0.0]])
    totals = given[np.searchsorted(sorted_N, tried, side="right")]
    best = np.flatnonzero(totals >= totals.max() - 1e-9)
    return float(tried[best[len(best) // 2]])
