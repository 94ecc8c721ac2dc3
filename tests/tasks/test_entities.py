"""Entities judged as seqeval judges them, tags read in every scheme, and sequences that are always legal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2

from headstart import score
from headstart.contracts import Rows
from headstart.data.truths import spans
from headstart.data.truths.spans import Span
from headstart.data.truths.words import words
from headstart.tasks import token_classification
from headstart.tasks.spans import entities_judged, taggers, tagging
from headstart.tasks.spans.tagging import IGNORED, Tags

TWO = Tags(("LOC", "PER"))


def sequences(seed: int, num: int = 40) -> list[list[str]]:
    """Legal sequences of tags at random."""
    rng = np.random.default_rng(seed)
    return [list(legal(rng, int(rng.integers(1, 12)))) for _ in range(num)]


def legal(rng: np.random.Generator, length: int) -> list[str]:
    tags = ["O"]
    for _ in range(length):
        choices = ["O", "O", "B-LOC", "B-PER", *([f"I{tags[-1][1:]}"] * 2 if tags[-1] != "O" else [])]
        tags.append(str(rng.choice(choices)))
    return tags[1:]


def as_spans(tags: list[str]) -> list[Span]:
    """Each word taken for one character."""
    return [Span(first, after, label) for first, after, label in spans.entities(tags)]


@pytest.mark.parametrize("seed", range(5))
def test_entity_f1_precision_and_recall_are_seqevals(seed: int) -> None:
    truth = sequences(seed)
    # half of the sentences are found as they are, so that there are hits
    found = [real if at % 2 else legal(np.random.default_rng(99 + at), len(real)) for at, real in enumerate(truth)]
    ours = entities_judged.metrics(list(map(as_spans, truth)), list(map(as_spans, found)), TWO.labels)["metrics"]

    theirs = {"entity_f1": f1_score, "precision": precision_score, "recall": recall_score}
    for name, measure in theirs.items():
        assert ours[name]["value"] == pytest.approx(measure(truth, found, mode="strict", scheme=IOB2), abs=1e-12)
        assert ours[name]["low"] <= ours[name]["value"] <= ours[name]["high"]


def test_figures_of_each_label_are_those_of_its_entities() -> None:
    truth = [[Span(0, 1, "PER"), Span(2, 4, "LOC")], [Span(0, 3, "LOC")]]
    found = [[Span(0, 1, "PER"), Span(2, 3, "LOC")], [Span(0, 3, "LOC"), Span(5, 6, "PER")]]
    table = entities_judged.metrics(truth, found, TWO.labels)["per_class"]
    assert table["LOC"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert table["PER"] == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1})


@pytest.mark.parametrize(("found", "expected"), [([], 0.0), ([Span(0, 1, "A")], 0.0)])
def test_without_any_entity_the_figure_is_nought_and_not_an_error(found: list[Span], expected: float) -> None:
    assert entities_judged.figure(entities_judged.counts([[]], [found])) == expected


def test_an_interval_draws_rows_with_all_their_entities() -> None:
    counts = np.array([[9, 1, 0], [0, 5, 5]], dtype=float)
    # of two rows drawn from two there are these three kinds
    drawn = {(0, 0): 18 / 19, (0, 1): 18 / 29, (1, 1): 0.0}
    low, high = score.bootstrap(lambda rows: entities_judged.figure(counts[rows]), 2, seed=0)
    assert (low, high) == pytest.approx((drawn[1, 1], drawn[0, 0]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("suffix", ["iob2", "iobes", "bilou"])
def test_every_scheme_gives_the_entities_seqeval_reads(seed: int, suffix: str) -> None:
    for tags in sequences(seed):
        written = converted(tags, suffix)
        assert list(spans.entities(written)) == sorted(read_by_seqeval(tags))


def converted(tags: list[str], scheme: str) -> list[str]:
    """The same entities written with marks of their last and only words."""
    if scheme == "iob2":
        return tags
    last, alone = ("E", "S") if scheme == "iobes" else ("L", "U")
    found = ["O"] * len(tags)
    for label, first, final in get_entities(tags):
        for at in range(first, final + 1):
            found[at] = f"{'B' if at == first else 'I'}-{label}"
        found[final] = f"{alone if first == final else last}-{label}"
    return found


def read_by_seqeval(tags: list[str]) -> list[tuple[int, int, str]]:
    return [(first, last + 1, label) for label, first, last in get_entities(tags)]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-PER", "I-PER", "B-PER", "O", "I-LOC"], [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC")]),
        (["I-PER", "I-LOC"], [(0, 1, "PER"), (1, 2, "LOC")]),
        (["B-PER", "E-PER", "I-PER"], [(0, 2, "PER"), (2, 3, "PER")]),
        (["S-PER", "S-PER", "M-LOC"], [(0, 1, "PER"), (1, 2, "PER"), (2, 3, "LOC")]),
        (["B-creative-work", "I-creative-work"], [(0, 2, "creative-work")]),
    ],
    ids=["IOB1", "labels that meet", "after an end", "alone", "a label with a dash"],
)
def test_tags_are_read_by_hand(tags: list[str], expected: list[tuple[int, int, str]]) -> None:
    assert list(spans.entities(tags)) == expected


def test_the_best_legal_sequence_is_that_of_trying_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        scores_WC = np.log(rng.dirichlet(np.ones(5), size=4))
        everything = itertools.product(range(5), repeat=4)
        best = max(filter(is_legal, everything), key=lambda tags: scores_WC[np.arange(4), list(tags)].sum())
        assert tagging.best_legal(scores_WC, TWO.forbidden).tolist() == list(best)


def is_legal(tags: tuple[int, ...]) -> bool:
    named = [TWO.names[tag] for tag in tags]
    return all(
        not tag.startswith("I-") or before in (f"B{tag[1:]}", f"I{tag[1:]}")
        for before, tag in itertools.pairwise(["O", *named])
    )


def test_no_output_decodes_to_an_illegal_sequence() -> None:
    text = "Ada Lovelace met Charles in London"
    where = np.array(words(text))
    for seed in range(50):
        output = 10 * torch.randn(len(where), 5, generator=torch.Generator().manual_seed(seed))
        (answer,) = token_classification.decode([output], TWO, [text], [where])
        found = [(one["start"], one["end"]) for one in answer["entities"]]
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
        assert all(one["text"] == text[one["start"] : one["end"]] for one in answer["entities"])
        assert all(0 < one["score"] <= 1 for one in answer["entities"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ([(0, 0), (0, 3), (3, 4), (5, 8), (0, 0)], [-1, 0, -1, 1, -1]),
        ([(0, 4), (4, 8)], [0, 1]),
        ([(0, 2), (2, 5), (5, 5), (5, 8)], [0, -1, -1, 1]),
        ([(0, 8)], [0]),
        ([], []),
    ],
    ids=["word pieces and special tokens", "a space in front", "a space behind, nothing", "both words", "none"],
)
def test_a_word_belongs_to_the_first_token_that_touches_it(where: list[Any], expected: list[int]) -> None:
    covered = np.array(where, dtype=np.int32).reshape(-1, 2)
    assert tagging.words_of_tokens(words("Adam Eve"), covered).tolist() == expected


def test_a_word_that_shares_a_token_goes_on_with_what_the_word_before_is() -> None:
    places = words("U.")
    scores_TC = np.log(np.array([[0.1, 0.0, 0.0, 0.9, 0.0]]) + 1e-9)
    scores_WC = tagging.scores_of_words(places, np.array([[0, 2]]), scores_TC)
    assert TWO.spans(tagging.best_legal(scores_WC, TWO.forbidden), places)[0][0] == Span(0, 2, "PER")


def rows(*pairs: tuple[str, list[Span]]) -> Rows:
    texts, labels = [text for text, _ in pairs], [spans.dumps(found) for _, found in pairs]
    return Rows(pa.table({"text": texts, "label": labels}))


def test_targets_stand_at_the_first_tokens_of_words() -> None:
    some = rows(("Ada ran", [Span(0, 3, "PER")]), ("ran", []))
    where = [np.array([(0, 0), (0, 2), (2, 3), (4, 7), (0, 0)]), np.array([(0, 0), (0, 3), (0, 0)])]
    expected = [[IGNORED, 3, IGNORED, 0, IGNORED], [IGNORED, 0, IGNORED, IGNORED, IGNORED]]
    targets = token_classification.collate(some, TWO, where)
    assert targets.tolist() == expected
    assert token_classification.counted(targets).tolist() == [2, 1]


def test_of_a_label_that_training_did_not_show_nothing_is_asked() -> None:
    assert TWO.of_words(words("Ada ran"), [Span(0, 3, "EVENT")]).tolist() == [IGNORED, 0]


def test_a_gazetteer_takes_the_longest_phrase_it_mostly_saw_as_an_entity() -> None:
    known = [
        ("New York is in May", [Span(0, 8, "LOC")]),
        ("New things in York", [Span(14, 18, "LOC")]),
        ("May came in May", [Span(0, 3, "PER")]),
    ]
    (found,) = taggers.gazetteer(known, ["May saw New York and York in New May"])
    assert found == [Span(8, 16, "LOC"), Span(21, 25, "LOC")]


def test_the_linear_baseline_learns_what_words_look_like() -> None:
    names = ("Adam", "Berta", "Carla", "David", "Emil", "Frida")
    known = [(f"we saw {name} today", [Span(7, 7 + len(name), "PER")]) for name in names]
    (found,) = taggers.by_shape(known, ["we saw Gustav today"], Tags(("PER",)), seed=0)
    assert found == [Span(7, 13, "PER")]
