"""Scores for a model that comes with a classifier of its own: how well its old classes foretell the new ones."""

# N rows, C classes, Z classes of the source

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def leep(probabilities_NZ: Floats, classes: Ints) -> float:
    """The mean log likelihood of the classes, in nats and at most 0, given each row's source probabilities alone.

    Args:
        probabilities_NZ: Of the source's classes, each row's sum 1, shape (N, Z).
        classes: Of the N rows, from 0, shape (N,).

    Source: Nguyen et al., ICML 2020, "LEEP: a new measure to evaluate transferability of learned representations".
    """
    given_ZC = _conditional(probabilities_NZ, classes)
    likelihood_N = np.einsum("nz,zn->n", probabilities_NZ, given_ZC[:, classes])
    return float(np.log(likelihood_N).mean())


def nce(probabilities_NZ: Floats, classes: Ints) -> float:
    """The negative entropy, in nats and at most 0, of the classes given the source's most probable one.

    Args:
        probabilities_NZ: Of the source's classes, shape (N, Z).
        classes: Of the N rows, from 0, shape (N,).

    Source: Tran, Nguyen, Hassner, ICCV 2019, "Transferability and hardness of supervised classification tasks".
    """
    certain_NZ = np.eye(probabilities_NZ.shape[1])[probabilities_NZ.argmax(axis=1)]
    # a classifier that is always certain makes LEEP of this
    return leep(certain_NZ, classes)


def _conditional(probabilities_NZ: Floats, classes: Ints) -> Floats:
    """The share of each class among what a source class was given, shape (Z, C)."""
    together_ZC = probabilities_NZ.T @ np.eye(int(classes.max()) + 1)[classes]
    return np.asarray(together_ZC / np.maximum(together_ZC.sum(axis=1, keepdims=True), 1e-300))
