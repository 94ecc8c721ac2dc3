"""What is read of texts longer than a model reads: which tokens, between which special ones, and what is lost."""

from __future__ import annotations

import string

import numpy as np
import pytest

import families
from headstart.contracts import Backbone
from headstart.errors import MismatchError
from headstart.sources import dir as folders
from headstart.sources.items import compact, long_texts
from headstart.sources.items.long_texts import Frame
from headstart.windows import Windows

FAMILIES = ("bert", "roberta")
ENDS = {"bert": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>")}


def loaded(name: str, family: families.Family) -> Backbone:
    return folders.load(str(family(name)), revision=None, offline=True)


def words(backbone: Backbone, text: str, long: str, max_length: int) -> list[list[str]]:
    """The tokens of each row of a text."""
    encoded = backbone.prepare([text], max_length=max_length, long=long)
    rows = [encoded.take([row]).tensors["input_ids"][0].tolist() for row in range(len(encoded.lengths))]
    return [backbone.processor.convert_ids_to_tokens(row) for row in rows]  # type: ignore[attr-defined]


def letters(num: int) -> str:
    """Words of one letter, which both tokenizers read as one token each, or as two with the space before it."""
    return " ".join(string.ascii_lowercase[1 : num + 1])


@pytest.mark.parametrize(
    ("long", "expected"),
    [
        ("head-tail", ["b c y z"]),
        ("cut", ["b c d e"]),
        ("chunks", ["b c d", "e f g", "h i j", "k l m", "n o p q", "r s t", "u v w", "x y z"]),
    ],
)
def test_the_tokens_read_are_those_a_person_would_mark(long: str, expected: list[str], family: families.Family) -> None:
    text = "b c d e f g h i j k l m n o p q r s t u v w x y z"
    found = words(loaded("bert", family), text, long, 6)
    if long == "chunks":
        # 25 tokens need 7 windows of 4; their ends are at 25 n / 7, rounded down
        expected = ["b c d", "e f g h", "i j k", "l m n o", "p q r", "s t u v", "w x y z"]
    assert found == [["[CLS]", *row.split(), "[SEP]"] for row in expected]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("long", ["head-tail", "cut", "chunks"])
def test_every_row_stands_between_its_special_tokens(name: str, long: str, family: families.Family) -> None:
    first, last = ENDS[name]
    for row in words(loaded(name, family), letters(20), long, 7):
        assert (row[0], row[-1]) == (first, last)
        assert len(row) <= 7
        assert not {first, last} & set(row[1:-1])


@pytest.mark.parametrize("name", FAMILIES)
def test_windows_end_to_end_are_the_whole_text(name: str, family: families.Family) -> None:
    backbone = loaded(name, family)
    rows = words(backbone, letters(20), "chunks", 7)
    whole = backbone.processor.tokenize(letters(20))  # type: ignore[attr-defined]
    assert [token for row in rows for token in row[1:-1]] == whole


@pytest.mark.parametrize("long", ["head-tail", "chunks"])
@pytest.mark.parametrize("name", FAMILIES)
def test_texts_that_fit_are_read_as_ever(name: str, long: str, family: families.Family) -> None:
    backbone, texts = loaded(name, family), ["fine", "", "the film was dull", letters(5)]
    ours, theirs = (backbone.prepare(texts, long=mode) for mode in (long, "cut"))
    assert ours.take(range(4)).tensors["input_ids"].equal(theirs.take(range(4)).tensors["input_ids"])
    assert (ours.truncated, ours.lost) == (0, 0)


@pytest.mark.parametrize(("long", "truncated", "lost"), [("head-tail", 2, 30), ("cut", 2, 30), ("chunks", 0, 0)])
def test_what_is_lost_is_counted(long: str, truncated: int, lost: int, family: families.Family) -> None:
    # 30 and 44 words in 22 places, and one text that just fits
    texts = ["fine " * 30, "dull", "fine " * 44, "fine " * 22]
    encoded = loaded("bert", family).prepare(texts, long=long)
    assert (encoded.truncated, encoded.lost) == (truncated, lost)


def test_windows_know_their_texts_across_chunks(family: families.Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "CHUNK", 2)
    monkeypatch.setattr(compact, "LONG_CHUNK", 1)
    texts = ["fine " * 30, "dull " * 50, "fine", "dull " * 44, ""]
    encoded = loaded("bert", family).prepare(texts, long="chunks")
    assert isinstance(encoded, Windows)
    assert encoded.owners.tolist() == [0, 0, 1, 1, 1, 2, 3, 3, 4]
    assert encoded.lengths.tolist() == [17, 17, 18, 19, 19, 3, 24, 24, 2]


@pytest.mark.parametrize("long", ["head-tail", "chunks"])
def test_tokens_cover_the_characters_they_were_made_of(long: str, family: families.Family) -> None:
    backbone, text = loaded("bert", family), letters(20)
    encoded = backbone.prepare([text], max_length=7, long=long, where=True)
    for row in range(len(encoded.lengths)):
        inputs = encoded.take([row])
        tokens = backbone.processor.convert_ids_to_tokens(inputs.tensors["input_ids"][0])  # type: ignore[attr-defined]
        assert inputs.where is not None
        assert [text[start:end] for start, end in inputs.where[0][1:-1]] == tokens[1:-1]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_frame_is_what_the_tokenizer_says_it_adds(name: str, family: families.Family) -> None:
    tokenizer = loaded(name, family).processor  # type: ignore[attr-defined]
    frame = Frame.of(tokenizer)
    assert (frame.before, frame.after) == (1, 1)
    assert frame.before + frame.after == tokenizer.num_special_tokens_to_add()


def test_a_tokenizer_that_rewrites_texts_is_refused() -> None:
    def tokenizer(text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [9, 8] if add_special_tokens else [1]}

    with pytest.raises(MismatchError, match="Use --long cut"):
        Frame.of(tokenizer)


@pytest.mark.parametrize("length", [8, 9, 23, 1000])
@pytest.mark.parametrize("frame", [Frame(1, 1), Frame(0, 1), Frame(0, 0), Frame(2, 0)], ids=str)
def test_windows_are_few_and_of_nearly_equal_length(length: int, frame: Frame) -> None:
    rows = long_texts.kept(length, 7, frame, "chunks")
    own = [len(row) - frame.before - frame.after for row in rows]
    assert len(rows) == np.ceil((length - frame.before - frame.after) / (7 - frame.before - frame.after))
    assert max(own) - min(own) <= 1
    assert max(map(len, rows)) <= 7
