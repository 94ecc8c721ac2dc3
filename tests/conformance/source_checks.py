"""What every source and its backbones must hold to, as named checks; a third party runs them with `check_source`."""

# B rows, T tokens, D width, C classes

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import families
import foreign
from headstart import plug, windows
from headstart.contracts import Backbone, Listed
from headstart.errors import HeadstartError, MismatchError, ModelNotFound, UnknownName

UNKNOWN = "nobody/has-this-model"
REMEDIES = ("Give ", "give ", "Run: ", "Did you mean", "Known: ", "Set ", "set ")


@dataclass(frozen=True)
class Bench:
    """A source, and the name of a model that it can load here; whether that must be trusted, as code comes with it."""

    name: str
    source: Any
    known: str
    place: Path
    trust: bool = False

    @property
    def backbone(self) -> Backbone:
        """The known model, loaded anew."""
        trusted = {"trust": True} if self.trust else {}
        loaded: Backbone = self.source.load(self.known, revision=None, offline=True, **trusted)
        return loaded

    def saved(self, backbone: Backbone) -> Path:
        """A folder with the bare model."""
        folder = self.place / "saved"
        folder.mkdir(parents=True, exist_ok=True)
        backbone.save(backbone.module, folder)
        return folder


def bench(name: str, source: Any, family: families.Family, place: Path) -> Bench:
    """What the checks need: the smallest model the source lists as available; if it lists none, one made here."""
    here = sorted(
        (line for line in source.listed() if line.is_available and not line.is_fresh), key=lambda line: line.mib
    )
    if here:
        return Bench(name, source, here[0].ref.partition(":")[2], place)
    known, trust = foreign.known(name, place) or (str(family("bert")), False)
    return Bench(name, source, known, place, trust)


def _items(backbone: Backbone) -> list[Any]:
    """Four items of different sizes."""
    if backbone.modality == "text":
        return ["fine", "the film was very dull", "a kind, warm day with one clear view", "poor meal"]
    return [families.picture((60 * i, 90, 120), seed=i).resize((20 + 9 * i, 31)) for i in range(4)]


def _auto_class(backbone: Backbone) -> str:
    """The ecosystem's class of some task for this modality."""
    tasks = [plug.load("tasks", name) for name in plug.names("tasks")]
    return str(next(task.auto_class for task in tasks if (task.modality, task.per) == (backbone.modality, "row")))


