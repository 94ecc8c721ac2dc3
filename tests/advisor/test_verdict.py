"""What follows from how the arms stand: the kind, the arm to take, and sentences whose figures are the arms' own."""

# rows that one of two arms alone has right decide: of n such rows, the 95 % interval of the gain is about ±1.96·√n / N

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_arms import hits, standing

from headstart.advisor import verdict
from headstart.advisor.outlook import Outlook
from headstart.advisor.race import Standing
from headstart.advisor.verdict import Verdict

BLIND = "majority class"
TFIDF = "TF-IDF + logistic regression"
N = 1000


def blind(right: int = 500, of: int = N) -> Standing:
    return standing(BLIND, "baseline", hits(right, of))


def words(right: int, of: int = N) -> Standing:
    return standing(TFIDF, "baseline", hits(right, of))


def bert(right: int, of: int = N, **how: Any) -> Standing:
    how = {"blocks": 6, "ms": 5.0, "mib": 80.0, **how}
    return standing(how.pop("name", "bert, frozen"), how.pop("kind", "pretrained"), hits(right, of), **how)


def fresh(right: int, of: int = N) -> Standing:
    return bert(right, of, name="bert, from fresh weights", kind="scratch", strategy="scratch")


def told(*standings: Standing, **asked: Any) -> Verdict:
    return verdict.of(standings, primary="accuracy", seed=0, **asked)


CASES: dict[str, tuple[list[Standing], str, str | None, str]] = {
    "a model is clearly better": (
        [blind(), words(800), bert(900)],
        "pretrained",
        "bert, frozen",
        "Use the pretrained model: bert, frozen; expect accuracy 0.900 [0.880, 0.917], against 0.800 for TF-IDF",
    ),
    "a model is clearly better than guessing, and nothing else was tried": (
        [blind(), bert(900)],
        "pretrained",
        "bert, frozen",
        "Use the pretrained model: bert, frozen; expect accuracy 0.900 [0.880, 0.917].",
    ),
    "a baseline is clearly better": (
        [blind(), words(900), bert(800)],
        "baseline",
        TFIDF,
        "The simple baseline is enough: TF-IDF + logistic regression; expect accuracy 0.900 [0.880, 0.917], against",
    ),
    "a baseline is as good": (
        [blind(), words(900), bert(904)],
        "baseline",
        TFIDF,
        "The simple baseline is enough",
    ),
    "a baseline is ahead on few rows": (
        [blind(20, 40), words(33, 40), standing("bert, frozen", "pretrained", hits(32, 40, first=20), blocks=6)],
        "not-enough-data",
        TFIDF,
        "Not enough data to tell whether pretraining helps: TF-IDF + logistic regression is ahead",
    ),
    "a model is ahead on few rows": (
        [blind(20, 40), words(32, 40), standing("bert, frozen", "pretrained", hits(35, 40, first=20), blocks=6)],
        "not-enough-data",
        "bert, frozen",
        "Not enough data to tell whether pretraining helps: bert, frozen is ahead",
    ),
    "fresh weights are better": (
        [blind(), words(600), bert(700), fresh(900)],
        "scratch",
        "bert, from fresh weights",
        "Pretraining does not help here: bert, from fresh weights; expect accuracy 0.900",
    ),
    "fresh weights are as good, and dearer": (
        [blind(), words(600), bert(900), fresh(903)],
        "scratch",
        "bert, frozen",
        "Pretraining does not help here: bert, frozen costs least of what is as good; expect accuracy 0.900",
    ),
    "nothing is better than guessing, on many rows": (
        [blind(1000, 2000), words(1005, 2000), standing("bert, frozen", "pretrained", hits(1020, 2000, first=500))],
        "no-signal",
        None,
        "No signal in these labels: the best of 2 ways, bert, frozen, reaches accuracy 0.510 [0.488, 0.532] on 2,000",
    ),
    "nothing is better than guessing, on few rows": (
        [blind(20, 40), standing(TFIDF, "baseline", hits(22, 40, first=10)), bert(21, 40)],
        "not-enough-data",
        None,
        "Not enough data to tell: the best of 2 ways, TF-IDF + logistic regression, reaches accuracy 0.550",
    ),
    "no model was tried": (
        [blind(), words(900)],
        "not-enough-time",
        None,
        "Not enough time to tell: no model was trained, and TF-IDF + logistic regression reaches accuracy 0.900",
    ),
}


