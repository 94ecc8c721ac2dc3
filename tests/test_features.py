"""The cache of features: keyed by everything that could change one, exact, and at home with others writing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import families
from headstart import caches, features, store
from headstart.contracts import Backbone
from headstart.errors import OutputError
from headstart.features import Extractor
from headstart.progress import Advance, Event, Note, silent
from headstart.sources import dir as folders


@pytest.fixture(scope="module")
def backbone(family: families.Family) -> Backbone:
    return folders.load(str(family("bert")), revision=None, offline=True)


def extractor(backbone: Backbone, **other: Any) -> Extractor:
    made = Extractor(backbone.module, backbone.pooled, sum(backbone.widths), "layers", backbone.digest())
    return dataclasses.replace(made, **other)


def compute(backbone: Backbone, texts: list[str], cache: Path, listener: Callable[[Event], None] = silent) -> Any:
    keys = features.row_keys(texts, are_files=False)
    return features.of(extractor(backbone), backbone.prepare(texts), keys, cache=cache, listener=listener)


def num_computed(events: list[Event]) -> int:
    """Rows that went through the model."""
    return max((event.done for event in events if isinstance(event, Advance)), default=0)


TEXTS = [text for text, _ in families.reviews(40)]


@pytest.mark.parametrize(
    "other",
    [
        *({"digest": "other"}, {"name": "classifier"}, {"width": 7}, {"max_length": 5}, {"dtype": "bfloat16"}),
        *({"kept_as": "bfloat16"}, {"is_by_token": True}, {"long": "chunks"}),
    ],
    ids=lambda other: next(iter(other)),
)
def test_every_ingredient_changes_the_key(backbone: Backbone, other: dict[str, Any]) -> None:
    assert extractor(backbone, **other).key() != extractor(backbone).key()


def test_another_format_changes_the_key(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    before = extractor(backbone).key()
    monkeypatch.setattr(features, "FORMAT", features.FORMAT + 1)
    assert extractor(backbone).key() != before


def test_the_digest_changes_with_a_weight_and_with_the_tokenizer(family: families.Family, tmp_path: Path) -> None:
    import shutil

    digests = set()
    for name in ("same", "model.safetensors", "tokenizer.json"):
        shutil.copytree(family("bert"), tmp_path / name)
        if (path := tmp_path / name / name).is_file():
            content = path.read_bytes()
            # a white space more in JSON; in the weights the lowest bit of the last number
            last = content[-4] ^ 1
            is_json = path.suffix == ".json"
            path.write_bytes(content + b" " if is_json else content[:-4] + bytes([last]) + content[-3:])
        digests.add(folders.load(str(tmp_path / name), revision=None, offline=True).digest())
    assert len(digests) == 3


def test_features_are_those_of_the_model(backbone: Backbone, tmp_path: Path) -> None:
    found = compute(backbone, TEXTS, tmp_path)
    with torch.inference_mode():
        alone = torch.cat([backbone.pooled(backbone.module, backbone.prepare([text]).take([0])) for text in TEXTS])
    # batches have other shapes, so sums come in another order
    np.testing.assert_allclose(found, alone.numpy(), atol=1e-5)


def test_what_is_read_back_equals_what_was_computed_to_the_bit(backbone: Backbone, tmp_path: Path) -> None:
    assert np.array_equal(compute(backbone, TEXTS, tmp_path), compute(backbone, TEXTS, tmp_path))


def test_rows_seen_before_cost_nothing_and_that_is_said(backbone: Backbone, tmp_path: Path) -> None:
    events: list[Event] = []
    compute(backbone, TEXTS[:30], tmp_path)
    compute(backbone, TEXTS, tmp_path, events.append)
    assert num_computed(events) == 10
    assert Note("Features of 30 of 40 rows were computed before and reused.") in events


def test_rows_come_back_in_the_order_asked_for(backbone: Backbone, tmp_path: Path) -> None:
    forwards = compute(backbone, TEXTS, tmp_path)
    assert np.array_equal(compute(backbone, TEXTS[::-1], tmp_path), forwards[::-1])


def test_a_text_that_occurs_often_is_computed_once(backbone: Backbone, tmp_path: Path) -> None:
    events: list[Event] = []
    found = compute(backbone, [TEXTS[0], TEXTS[1]] * 20, tmp_path, events.append)
    assert num_computed(events) == 2
    assert np.array_equal(found[0], found[38])


def test_a_shard_without_its_list_of_keys_does_not_count(backbone: Backbone, tmp_path: Path) -> None:
    events: list[Event] = []
    first = compute(backbone, TEXTS, tmp_path)
    for listing in tmp_path.rglob("*.keys.json"):
        listing.unlink()
    assert np.array_equal(compute(backbone, TEXTS, tmp_path, events.append), first)
    assert num_computed(events) == len(TEXTS)


def test_a_list_of_keys_that_was_not_finished_does_not_count(backbone: Backbone, tmp_path: Path) -> None:
    events: list[Event] = []
    compute(backbone, TEXTS, tmp_path)
    for listing in tmp_path.rglob("*.keys.json"):
        listing.rename(listing.with_name(listing.name.replace(".keys.json", ".partial")))
    compute(backbone, TEXTS, tmp_path, events.append)
    assert num_computed(events) == len(TEXTS)


def test_threads_that_write_at_once_lose_nothing(backbone: Backbone, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: compute(backbone, TEXTS[10 * i : 10 * i + 10], tmp_path), range(4)))
    events: list[Event] = []
    compute(backbone, TEXTS, tmp_path, events.append)
    assert num_computed(events) == 0


WRITER = """
import sys
from pathlib import Path
import numpy as np
from headstart import store
for i in range(50):
    store.add(Path(sys.argv[1]), [f"{sys.argv[2]}-{i}"], [np.full((1, 4), i, dtype=np.float32)])
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    known = store.known(tmp_path)
    assert set(known) == {f"{name}-{i}" for name in "ab" for i in range(50)}
    assert all(place.read()[0, 0] == int(key[2:]) for key, place in known.items())


