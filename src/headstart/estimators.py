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
from headstart.errors import DataError
from headstart.model import Model
from headstart.settings import FitSettings


class _Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators do; scikit-learn wants parameters spelled out in each `__init__`."""

    _task: str

    def fit(self, X: Sequence[Any], y: Sequence[Any]) -> _Classifier:
        """Learns from items and their classes.

        Args:
            X: N items: texts; or images as paths, Pillow images or uint8 arrays (H, W, 3).
            y: N classes, strings or numbers.

        Raises:
            DataError: There is nothing to learn: no rows, as many items as classes it is not, or a single class.
        """
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        if len(X) != len(numbers):
            raise DataError(f"X has {len(X)} items and y has {len(numbers)} classes. Give one class for each item.")
        if len(self.classes_) < 2:
            raise DataError(f"y holds {len(self.classes_)} classes, two are the least. Add rows of another class.")
        # names that sort as the numbers do keep the columns of predict_proba in the order of classes_
        labels = [f"{number:06d}" for number in numbers]
        settings = FitSettings(**self.get_params())
        self.model_: Model = run.learn_items(self._items(X), labels, settings, task_name=self._task)
        self.n_features_in_ = 1
        return self

    def predict_proba(self, X: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Probabilities, shape (N, C), columns in the order of `classes_`."""
        check_is_fitted(self)
        return self.model_.predict_proba(self._items(X))

    def predict(self, X: Sequence[Any]) -> npt.NDArray[Any]:
        """The most probable class of each item, shape (N,), in the type of `y`."""
        probabilities = self.predict_proba(X)  # first, because it says so when nothing is fitted
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def _items(self, X: Sequence[Any]) -> list[Any]:
        """The items as rows can hold them."""
        return [str(text) for text in X]


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
