"""scikit-learn's manners: `fit`, `predict`, `predict_proba`, `score`, clonable, at home in `cross_val_score`.

A fit here learns from all rows it is given and writes nothing; for scores, cards and reports there is `headstart.fit`.
"""

# N rows, C classes

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from headstart import run
from headstart.data.truths.labels import dumps
from headstart.errors import DataError
from headstart.model import Model
from headstart.settings import FitSettings


class _Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators do; scikit-learn wants parameters spelled out in each `__init__`."""

    _task: str

    def fit(self, X: Sequence[Any], y: Sequence[Any]) -> _Classifier:
        """Learns from items and their classes.

        Args:
            X: N items: texts, or pairs of them; or images as paths, Pillow images or uint8 arrays (H, W, 3).
            y: N classes, strings or numbers; or a table (N, C) of 0 and 1, where items have several.

        Raises:
            DataError: There is nothing to learn: no rows, as many items as classes it is not, or a single class.
        """
        truth = _array_of(y)
        if len(X) != len(truth):
            raise DataError(f"X has {len(X)} items and y has {len(truth)} classes. Give one class for each item.")
        self.classes_, labels = _several(truth) if truth.ndim == 2 else _one_each(truth)
        items = self._items(X)
        task = f"multi-label-{self._task}" if truth.ndim == 2 else self._task
        if items and isinstance(items[0], tuple):
            task = _of_pairs(task)
        self.model_: Model = run.learn_items(items, labels, FitSettings(**self.get_params()), task_name=task)
        self.n_features_in_ = 1
        return self

    def predict_proba(self, X: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Probabilities, shape (N, C), columns in the order of `classes_`; of several a row, each by itself."""
        check_is_fitted(self)
        known = self.model_.predict_proba(self._items(X))
        found = np.zeros((len(known), len(self.classes_)))
        # a column of y without a 1 is nothing that could be learnt
        found[:, [int(name) for name in self.model_.names]] = known
        return found

    def predict(self, X: Sequence[Any]) -> npt.NDArray[Any]:
        """The most probable class of each item, shape (N,), in the type of `y`; or a table (N, C) where that is one."""
        check_is_fitted(self)
        if not self.model_.task_name.startswith(SEVERAL):
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        table = np.zeros((len(X), len(self.classes_)), dtype=np.int64)
        for row, answer in zip(table, self.model_.predict(self._items(X)), strict=True):
            row[[int(name) for name in answer["labels"]]] = 1
        return table

    def _items(self, X: Sequence[Any]) -> list[Any]:
        """The items as rows can hold them."""
        return [tuple(map(str, item)) if isinstance(item, tuple | list) else str(item) for item in X]


SEVERAL = "multi-label-"


def _array_of(y: Any) -> npt.NDArray[Any]:
    """The classes, or the table of 0 and 1, as an array.

    Raises:
        DataError: It is neither.
    """
    try:
        truth = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    except ValueError:  # lists of different lengths
        truth = np.empty((0, 0, 0))
    if truth.ndim == 1 or (truth.ndim == 2 and np.isin(truth, (0, 1)).all()):
        return truth
    raise DataError(
        "y is neither a class for each item nor a table of 0 and 1 with a column for each class. "
        "Make one of lists with sklearn.preprocessing.MultiLabelBinarizer."
    )


def _one_each(truth: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], list[str]]:
    """The classes, and the name of each item's."""
    classes, numbers = np.unique(truth, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y holds {len(classes)} classes, two are the least. Add rows of another class.")
    # names that sort as the numbers do keep the columns of predict_proba in the order of classes_
    return classes, [f"{number:06d}" for number in numbers]


def _several(truth: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], list[str]]:
    """The columns by number, and the names of each item's as rows hold several."""
    if not truth.any():
        raise DataError("y holds no 1, so that there is no class to learn. Add rows with one.")
    return np.arange(truth.shape[1]), [dumps([f"{at:06d}" for at in np.flatnonzero(row)]) for row in truth]


def _of_pairs(task: str) -> str:
    """The task of pairs in place of that of single texts.

    Raises:
        DataError: There are several classes a row.
    """
    if task != "text-classification":
        raise DataError("X holds pairs of texts and y several classes for each, and only one can be learnt. Take one.")
    return "text-pair-classification"


class TextClassifier(_Classifier):
    """A text classifier on a pretrained model.

    Args:
        model: A reference; by default the best model on this machine.
        strategy: "frozen" or "full".
        head: "linear", "mlp", "conv" or "attention-pool".
        epochs: Most passes over the rows; by default what suits the strategy.
        lr: Peak learning rate; by default what suits the strategy.
        max_length: Longest text in tokens.
        long: What is read of a longer text: "head-tail", "cut" or "chunks".
        precision: "auto", "float32" or "bfloat16".
        offline: Never ask the network.
        seed: Of everything random.

    Example:
        cross_val_score(TextClassifier(), texts, labels, cv=3)
    """

    _task = "text-classification"

    def __init__(
        self,
        model: str | None = None,
        *,
        strategy: str = "frozen",
        head: str = "linear",
        epochs: int | None = None,
        lr: float | None = None,
        max_length: int | None = None,
        long: str = "head-tail",
        precision: str = "auto",
        offline: bool = False,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.strategy = strategy
        self.head = head
        self.epochs = epochs
        self.lr = lr
        self.max_length = max_length
        self.long = long
        self.precision = precision
        self.offline = offline
        self.seed = seed


class ImageClassifier(_Classifier):
    """An image classifier on a pretrained model.

    Args:
        model: A reference; by default the best model on this machine.
        strategy: "frozen" or "full".
        epochs: Most passes over the rows; by default what suits the strategy.
        lr: Peak learning rate; by default what suits the strategy.
        augment: How training images are changed: "auto", "none", or some of flip, crop, color, mixup, cutmix.
        precision: "auto", "float32" or "bfloat16".
        offline: Never ask the network.
        seed: Of everything random.
    """

    _task = "image-classification"

    def __init__(
        self,
        model: str | None = None,
        *,
        strategy: str = "frozen",
        epochs: int | None = None,
        lr: float | None = None,
        augment: str = "auto",
        precision: str = "auto",
        offline: bool = False,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.strategy = strategy
        self.epochs = epochs
        self.lr = lr
        self.augment = augment
        self.precision = precision
        self.offline = offline
        self.seed = seed

    def _items(self, X: Sequence[Any]) -> list[Any]:
        items = [item if isinstance(item, str | bytes) else _file_of(item) for item in X]
        if all(isinstance(item, str) for item in items):
            return items
        # a column of rows holds one kind of value
        return [item if isinstance(item, bytes) else Path(item).read_bytes() for item in items]


def _file_of(item: Any) -> Any:
    """A path as text; anything else as the bytes of a PNG file, which loses nothing."""
    from PIL import Image

    if isinstance(item, Path):
        return str(item)
    picture = item if isinstance(item, Image.Image) else Image.fromarray(np.asarray(item, dtype=np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
