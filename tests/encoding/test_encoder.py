"""What an encoder gives: ids, coverage, states and averages, in the items' order, whatever is asked together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import families
from headstart.encoding.encoder import CHUNK, Encoder, load_backbone
from headstart.errors import MismatchError, SettingError

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXTS = ["the film was dull", "fine", "a kind, warm day with one clear view", "poor meal", "fine"]
# rows meet other rows in a batch, so sums are taken in another order
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def bert(family: families.Family) -> Encoder:
    return load_backbone(str(family("bert")))


@pytest.fixture(scope="module")
def vit(family: families.Family) -> Encoder:
    return load_backbone(str(family("vit")))


def _minilm_by_transformers(text: str) -> tuple[list[int], torch.Tensor]:
    """Token ids and hidden states of the last layer by transformers alone."""
    import transformers

    from headstart.sources import _packaged

    folder = _packaged.folder_of(_packaged.KNOWN[MINILM])
    inputs = transformers.AutoTokenizer.from_pretrained(folder)([text], return_tensors="pt")
    with torch.inference_mode():
        states = transformers.AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state
    return inputs["input_ids"][0].tolist(), states


def test_the_dog_is_as_cute_as_in_transformers() -> None:
    ids, states = _minilm_by_transformers("Hello, my dog is cute")
    encoded = load_backbone(MINILM, offline=True).encode(["Hello, my dog is cute"])
    assert encoded.ids is not None
    assert encoded.cls is not None
    assert encoded.ids.tolist() == [ids] == [[101, 7592, 1010, 2026, 3899, 2003, 10140, 102]]
    assert encoded.hidden.shape == (1, 8, 384)
    np.testing.assert_allclose(encoded.hidden, states, **CLOSE)
    np.testing.assert_allclose(encoded.cls, states[:, 0], **CLOSE)


def test_a_token_covers_its_characters() -> None:
    text = "Hello, my dog is cute"
    where = load_backbone(MINILM, offline=True).encode([text]).where
    assert where is not None
    words = [text[start:end] for start, end in where[0]]
    assert words == ["", "Hello", ",", "my", "dog", "is", "cute", ""]


def test_rows_come_in_the_order_they_were_given(bert: Encoder) -> None:
    together = bert.encode(TEXTS)
    alone = [bert.encode([text]) for text in TEXTS]
    np.testing.assert_allclose(together.mean, np.concatenate([one.mean for one in alone]), **CLOSE)
    assert together.mask is not None
    assert together.mask.sum(axis=1).tolist() == [one.hidden.shape[1] for one in alone]


def test_the_average_is_over_real_tokens_only(bert: Encoder) -> None:
    encoded = bert.encode(TEXTS)
    assert encoded.mask is not None
    by_hand = [states[mask == 1].mean(axis=0) for states, mask in zip(encoded.hidden, encoded.mask, strict=True)]
    np.testing.assert_allclose(encoded.mean, np.stack(by_hand), **CLOSE)


def test_all_layers_are_those_of_transformers(bert: Encoder) -> None:
    backbone: Any = bert.backbone
    inputs = backbone.prepare(["fine"]).take([0])
    with torch.inference_mode():
        theirs = backbone.module(**inputs.tensors, output_hidden_states=True).hidden_states
    ours = bert.encode(["fine"], layers="all")
    assert ours.layers == (0, 1, 2)
    for one, other in zip(ours.states, theirs, strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.parametrize(("asked", "layers"), [("last", (2,)), ("1", (1,)), ("0-1", (0, 1)), ("all", (0, 1, 2))])
def test_the_layers_asked_for_are_given(bert: Encoder, asked: str, layers: tuple[int, ...]) -> None:
    assert bert.encode(["fine"], layers=asked).layers == layers


@pytest.mark.parametrize("asked", ["3", "2-1", "-1", "top", ""])
def test_a_layer_that_is_not_there_is_refused(bert: Encoder, asked: str) -> None:
    with pytest.raises(SettingError, match="--layers"):
        bert.encode(["fine"], layers=asked)


def test_states_are_kept_only_when_asked_for(bert: Encoder) -> None:
    (part,) = bert.stream(iter(TEXTS))
    assert (part.states, part.ids, len(part)) == ((), None, 5)


def test_a_stream_gives_what_encoding_at_once_gives(bert: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = bert.encode(TEXTS)
    monkeypatch.setattr("headstart.encoding.encoder.CHUNK", 2)
    parts = list(bert.stream(iter(TEXTS), states=True))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_allclose(np.concatenate([part.mean for part in parts]), at_once.mean, **CLOSE)
    np.testing.assert_allclose(bert.encode(TEXTS).hidden, at_once.hidden, **CLOSE)


def test_a_stream_is_not_read_far_ahead(bert: Encoder) -> None:
    taken: list[str] = []

    def endless() -> Any:
        while True:
            taken.append("fine")
            yield "fine"

    next(bert.stream(endless()))
    assert len(taken) <= 2 * CHUNK


def test_images_give_their_states_and_their_average(vit: Encoder) -> None:
    pictures = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    encoded = vit.encode(pictures)
    assert encoded.hidden.shape == (3, 17, 32)
    assert encoded.cls is not None
    np.testing.assert_array_equal(encoded.cls, encoded.hidden[:, 0])
    assert (encoded.mask, encoded.ids) == (None, None)


def test_maps_of_a_convolutional_model_are_given_as_maps(family: families.Family) -> None:
    encoded = load_backbone(str(family("resnet"))).encode([families.picture((60, 90, 120), seed=1)])
    assert encoded.hidden.ndim == 4
    np.testing.assert_allclose(encoded.mean, encoded.hidden.mean(axis=(2, 3)), **CLOSE)
    assert encoded.cls is None


@pytest.mark.parametrize(
    ("items", "said"), [("fine", "brackets"), ([], "nothing to encode")], ids=["a text", "nothing"]
)
def test_what_cannot_be_encoded_is_refused(bert: Encoder, items: Any, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        bert.encode(items)


def test_bfloat16_points_almost_the_same_way() -> None:
    exact, half = (_unit(kind) for kind in ("float32", "bfloat16"))
    # the same model in plain bfloat16, on SST-2: 0.99983 at the least
    assert (exact * half).sum(axis=1).min() >= 0.9998


def _unit(precision: str) -> Any:
    """The texts' averages, of length one."""
    mean = load_backbone(MINILM, offline=True, precision=precision).encode(TEXTS).mean
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def test_half_precision_is_not_taken_unasked_where_vectors_would_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.encoding.encoder.WORTH_MEASURING", 1)
    monkeypatch.setattr("headstart.encoding.encoder.AGREES", 2.0)
    monkeypatch.setattr("headstart.train.step.WORTH", 0.0)
    notes: list[Any] = []
    exact, auto = load_backbone(MINILM, offline=True, precision="float32"), load_backbone(MINILM, offline=True)
    (found,) = auto.stream(TEXTS, listener=notes.append)
    np.testing.assert_array_equal(found.mean, exact.encode(TEXTS).mean)
    assert "float32 is used" in notes[0].text


