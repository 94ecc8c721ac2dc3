"""Models of words: learnt ones add up to one, files are read as KenLM writes them, and faults are named by line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from headstart.errors import DataError, SettingError
from headstart.tasks.speech.languages import UNKNOWN, Language, asked, learnt

TEXTS = ["one two three", "one two", "two three one", "three"]

ARPA = """\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.5\tone\t-0.2
-0.7\ttwo\t-0.1

\\2-grams:
-0.2\t<s> one
-0.1\tone two

\\end\\
"""


@pytest.mark.parametrize("history", [(), ("one",), ("one", "two"), ("three", "three"), ("never",)])
def test_what_may_follow_adds_up_to_one(history: tuple[str, ...]) -> None:
    language = learnt(TEXTS)

    total = sum(10 ** language.log10(word, list(history)) for word in (*language.words, UNKNOWN))

    assert total == pytest.approx(1, abs=1e-6)


def test_seen_words_follow_more_likely_than_unseen_ones() -> None:
    language = learnt(TEXTS)

    assert language.log10("two", ["one"]) > language.log10("three", ["one"])
    assert language.log10("unheard", ["one"]) < language.log10("three", ["one"])


def test_witten_bell_by_hand() -> None:
    # "one" occurs 3 times, followed twice by "two"; 9 words of 3 kinds; even share 1/4
    unigram = (3 + 3 / 4) / (9 - 0 + 3)
    language = learnt(TEXTS, order=2)

    assert 10 ** language.log10("two", ["one"]) == pytest.approx((2 + 1 * unigram) / (2 + 1))


def test_an_arpa_file_is_read_as_katz_says(tmp_path: Path) -> None:
    (tmp_path / "small.arpa").write_text(ARPA)

    language = asked(str(tmp_path / "small.arpa"), [])

    assert language is not None
    assert language.words == ("one", "two")
    assert language.log10("one", []) == pytest.approx(-0.2)  # after the start
    assert language.log10("two", ["one"]) == pytest.approx(-0.1)
    assert language.log10("one", ["two"]) == pytest.approx(-0.1 - 0.5)  # the factor of "two", and "one" alone
    assert language.log10("else", ["two"]) == pytest.approx(-0.1 - 1.0)
    assert language.score("two", ["one"]) == pytest.approx(0.5 * math.log(10) * -0.1 + 0.5)


def test_it_survives_json() -> None:
    for language in (learnt(TEXTS), Language(("a", "b"))):
        assert Language.from_json(language.to_json()) == language


def test_a_list_of_words_is_read_in_its_plain_form(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Zero\nONE!\n\ntwo three\n")

    language = asked(str(tmp_path / "words.txt"), [])

    assert language == Language(("one", "three", "two", "zero"))
    assert language.begins("ze")
    assert not language.begins("zz")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("words", None, None),
        ("lost.arpa", None, "there is no such file"),
        ("model.bin", None, "not none, words, ngram"),
        ("empty.txt", "\n\n", "holds no words"),
        ("text.arpa", "hello world\n", "no ARPA model"),
        ("cut.arpa", ARPA.replace("-0.5\tone\t-0.2", "-0.5"), 'line 8: "-0.5" is no entry'),
        ("words.arpa", ARPA.replace("-0.5\tone", "much\tone"), "line 8"),
    ],
    ids=["words", "no file", "another ending", "an empty list", "no sections", "a cut line", "no number"],
)
def test_what_is_no_language_is_refused(name: str, content: str | None, says: str | None, tmp_path: Path) -> None:
    place = name if says is None else str(tmp_path / name)
    if content is not None:
        Path(place).write_text(content)
    if says is None:
        assert asked(place, TEXTS) == Language(("one", "three", "two"))
        return
    with pytest.raises((SettingError, DataError), match=says):
        asked(place, [])