def _pooled(backbone: Backbone, module: nn.Module, rows: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return backbone.pooled(module, backbone.prepare(_items(backbone)).take(rows))


# --------------------------------------------------------------------------------------------------------- checks


def lists_lines_of_models(bench: Bench) -> None:
    lines = bench.source.listed()
    assert all(isinstance(line, Listed) for line in lines)
    assert all(line.ref.startswith(f"{bench.name}:") for line in lines)


def an_unknown_name_is_refused_with_a_remedy(bench: Bench) -> None:
    with pytest.raises((ModelNotFound, UnknownName)) as refused:
        bench.source.load(UNKNOWN, revision=None, offline=True)
    assert any(remedy in str(refused.value) for remedy in REMEDIES)
    assert UNKNOWN in str(refused.value)


def an_unknown_revision_is_refused(bench: Bench) -> None:
    with pytest.raises(HeadstartError):
        bench.source.load(bench.known, revision="no-such-revision", offline=True)


def says_what_was_asked_and_what_came(bench: Bench) -> None:
    ref = bench.backbone.ref
    assert ref.asked == bench.known
    assert ref.source == bench.name
    assert {"model.safetensors", "saved_model.pb"} & set(ref.sha256)
    assert ref.ran_code == bench.trust


def digest_is_the_same_twice(bench: Bench) -> None:
    assert bench.backbone.digest() == bench.backbone.digest()


def module_is_ready_to_answer(bench: Bench) -> None:
    module = bench.backbone.module
    assert not module.training
    assert all(parameter.dtype == torch.float32 for parameter in module.parameters())


def every_block_gives_a_hidden_state(bench: Bench) -> None:
    backbone = bench.backbone
    # most families give the stem's output too, MobileNet does not
    assert len(backbone.widths) - len(backbone.blocks) in (0, 1)


def a_batch_has_a_row_for_each_index(bench: Bench) -> None:
    backbone = bench.backbone
    encoded = backbone.prepare(_items(backbone))
    assert all(len(tensor) == 3 for tensor in encoded.take([3, 0, 2]).tensors.values())


def every_row_has_a_length(bench: Bench) -> None:
    backbone = bench.backbone
    encoded = backbone.prepare(_items(backbone))
    assert encoded.lengths.shape == (4,)
    assert (encoded.lengths > 0).all()
    assert encoded.truncated == 0


def pooled_states_lie_side_by_side(bench: Bench) -> None:
    backbone = bench.backbone
    pooled_BW = _pooled(backbone, backbone.module, [0, 1, 2, 3])
    assert pooled_BW.shape == (4, sum(backbone.widths))
    assert pooled_BW.dtype == torch.float32


def pooled_states_do_not_depend_on_the_rest_of_the_batch(bench: Bench) -> None:
    backbone = bench.backbone
    alone = torch.cat([_pooled(backbone, backbone.module, [i]) for i in range(4)])
    # sums in another order: a few units in the last place of numbers of this size
    torch.testing.assert_close(_pooled(backbone, backbone.module, [0, 1, 2, 3]), alone, atol=2e-5, rtol=1e-4)


def a_task_module_has_an_output_for_every_name(bench: Bench) -> None:
    backbone = bench.backbone
    if not backbone.blocks:  # it cannot be trained
        with pytest.raises(MismatchError, match="--strategy frozen"):
            backbone.task_module(_auto_class(backbone), ("a", "b"))
        return
    module = backbone.task_module(_auto_class(backbone), ("a", "b", "c", "d", "e"))
    with torch.inference_mode():
        logits_BC = module(**backbone.prepare(_items(backbone)).take([0, 1]).tensors).logits
    assert logits_BC.shape == (2, 5)
    assert module.config.id2label[4] == "e"  # type: ignore[union-attr,index]


def a_model_as_trained_tells_its_own_classes_where_it_has_any(bench: Bench) -> None:
    backbone = bench.backbone
    module = backbone.as_trained(_auto_class(backbone))
    if module is None:
        return
    with torch.inference_mode():
        logits = module(**backbone.prepare(_items(backbone)).take([0, 1]).tensors).logits
    assert len(logits) == 2
    assert logits.shape[-1] == module.config.num_labels > 1  # type: ignore[union-attr]


def a_shorter_one_gives_the_states_of_its_blocks_or_is_refused(bench: Bench) -> None:
    backbone = bench.backbone
    with pytest.raises(MismatchError, match="--blocks 99"):
        backbone.shortened(99)
    assert backbone.shortened(len(backbone.blocks)).digest() == backbone.digest()
    if len(backbone.blocks) < 2:
        return  # there is nothing to leave out
    try:
        shorter = backbone.shortened(1)
    except MismatchError:
        with pytest.raises(MismatchError, match="--read 1"):
            backbone.shortened(1)
        return
    inputs = backbone.prepare(_items(backbone)).take([0, 1])
    with torch.inference_mode():
        whole, part = (one.states(one.module, inputs).layers for one in (backbone, shorter))
    assert all(torch.equal(theirs, ours) for theirs, ours in zip(whole[:2], part, strict=True))
    assert shorter.digest() != backbone.digest()


def what_is_saved_opens_in_plain_transformers(bench: Bench) -> None:
    from transformers import AutoModel

    backbone = bench.backbone
    folder = bench.saved(backbone)
    if "headstart" in json.loads((folder / "config.json").read_text(encoding="utf-8")):
        return  # it says there that it is no model of transformers
    again = AutoModel.from_pretrained(folder).eval()
    theirs, ours = _pooled(backbone, again, [0, 1, 2]), _pooled(backbone, backbone.module, [0, 1, 2])
    # weights that plain transformers maps from a file lie at other addresses, which moves the last bits of products
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


def what_is_saved_encodes_alike(bench: Bench) -> None:
    backbone = bench.backbone
    folder = bench.saved(backbone)
    again = plug.load("sources", "dir").load(str(folder), revision=None, offline=True, trust=bench.trust)
    ours, theirs = (one.prepare(_items(backbone)).take([0, 1, 2]).tensors for one in (backbone, again))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def the_python_of_the_card_gives_the_same_vectors(bench: Bench) -> None:
    backbone = bench.backbone
    if backbone.modality == "audio":
        return
    code = re.sub(r"^(folder|items) = .*", r"\1 = given_\1", backbone.usage(None, max_length=None), flags=re.MULTILINE)
    items = _items(backbone)[:3]
    names: dict[str, Any] = {"given_folder": str(bench.saved(backbone)), "given_items": items}
    exec(code, names)  # with the ecosystem's own packages alone
    theirs, ours = torch.cat(names["vectors"], dim=1), _pooled(backbone, backbone.module, [0, 1, 2])
    # as for what plain transformers opens
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


def texts_are_cut_at_what_the_model_reads(bench: Bench) -> None:
    backbone = bench.backbone
    if backbone.modality != "text":
        assert backbone.max_tokens == 0
        return
    encoded = backbone.prepare(["fine " * 2000, "fine"])
    if backbone.max_tokens:
        assert encoded.lengths[0] == backbone.max_tokens
    assert encoded.truncated == (1 if backbone.max_tokens else 0)
    assert torch.isfinite(backbone.pooled(backbone.module, encoded.take([0]))).all()


def texts_in_parts_lose_nothing(bench: Bench) -> None:
    backbone = bench.backbone
    if backbone.modality != "text":
        return
    text = "fine " * 2000
    encoded, (length,) = backbone.prepare([text, "fine"], long="chunks"), backbone.count_tokens([text])[0]
    *parts, last = windows.owners(encoded).tolist()
    assert (set(parts), last) == ({0}, 1)
    assert encoded.truncated == encoded.lost == 0
    assert encoded.lengths[:-1].sum() >= length
    assert not backbone.max_tokens or encoded.lengths.max() <= backbone.max_tokens


def the_ends_of_long_texts_are_read(bench: Bench) -> None:
    backbone = bench.backbone
    if not backbone.max_tokens:
        return
    same = "fine " * 2000
    rows = backbone.prepare([same, f"{same}dull", f"dull {same}"], long="head-tail").take([0, 1, 2])
    first, *others = rows.tensors["input_ids"].tolist()
    assert all(other != first for other in others)


def counted_tokens_are_those_encoded(bench: Bench) -> None:
    backbone = bench.backbone
    if backbone.modality != "text":
        return
    lengths, unknown = backbone.count_tokens(_items(backbone))
    assert np.array_equal(lengths, backbone.prepare(_items(backbone)).lengths)
    assert unknown.shape == (4,)


Check = Callable[[Bench], None]
CHECKS: tuple[Check, ...] = (
    lists_lines_of_models,
    an_unknown_name_is_refused_with_a_remedy,
    an_unknown_revision_is_refused,
    says_what_was_asked_and_what_came,
    digest_is_the_same_twice,
    module_is_ready_to_answer,
    every_block_gives_a_hidden_state,
    a_batch_has_a_row_for_each_index,
    every_row_has_a_length,
    pooled_states_lie_side_by_side,
    pooled_states_do_not_depend_on_the_rest_of_the_batch,
    a_task_module_has_an_output_for_every_name,
    a_model_as_trained_tells_its_own_classes_where_it_has_any,
    a_shorter_one_gives_the_states_of_its_blocks_or_is_refused,
    what_is_saved_opens_in_plain_transformers,
    what_is_saved_encodes_alike,
    the_python_of_the_card_gives_the_same_vectors,
    texts_are_cut_at_what_the_model_reads,
    texts_in_parts_lose_nothing,
    the_ends_of_long_texts_are_read,
    counted_tokens_are_those_encoded,
)


def check_source(name: str, source: Any, family: families.Family, place: Path) -> None:
    """Runs every check over one source, each in a folder of its own; the first that fails raises AssertionError."""
    for check in CHECKS:
        check(bench(name, source, family, place / check.__name__))