def test_attention_is_that_of_transformers(bert: Encoder) -> None:
    from headstart.encoding import attention

    tokens, weights = attention.of(bert.backbone, "the film was dull")
    assert tokens == ["[CLS]", "the", "film", "was", "dull", "[SEP]"]
    assert weights.shape == (2, 2, 6, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)


def test_attention_is_refused_where_there_are_no_texts(vit: Encoder) -> None:
    from headstart.encoding import attention

    with pytest.raises(MismatchError, match="reads image"):
        attention.of(vit.backbone, "fine")


def test_the_model_is_left_as_it_was_by_looking_at_its_attention(bert: Encoder) -> None:
    from headstart.encoding import attention

    attention.of(bert.backbone, "fine")
    module: Any = bert.backbone.module
    assert module.config._attn_implementation == "sdpa"


def test_a_recording_gives_frames_with_their_times(tmp_path: Path) -> None:
    import encoding_peers

    encoder = load_backbone(str(encoding_peers.saved("wav2vec2-masked", tmp_path / "model")))
    encoded = encoder.encode([np.zeros(4000, dtype=np.float32), np.zeros(2000, dtype=np.float32)])
    # kernels of 10 and 3 samples with steps of 5 and 4: a frame every 20 samples, each over 20 of them
    assert encoded.mask is not None
    assert encoded.where is not None
    assert encoded.mask.sum(axis=1).tolist() == [200, 100]
    np.testing.assert_allclose(encoded.where[0, :2], [[0, 20 / 16000], [20 / 16000, 40 / 16000]])
