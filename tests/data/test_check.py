"""What is said of the rows taken together, and what is gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tasks_like import CANDIDATES, GOOD, found_of, write

from headstart.contracts import Problem
from headstart.data.check import accept, check
from headstart.data.read import Found, read
from headstart.errors import DataError

LONG = "the quick brown fox jumps over the lazy dog while the old cat sleeps in the warm sun all day"
PLAIN = [("red apple", "x"), ("blue sky", "y"), ("green tree", "x"), ("white snow", "y")]


def _said(found: Found, kind: str) -> list[Problem]:
    return [problem for problem in check(found).problems if problem.kind == kind]


def test_plain_data_has_no_problems() -> None:
    assert check(found_of(train=PLAIN)).problems == ()


def test_classes_are_counted_by_split() -> None:
    checked = check(found_of(train=PLAIN, test=[("black cat", "x")]))

    assert checked.classes == {"x": {"train": 2, "test": 1}, "y": {"train": 2}}


@pytest.mark.parametrize("odd", ["Neg", "neg ", " neg", "NEG", "ｎｅｇ"], ids=repr)
def test_the_rarer_spelling_of_a_class_is_an_error_at_its_rows(odd: str) -> None:
    rows = [("a b", "neg"), ("c d", "neg"), ("e f", odd), ("g h", "pos")]

    (problem,) = _said(found_of(train=rows), "class-spelling")

    assert (problem.severity, problem.row, problem.field) == ("error", 3, "label")
    assert f'"{odd}" is written "neg" in 2 other rows' in problem.message


def test_a_class_only_in_test_is_an_error_and_one_absent_there_a_warning() -> None:
    found = found_of(train=PLAIN, test=[("black cat", "x"), ("pink pig", "z")])

    (unseen,) = _said(found, "unseen-class")
    (absent,) = _said(found, "absent-class")
    assert (unseen.severity, unseen.row) == ("error", 2)
    assert (absent.severity, '"y"' in absent.message) == ("warning", True)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([(f"word{at} here{at}", "x") for at in range(20)] + [("odd one", "y"), ("odd two", "y")], "imbalance"),
        ([("red apple", "x"), ("blue sky", "x"), ("green tree", "y")], "lonely-class"),
        ([(f"word{at} here{at}", f"class {at}") for at in range(30)], "many-classes"),
        ([("Red  apple", "x"), ("red apple", "y")], "conflicting-labels"),
    ],
    ids=["imbalance", "lonely class", "many classes", "conflicting labels"],
)
def test_what_is_doubtful_is_a_warning(rows: list[tuple[str, str]], kind: str) -> None:
    (problem,) = _said(found_of(train=rows), kind)

    assert problem.severity == "warning"


def test_leakage_is_counted_exactly_and_nearly() -> None:
    train = [*PLAIN, (LONG, "x")]
    exact, near, new = ("Blue   sky", "y"), (LONG + " long", "x"), ("never seen before", "x")

    checked = check(found_of(train=train, test=[exact, near, new]))

    assert checked.facts["test.in.train.exact"] == 1
    assert checked.facts["test.in.train.near"] == 1
    assert _leakage(train, [exact, near, new]).startswith(
        "Of 3 test rows 1 is also in train and 1 is nearly a row of it, for example "
    )
    assert _leakage(train, [near, new]).startswith("Of 2 test rows 1 is nearly a row of train, for example ")
    assert _leakage(train, [*train, new]).startswith(f"Of {len(train) + 1} test rows {len(train)} are also in train, ")


def _leakage(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> str:
    (problem,) = _said(found_of(train=train, test=test), "leakage")
    return problem.message


def test_pictures_that_are_the_same_bytes_or_saved_again_are_duplicates(tmp_path: Path) -> None:
    for name, angle in (("cat", 0), ("dog", 90)):
        (tmp_path / name).mkdir()
        Image.linear_gradient("L").rotate(angle).save(tmp_path / name / "a.png")
    Image.open(tmp_path / "cat/a.png").save(tmp_path / "cat/b.jpg", quality=80)
    write(tmp_path / "cat/c.png", (tmp_path / "cat/a.png").read_bytes())

    facts = check(read(tmp_path, candidates=CANDIDATES)).facts

    assert (facts["train.duplicates.exact"], facts["train.duplicates.near"]) == (1, 1)
    assert facts["image.modes"] == "L: 4"


def test_lengths_are_in_characters() -> None:
    facts = check(found_of(train=[("ab", "x"), ("é漢字", "y"), ("abcdefg", "x")])).facts

    assert (facts["text.characters.median"], facts["text.characters.max"]) == (3.0, 7)


def test_bad_rows_are_left_out_and_listed_when_asked(tmp_path: Path) -> None:
    found = read(write(tmp_path / "rows.csv", GOOD + ",pos\nodd,Neg\n"), candidates=CANDIDATES)

    accepted = accept(check(found), skip_bad_rows=True)

    assert accepted.splits["train"].column("row") == [1, 2, 3, 4]
    assert [(one["row"], one["kind"]) for one in accepted.rejected] == [(5, "empty-text"), (6, "class-spelling")]
    assert len(accepted.groups["train"]) == 4


def test_an_error_of_the_whole_stops_even_then() -> None:
    with pytest.raises(DataError, match="at least two classes"):
        accept(check(found_of(train=[("a b", "x"), ("c d", "x")])), skip_bad_rows=True)


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    found = read(write(tmp_path / "rows.csv", "text,label\n,x\n,y\n"), candidates=CANDIDATES)

    with pytest.raises(DataError, match="No train row is left without the 2 bad ones"):
        accept(check(found), skip_bad_rows=True)


def test_the_error_carries_every_problem(tmp_path: Path) -> None:
    found = read(write(tmp_path / "rows.csv", GOOD + ",pos\n" * 30), candidates=CANDIDATES)

    with pytest.raises(DataError) as refused:
        accept(check(found), skip_bad_rows=False)

    assert len(refused.value.problems) == 30
    assert str(refused.value).count("row ") == 20
