"""The noise of a curve: as a bootstrap of the test rows finds it, and each source of chance counted once."""

from __future__ import annotations

import numpy as np
import pytest
from made_curves import SIZES, Law, draw

from headstart.advisor import measured, noise
from headstart.advisor.measured import Measured


def both(*, answers: bool, relative: float = 0.05) -> list[Measured]:
    laws = {"ours": Law(0.1, 0.3, -0.5), "theirs": Law(0.1, 0.5, -0.5)}
    return list(draw(laws, np.random.default_rng(0), relative=relative, answers=answers).values())


def test_the_test_rows_do_what_drawing_them_again_does() -> None:
    curves = both(answers=True)
    generator, wrong = np.random.default_rng(1), np.concatenate([one.wrong_SN for one in curves])

    again = [wrong[:, generator.integers(0, 2000, 2000)].mean(axis=1) for _ in range(3000)]

    # a variance of 3,000 draws is within a tenth of the true one; 5 % are added on purpose
    assert noise.of_test_rows(curves) == pytest.approx(np.cov(np.transpose(again)), rel=0.2, abs=5e-6)


def test_without_answers_curves_are_not_taken_to_share_their_luck() -> None:
    covariance = noise.of_test_rows(both(answers=False))

    assert np.all(covariance[:5, 5:] == 0)


def test_without_answers_the_luck_is_that_of_a_share_of_the_rows() -> None:
    curve = measured.errors(SIZES, np.full((5, 3), 0.2), num_test=1000)

    # 0.2 · 0.8 / 1,000, all of it left after the mean over the seeds
    assert noise.of_test_rows([curve]).diagonal() == pytest.approx(np.full(5, 1.6e-4), rel=0.01)


def test_chance_in_single_answers_is_counted_once() -> None:
    generator = np.random.default_rng(2)
    curves = [measured.outcomes(SIZES, generator.random((5, 3, 2000)) < 0.2) for _ in range(200)]

    total = np.mean([(noise.of_test_rows([one]) + noise.of_seeds(one)).diagonal() for one in curves], axis=0)

    # independent answers: the mean of three seeds has 0.2 · 0.8 / 6,000; no variance is taken to be 0, which adds some
    assert np.all(total > 1.0 * 0.16 / 6000)
    assert np.all(total < 1.4 * 0.16 / 6000)


def test_what_seeds_differ_by_is_found() -> None:
    # seeds at 0.2 ± 0.02 at every size: variance 4e-4, of the mean of three 1.33e-4
    curve = measured.errors(SIZES, np.tile([0.18, 0.2, 0.22], (5, 1)), num_test=10**6)

    assert noise.of_seeds(curve).diagonal() == pytest.approx(np.full(5, 4e-4 / 3), rel=0.01)


def test_one_size_whose_seeds_agree_by_luck_is_not_taken_for_certain() -> None:
    seeds = np.tile([0.18, 0.2, 0.22], (5, 1))
    seeds[2] = 0.2

    deviations = np.sqrt(noise.of_seeds(measured.errors(SIZES, seeds, num_test=10**6)).diagonal())

    assert deviations[2] > 0.5 * deviations[1]
