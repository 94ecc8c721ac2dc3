"""The estimators behave as scikit-learn's own do, on texts and on every form of image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

import families
from headstart.errors import DataError, MismatchError
from headstart.estimators import ImageClassifier, TextClassifier

TEXTS, LABELS = map(list, zip(*families.reviews(40), strict=True))


def text_classifier(family: families.Family, **given: Any) -> TextClassifier:
    return TextClassifier(f"dir:{family('bert')}", precision="float32", **given)


@pytest.mark.parametrize("kind", [TextClassifier, ImageClassifier])
def test_a_clone_has_the_same_parameters(kind: Any) -> None:
    original = kind("dir:x", strategy="full", seed=3, epochs=2)
    assert clone(original).get_params() == original.get_params()


@pytest.mark.parametrize("kind", [TextClassifier, ImageClassifier])
def test_parameters_are_settings(kind: Any) -> None:
    from headstart.settings import FitSettings

    assert set(kind().get_params()) <= set(vars(FitSettings()))


def test_defaults_are_those_of_the_settings() -> None:
    from headstart.settings import FitSettings

    defaults = vars(FitSettings())
    for kind in (TextClassifier, ImageClassifier):
        given = kind().get_params()
        assert given == {name: defaults[name] for name in given}


def test_parameters_can_be_set_and_unknown_ones_are_refused() -> None:
    assert TextClassifier().set_params(seed=5).seed == 5
    with pytest.raises(ValueError, match="Invalid parameter 'sead'"):
        TextClassifier().set_params(sead=5)


def test_it_is_at_home_in_cross_val_score(family: families.Family) -> None:
    scores = cross_val_score(text_classifier(family), TEXTS, LABELS, cv=2, error_score="raise")
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_it_is_at_home_in_a_grid_search(family: families.Family) -> None:
    search = GridSearchCV(text_classifier(family), {"seed": [0, 1]}, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert search.best_params_["seed"] in (0, 1)


@pytest.mark.parametrize(
    "names",
    [(0, 1), ("neg", "pos"), (-5, 10), (False, True), (2.0, 10.0)],
    ids=["0 1", "text", "signed", "bool", "float"],
)
def test_classes_come_back_in_their_own_type_and_order(names: tuple[Any, Any], family: families.Family) -> None:
    classes = np.array([names[label == "pos"] for label in LABELS])
    fitted = text_classifier(family).fit(TEXTS, classes)
    assert fitted.classes_.tolist() == sorted(names)
    assert fitted.predict(TEXTS).dtype == classes.dtype
    assert fitted.score(TEXTS, classes) > 0.8


def test_more_than_nine_number_classes_keep_their_columns(family: families.Family) -> None:
    numbers = np.arange(36) % 12
    texts = [
        " ".join([(families.GOOD + families.BAD)[number]] * 3 + [families.PLAIN[i % 15]])
        for i, number in enumerate(numbers)
    ]
    fitted = text_classifier(family).fit(texts, numbers)
    assert fitted.classes_.tolist() == list(range(12))
    assert (fitted.predict(texts) == numbers).mean() > 0.8


def test_the_columns_of_predict_proba_are_the_classes(family: families.Family) -> None:
    fitted = text_classifier(family).fit(TEXTS, LABELS)
    probabilities = fitted.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(TEXTS)).all()


def test_before_fitting_nothing_is_predicted(family: families.Family) -> None:
    with pytest.raises(NotFittedError):
        text_classifier(family).predict(TEXTS)


@pytest.mark.parametrize(
    "given",
    [{"head": "mlp", "epochs": 2}, {"strategy": "full", "epochs": 1}, {"long": "chunks", "max_length": 5}],
    ids=["mlp", "full", "chunks"],
)
def test_every_way_of_learning_is_open_to_it(given: dict[str, Any], family: families.Family) -> None:
    assert text_classifier(family, **given).fit(TEXTS, LABELS).predict(TEXTS[:3]).shape == (3,)


def test_the_same_seed_gives_the_same_probabilities_to_the_bit(family: families.Family) -> None:
    first, second = (text_classifier(family, head="mlp", epochs=2, seed=1).fit(TEXTS, LABELS) for _ in range(2))
    assert np.array_equal(first.predict_proba(TEXTS), second.predict_proba(TEXTS))


def test_the_global_generators_are_left_as_they_were(family: families.Family) -> None:
    import torch

    torch.manual_seed(7)
    before = torch.get_rng_state()
    text_classifier(family, head="mlp", epochs=1).fit(TEXTS, LABELS)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("texts", "labels", "says"),
    [
        (["a", "b"], ["x"], "X has 2 items and y has 1 classes"),
        (["a", "b"], ["x", "x"], "y holds 1 classes"),
        ([], [], "y holds 0 classes"),
    ],
    ids=["unlike lengths", "one class", "nothing"],
)
def test_what_cannot_be_learnt_is_refused(texts: list[str], labels: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        TextClassifier().fit(texts, labels)


def test_a_model_of_the_wrong_modality_is_refused(family: families.Family) -> None:
    with pytest.raises(MismatchError, match="reads image and the rows hold text"):
        TextClassifier(f"dir:{family('resnet')}").fit(TEXTS, LABELS)


def arrays() -> tuple[list[Any], list[str]]:
    """Sixteen pictures as arrays, and their colours."""
    colours = [("blue", "red")[i % 2] for i in range(16)]
    return [np.asarray(families.picture(families.SHADES[name], seed=i)) for i, name in enumerate(colours)], colours


def as_files(pictures: list[Any], folder: Path) -> list[Path]:
    from PIL import Image

    files = [folder / f"{i}.png" for i in range(len(pictures))]
    for file, pixels in zip(files, pictures, strict=True):
        Image.fromarray(pixels).save(file)
    return files


@pytest.mark.parametrize("form", ["arrays", "one array", "Pillow images", "paths", "strings", "bytes"])
def test_images_are_taken_in_every_form_alike(form: str, family: families.Family, tmp_path: Path) -> None:
    from PIL import Image

    pictures, colours = arrays()
    files = as_files(pictures, tmp_path)
    forms: dict[str, Any] = {
        "arrays": pictures,
        "one array": np.stack(pictures),
        "Pillow images": [Image.fromarray(pixels) for pixels in pictures],
        "paths": files,
        "strings": [str(file) for file in files],
        "bytes": [file.read_bytes() for file in files],
    }
    fitted = ImageClassifier(f"dir:{family('resnet')}", precision="float32").fit(forms[form], colours)
    expected = ImageClassifier(f"dir:{family('resnet')}", precision="float32").fit(pictures, colours)
    assert np.array_equal(fitted.predict_proba(forms[form]), expected.predict_proba(pictures))
    assert fitted.score(forms[form], colours) == 1.0


def test_paths_and_pictures_may_be_mixed(family: families.Family, tmp_path: Path) -> None:
    pictures, colours = arrays()
    mixed = [*as_files(pictures, tmp_path)[:8], *pictures[8:]]
    fitted = ImageClassifier(f"dir:{family('resnet')}", precision="float32").fit(mixed, colours)
    assert fitted.score(mixed, colours) == 1.0


TABLE = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]] * 6)


def test_a_table_of_0_and_1_is_learnt_as_several_classes_a_row(family: families.Family) -> None:
    words = (families.GOOD[0], families.BAD[0])
    texts = [
        " ".join([*(word for word, yes in zip(words, row, strict=False) if yes), f"day {at}"])
        for at, row in enumerate(TABLE)
    ]
    found = TextClassifier(f"dir:{family('bert')}", precision="float32").fit(texts, TABLE)
    table, probabilities = found.predict(texts), found.predict_proba(texts)
    assert table.shape == probabilities.shape == TABLE.shape
    assert found.score(texts, TABLE) > 0.8
    assert (probabilities[:, 2] == 0).all()  # which no row had


def test_pairs_of_texts_are_learnt_as_pairs(family: families.Family) -> None:
    pairs = [("the day", families.GOOD[0] if at % 2 else families.BAD[0]) for at in range(24)]
    classes = [("no", "yes")[at % 2] for at in range(24)]
    found = TextClassifier(f"dir:{family('bert')}", precision="float32").fit(pairs, classes)
    assert found.model_.task_name == "text-pair-classification"
    assert found.score(pairs, classes) == 1.0


@pytest.mark.parametrize(
    ("y", "says"),
    [
        ([["a"], ["a", "b"]], "neither a class for each item nor a table"),
        (np.array([[1, 2], [0, 1]]), "neither a class for each item nor a table"),
        (np.zeros((2, 3), np.int64), "y holds no 1"),
    ],
    ids=["lists", "numbers", "nothing"],
)
def test_other_tables_are_refused_in_words(y: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        TextClassifier().fit(["one", "two"], y)