@pytest.mark.parametrize(("standings", "kind", "taken", "said"), CASES.values(), ids=CASES.keys())
def test_the_verdict_follows_from_the_figures(
    standings: list[Standing], kind: str, taken: str | None, said: str
) -> None:
    found = told(*standings)

    assert found.kind == kind
    assert (None if found.taken is None else found.taken.arm.name) == taken
    assert found.sentence.startswith(said)
    assert found.sentence.endswith(".")


def test_the_order_in_which_arms_ran_decides_nothing() -> None:
    standings = [blind(), words(800), bert(900), bert(890, name="bert, top 2 blocks trained", strategy="top")]

    assert told(*standings).to_json() == told(*standings[::-1]).to_json() | {"why_not": told(*standings).why}


def test_the_best_of_many_blind_ways_is_no_signal() -> None:
    # the best of 20 is 2.3 standard deviations ahead, as one of 20 in three is by chance; alone it would be a signal
    ahead = standing("luckiest", "pretrained", hits(536, N, first=750), blocks=6)
    others = [standing(f"way {n}", "pretrained", hits(500, N, first=50 * n), blocks=6) for n in range(19)]

    assert told(blind(), ahead).kind != "no-signal"
    assert told(blind(), words(500), ahead, *others).taken is None


def test_of_ways_that_only_guess_hardly_one_set_in_twenty_shows_a_signal() -> None:
    generator = np.random.default_rng(0)

    def is_signal() -> bool:
        guesses = [standing(f"way {n}", "pretrained", generator.integers(0, 2, 400), blocks=6) for n in range(6)]
        return told(standing(BLIND, "baseline", generator.integers(0, 2, 400)), *guesses).taken is not None

    # of 200 sets at most one in twenty may; 10 ± 3.1 of them, so that 19 are three standard errors away
    assert sum(is_signal() for _ in range(200)) <= 19


def test_a_lead_of_eight_points_on_a_thousand_rows_is_seen() -> None:
    generator = np.random.default_rng(0)

    def kind() -> str:
        ours, theirs, guess = (generator.random(N) < share for share in (0.83, 0.75, 0.5))
        ways = standing("bert, frozen", "pretrained", ours, blocks=6), standing(TFIDF, "baseline", theirs)
        return told(standing(BLIND, "baseline", guess), *ways).kind

    # the gain's standard error is 0.018, so that the interval misses 0 in all but 1 of 140 sets
    assert sum(kind() == "pretrained" for _ in range(20)) >= 19


SLOW: dict[str, tuple[list[Standing], str, str]] = {
    "all models": (
        [blind(), words(800), bert(900, ms=50.0)],
        TFIDF,
        "No pretrained model answers fast enough: take TF-IDF + logistic regression; expect accuracy 0.800 "
        "[0.774, 0.824]; bert, frozen reaches accuracy 0.900 in 50.0 ms, too slow.",
    ),
    "the best model": (
        [blind(), words(800), bert(900), bert(950, name="bert, all trained", ms=50.0, strategy="full")],
        "bert, frozen",
        "; bert, all trained reaches accuracy 0.950 in 50.0 ms, too slow.",
    ),
    "what would not be taken anyway": (
        [blind(), words(800), bert(900), bert(850, name="bert, all trained", ms=50.0, strategy="full")],
        "bert, frozen",
        "against 0.800 for TF-IDF + logistic regression (gain +0.100 [+0.082, +0.119]).",
    ),
}


