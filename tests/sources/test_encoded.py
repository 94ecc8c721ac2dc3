"""Texts and images as a model reads them: cut where it ends, padded to the longest of a batch, opened when needed."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import families
from headstart.contracts import Backbone
from headstart.errors import DataError, SettingError
from headstart.sources import dir as folders
from headstart.sources.items import compact
from headstart.sources.items.text_pairs import EncodedPairs


@pytest.fixture
def bert(family: families.Family) -> Backbone:
    return folders.load(str(family("bert")), revision=None, offline=True)


@pytest.mark.parametrize(
    ("num_words", "tokens", "truncated"),
    [(1, 3, 0), (21, 23, 0), (22, 24, 0), (23, 24, 1), (200, 24, 1)],
    ids=["one word", "one below", "exactly at the limit", "one above", "far above"],
)
def test_only_a_text_that_loses_its_end_counts_as_cut(
    bert: Backbone, num_words: int, tokens: int, truncated: int
) -> None:
    encoded = bert.prepare([" ".join(["fine"] * num_words)])
    assert encoded.lengths.tolist() == [tokens]
    assert encoded.truncated == truncated


def test_cut_texts_are_counted_across_chunks(bert: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "CHUNK", 2)
    encoded = bert.prepare(["fine", "fine " * 30, "fine " * 22, "fine " * 40, "dull"])
    assert encoded.lengths.tolist() == [3, 24, 24, 24, 3]
    assert encoded.truncated == 2


class _Watched:
    """A tokenizer that notes whether Python looks for garbage while it works."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.seen = tokenizer, set[bool]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)

    def __call__(self, *texts: Any, **asked: Any) -> Any:
        self.seen.add(gc.isenabled())
        return self.tokenizer(*texts, **asked)


@pytest.mark.parametrize(
    ("made", "item"),
    [(compact.EncodedTexts.of, "fine"), (EncodedPairs.of, ("fine", "dull")), (EncodedPairs.cut, ("fine", "dull"))],
    ids=["texts", "pairs in windows", "pairs that are cut"],
)
def test_garbage_is_not_looked_for_while_texts_are_tokenised(bert: Backbone, made: Any, item: Any) -> None:
    watched = _Watched(bert.processor)  # type: ignore[attr-defined]
    made(watched, [item], limit=None)
    assert watched.seen == {False}
    assert gc.isenabled()


def test_a_shorter_limit_is_honoured(bert: Backbone) -> None:
    encoded = bert.prepare(["fine " * 30, "fine"], max_length=5)
    assert encoded.lengths.tolist() == [5, 3]
    assert encoded.truncated == 1


@pytest.mark.parametrize("asked", [0, 1, 2, 25, 10**9])
def test_a_limit_the_model_cannot_serve_is_refused(bert: Backbone, asked: int) -> None:
    with pytest.raises(SettingError, match=f"--max-length {asked}: .* reads 3 to 24 tokens"):
        bert.prepare(["fine"], max_length=asked)


def test_a_batch_is_padded_on_the_right_and_masked(bert: Backbone) -> None:
    tensors = bert.prepare(["fine", "the film was dull"]).take([1, 0]).tensors
    assert tensors["input_ids"].shape == (2, 6)
    assert tensors["attention_mask"].tolist() == [[1] * 6, [1] * 3 + [0] * 3]
    assert (tensors["input_ids"][1, 3:] == 0).all()


def test_where_nothing_is_padded_there_is_no_mask(bert: Backbone) -> None:
    assert set(bert.prepare(["fine", "dull"]).take([0, 1]).tensors) == {"input_ids"}


def test_tokens_are_those_of_transformers_own_tokenizer(bert: Backbone, family: families.Family) -> None:
    from transformers import AutoTokenizer

    texts = [text for text, _ in families.reviews(8)]
    theirs = AutoTokenizer.from_pretrained(family("bert"))(texts, padding=True, return_tensors="pt")
    ours = bert.prepare(texts).take(range(8)).tensors
    assert ours["input_ids"].equal(theirs["input_ids"])
    assert ours["attention_mask"].equal(theirs["attention_mask"])


def test_unknown_tokens_are_counted_text_by_text(bert: Backbone) -> None:
    lengths, unknown = bert.count_tokens(["fine", "猫 fine 犬", "fine 猫"])
    assert lengths.tolist() == [3, 5, 4]
    assert unknown.tolist() == [0, 2, 1]


def test_counting_does_not_cut(bert: Backbone) -> None:
    assert bert.count_tokens(["fine " * 100])[0].tolist() == [102]


def test_no_texts_give_no_rows(bert: Backbone) -> None:
    assert len(bert.prepare([]).lengths) == 0


def test_an_empty_text_is_its_special_tokens(bert: Backbone) -> None:
    assert bert.prepare([""]).lengths.tolist() == [2]


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
@pytest.mark.parametrize("form", ["path", "string", "bytes", "Pillow image"])
def test_an_image_of_any_mode_and_form_gives_three_channels(
    mode: str, form: str, family: families.Family, tmp_path: Path
) -> None:
    image = families.picture((200, 100, 50), seed=0).convert(mode)
    image.save(tmp_path / "x.png")
    file = tmp_path / "x.png"
    item: Any = {"path": file, "string": str(file), "bytes": file.read_bytes(), "Pillow image": image}[form]

    backbone = folders.load(str(family("resnet")), revision=None, offline=True)

    assert backbone.prepare([item]).take([0]).tensors["pixel_values"].shape == (1, 3, families.SIDE, families.SIDE)


def test_a_file_and_its_pixels_are_read_alike(family: families.Family, tmp_path: Path) -> None:
    image = families.picture((200, 100, 50), seed=0)
    image.save(tmp_path / "x.png")
    backbone = folders.load(str(family("resnet")), revision=None, offline=True)
    pixels = backbone.prepare([tmp_path / "x.png", np.asarray(image), image]).take([0, 1, 2]).tensors["pixel_values"]
    assert pixels[0].equal(pixels[1])
    assert pixels[0].equal(pixels[2])


def test_a_damaged_image_is_named_when_its_batch_is_taken(family: families.Family, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"not a picture")
    encoded = folders.load(str(family("resnet")), revision=None, offline=True).prepare([tmp_path / "x.png"])
    with pytest.raises(DataError, match=r"x\.png"):
        encoded.take([0])


def test_no_limit_of_the_tokenizer_leaves_that_of_the_model(family: families.Family) -> None:
    assert folders.load(str(family("roberta")), revision=None, offline=True).max_tokens == families.LIMIT["roberta"]