def test_lists_of_keys_are_json_beside_their_features(backbone: Backbone, tmp_path: Path) -> None:
    compute(backbone, TEXTS, tmp_path)
    (listing,) = tmp_path.rglob("*.keys.json")
    shard = np.load(listing.with_name(listing.name.replace(".keys.json", ".npy")))
    assert shard.shape == (len(json.loads(listing.read_text())["keys"]), sum(backbone.widths))


def test_a_text_that_names_a_file_is_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("fine")
    monkeypatch.chdir(tmp_path)
    names, content = features.row_keys(["notes.txt", "fine"], are_files=False)
    assert names != content


def test_images_are_known_by_their_content_not_their_name(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        families.picture((9, 9, 9), seed=0).save(tmp_path / name)
    families.picture((9, 9, 9), seed=1).save(tmp_path / "c.png")
    keys = features.row_keys([str(tmp_path / "a.png"), tmp_path / "b.png", str(tmp_path / "c.png")], are_files=True)
    assert keys[0] == keys[1] != keys[2]


def test_bytes_are_known_by_their_content() -> None:
    assert len(set(features.row_keys([b"one", b"two", b"one"], are_files=True))) == 2


def test_the_frozen_part_runs_in_evaluation_mode(backbone: Backbone, tmp_path: Path) -> None:
    backbone.module.train()
    compute(backbone, TEXTS[:2], tmp_path)
    assert not any(part.training for part in backbone.module.modules())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({"HEADSTART_CACHE": "/x"}, "/x"), ({"XDG_CACHE_HOME": "/y", "HEADSTART_CACHE": ""}, "/y/headstart")],
    ids=["our own variable", "the user's cache folder"],
)
def test_the_cache_is_where_the_user_wants_it(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert features.cache_root() == Path(expected)


def states(backbone: Backbone, texts: list[str], cache: Path, **other: Any) -> features.Kept:
    """The state of every token above the first block, kept on disk."""
    read = lambda module, inputs: backbone.states(module, inputs).layers[1]  # noqa: E731
    made = Extractor(backbone.module, read, 32, "block 1", backbone.digest(), is_by_token=True)
    keys = features.row_keys(texts, are_files=False)
    made = dataclasses.replace(made, **other)
    return features.keep(made, backbone.prepare(texts), keys, cache=cache, listener=silent)


def test_states_of_tokens_come_back_without_their_padding(backbone: Backbone, tmp_path: Path) -> None:
    kept, lengths = states(backbone, TEXTS, tmp_path), backbone.prepare(TEXTS).lengths
    assert [len(place.read()) for place in kept.places] == lengths.tolist()
    shard = next(iter(tmp_path.rglob("*.npy")))
    assert np.load(shard).shape == (lengths.sum(), 32)


def test_a_batch_of_states_is_what_the_model_gives(backbone: Backbone, tmp_path: Path) -> None:
    batch = states(backbone, TEXTS, tmp_path).take([3, 7])
    inputs = backbone.prepare(TEXTS).take([3, 7])
    with torch.inference_mode():
        theirs = backbone.states(backbone.module, inputs).layers[1]
    mask = inputs.tensors["attention_mask"].bool()
    torch.testing.assert_close(batch[mask], theirs[mask], atol=1e-5, rtol=0)
    assert not batch[~mask].any()


def test_states_kept_in_half_precision_take_half_the_room(backbone: Backbone, tmp_path: Path) -> None:
    whole = states(backbone, TEXTS, tmp_path / "whole").take([0])
    half = states(backbone, TEXTS, tmp_path / "half", kept_as="bfloat16").take([0])
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), whole, atol=0, rtol=2**-8)
    sizes = [sum(path.stat().st_size for path in (tmp_path / name).rglob("*.npy")) for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]


def test_rows_are_written_while_others_are_still_computed(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "SHARD", 1)
    states(backbone, TEXTS, tmp_path)
    assert len(list(tmp_path.rglob("*.keys.json"))) == len(TEXTS)


def test_a_place_that_cannot_be_written_to_is_said(backbone: Backbone, tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file where a folder belongs")
    with pytest.raises(OutputError, match="HEADSTART_CACHE"):
        states(backbone, TEXTS, tmp_path)


def test_what_is_kept_says_of_which_model_it_is(backbone: Backbone, tmp_path: Path) -> None:
    states(backbone, TEXTS[:2], tmp_path, of="hf:some/model")
    (note,) = tmp_path.rglob("about.json")
    assert json.loads(note.read_text())["of"] == "hf:some/model"
    assert json.loads(note.read_text())["name"] == "block 1"


def test_the_models_name_is_no_ingredient(backbone: Backbone) -> None:
    made = extractor(backbone)
    assert dataclasses.replace(made, of="another").key() == made.key()


def test_a_cache_that_is_cleared_away_meanwhile_is_computed_again(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = iter([True])
    add = store.add

    def add_and_lose(folder: Path, *rest: Any) -> None:
        add(folder, *rest)
        if next(once, False):
            caches.clear(tmp_path)

    expected = compute(backbone, TEXTS, tmp_path / "other")
    monkeypatch.setattr(store, "add", add_and_lose)
    assert np.array_equal(compute(backbone, TEXTS, tmp_path), expected)