@pytest.mark.parametrize(("standings", "taken", "said"), SLOW.values(), ids=SLOW.keys())
def test_what_answers_too_slowly_is_not_taken_and_said_where_it_is_better(
    standings: list[Standing], taken: str, said: str
) -> None:
    found = told(*standings, most_ms=20.0)

    assert found.taken is not None
    assert found.taken.arm.name == taken
    assert said in found.sentence
    slow = [one.arm.name for one in standings if one.answering and one.answering["p95_ms"] > 20]
    assert all(found.why[name] == "too slow: 50.0 ms for one answer in 19 of 20 cases" for name in slow)


TAKEN: dict[str, tuple[Sequence[Standing], str]] = {
    "a baseline before a model": ([words(900), bert(904)], TFIDF),
    "a model that is better by more": ([words(900), bert(906)], "bert, frozen"),
    "few blocks before many": (
        [bert(904), bert(901, name="bert, lowest 2 blocks, frozen", blocks=2)],
        "bert, lowest 2",
    ),
    "frozen before trained": ([bert(900), bert(904, name="bert, all trained", strategy="full")], "bert, frozen"),
    "the better of two that cost the same": ([bert(900), bert(904, name="other, frozen")], "other, frozen"),
}


@pytest.mark.parametrize(("able", "taken"), TAKEN.values(), ids=TAKEN.keys())
def test_of_ways_that_are_as_good_the_cheapest_is_taken(able: Sequence[Standing], taken: str) -> None:
    assert verdict.cheapest(able).arm.name.startswith(taken)


def test_every_way_that_lost_is_told_why() -> None:
    found = told(
        blind(),
        words(800),
        bert(900),
        bert(903, name="bert, all trained", strategy="full"),
        bert(700, name="bert, top 2 blocks trained", strategy="top", epochs=(1, 4)),
    )

    assert found.why == {
        BLIND: "accuracy 0.500; as good with a probability below 1%",
        TFIDF: "accuracy 0.800; as good with a probability below 1%",
        "bert, all trained": "accuracy 0.903, no better by more than 0.005, and dearer",
        "bert, top 2 blocks trained": "accuracy 0.700 after 1 of 4 epochs; as good with a probability below 1%",
    }


def test_an_arm_is_dominated_where_another_is_as_good_as_fast_and_as_small() -> None:
    found = verdict.pareto(
        [
            words(950),
            bert(900, name="best", ms=9.0, mib=90.0),
            bert(850, name="small", ms=9.0, mib=20.0),
            bert(800, name="fast", ms=2.0, mib=90.0),
            bert(850, name="slower than small", ms=10.0, mib=20.0),
            bert(900, name="twin of best", ms=9.0, mib=90.0),
            bert(899, name="worse than best", ms=9.0, mib=90.0),
        ]
    )

    assert found == ["best", "small", "fast", "twin of best"]


def test_what_is_expected_of_more_rows_stands_beside_what_was_reached() -> None:
    def foresee(_: Standing) -> Outlook:
        return Outlook(0.912, 0.88, 0.94, 0.887, learns=5000, learnt=4000, judged=1821)

    found = told(blind(), words(800), bert(900), foresee=foresee)

    assert found.sentence.startswith(
        "Use the pretrained model: bert, frozen; expect accuracy 0.912 [0.880, 0.940] on the 1,821 test rows, "
        "learning from all 5,000; from 4,000 it reached 0.887, against 0.800 for TF-IDF + logistic "
        "regression (gain +0.100 ["
    )
    assert found.to_json()["expected"]["learns"] == 5000


def test_what_was_cut_short_is_said_to_be() -> None:
    def foresee(one: Standing) -> Outlook:
        return Outlook(0.912, 0.88, 0.94, one.value, learns=5000, learnt=4000)

    begun = standing("bert, all trained", "pretrained", hits(900, 1000), blocks=12, epochs=(1, 4))
    found = told(blind(), words(800), begun, foresee=foresee)

    assert "from 4,000 it reached 0.900 in 1 of 4 epochs, against" in found.sentence
