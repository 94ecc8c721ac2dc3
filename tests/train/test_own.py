"""A head of ours on a backbone that learns with it: what moves, at which rate, and what is left as it was."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_head import job_of

import families
from headstart import answering, model, network, plug
from headstart.errors import MismatchError, ModelNotFound, SettingError
from headstart.network import Headed
from headstart.progress import Event, Note
from headstart.sources import dir as folders
from headstart.train import learn, own, whole

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "full, linear on cls": ("bert", {"strategy": "full", "pool": "cls"}),
    "full, mlp on two layers": ("distilbert", {"strategy": "full", "head": "mlp", "read": "1-2"}),
    "full, conv": ("roberta", {"strategy": "full", "head": "conv", "head_width": 8}),
    "full, attention over a map": ("resnet", {"strategy": "full", "head": "attention-pool", "head_width": 16}),
    "top, attention-pool": ("bert", {"strategy": "top", "top": 1, "head": "attention-pool", "head_width": 16}),
    "top, conv over patches": ("vit", {"strategy": "top", "top": 1, "head": "conv", "head_width": 8}),
    "frozen, without a cache": ("bert", {"pool": "attention", "cache": False}),
}


def learnt(job: Any) -> Any:
    strategy = plug.load("strategies", job.settings.strategy)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return learn.learn(job, strategy.stages(job.backbone, job.settings), strategy)


def headed_of(job: Any, boundary: int) -> Headed:
    return own.headed(job, boundary, job.encoded(job.train), plug.load("strategies", job.settings.strategy))


@pytest.mark.parametrize("name", KINDS)
def test_what_was_learnt_is_saved_and_answers_to_the_bit(name: str, family: families.Family, tmp_path: Path) -> None:
    base, given = KINDS[name]
    job = job_of(family, base, **given)
    found = learnt(job)
    assert isinstance(found.network, Headed)
    made = model.Model(f"{job.backbone.modality}-classification", job.learned, job.backbone, found.network.eval())
    items = job.task.items(job.train)[:5]

    made.save(tmp_path / "model")

    assert np.array_equal(model.load(tmp_path / "model").logits(items), made.logits(items))


def moved(job: Any, found: Any) -> set[str]:
    """The parameters of the backbone that are others than they were."""
    before = dict(job.backbone.module.named_parameters())
    return {name for name, after in found.network.module.named_parameters() if not torch.equal(after, before[name])}


@pytest.mark.parametrize(
    ("given", "still"),
    [
        ({"strategy": "full", "pool": "max"}, ("pooler.",)),
        ({"strategy": "full", "pool": "max", "read": "1"}, ("pooler.", "encoder.layer.1.")),
        ({"strategy": "top", "top": 1, "head": "mlp"}, ("pooler.", "embeddings.", "encoder.layer.0.")),
        ({"head": "conv", "cache": False}, ("",)),
    ],
    ids=["all but the pooler", "nothing above what is read", "nothing below the boundary", "nothing"],
)
def test_what_is_read_and_above_the_boundary_moves(
    given: dict[str, Any], still: tuple[str, ...], family: families.Family
) -> None:
    job = job_of(family, "bert", **given)
    found = learnt(job)
    meant = {name for name, parameter in found.network.module.named_parameters() if parameter.requires_grad}
    expected = {name for name, _ in job.backbone.module.named_parameters() if not name.startswith(still)}
    assert moved(job, found) == meant == expected


def test_the_pretrained_model_itself_is_not_changed(family: families.Family) -> None:
    job = job_of(family, "bert", strategy="full", pool="mean")
    before = {name: tensor.clone() for name, tensor in job.backbone.module.state_dict().items()}
    learnt(job)
    assert all(torch.equal(tensor, before[name]) for name, tensor in job.backbone.module.state_dict().items())
    assert all(parameter.requires_grad for parameter in job.backbone.module.parameters())


def test_the_head_learns_at_the_highest_rate(family: families.Family) -> None:
    job = job_of(family, "bert", strategy="full", pool="mean", layer_decay=0.5)
    headed = headed_of(job, 0)
    names = {id(parameter): name for name, parameter in headed.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in whole._groups(job, headed) for p in group["params"]}
    top = job.recipe.lr
    assert (rates["head.0.weight"], rates["head.0.bias"]) == (top, top)
    assert rates["module.encoder.layer.1.output.dense.weight"] == top / 2
    assert rates["module.embeddings.word_embeddings.weight"] == top / 8


def test_what_is_trained_is_counted_with_the_head(family: families.Family) -> None:
    found = learnt(job_of(family, "bert", strategy="top", top=1, pool="mean"))
    block = sum(parameter.numel() for parameter in found.network.module.encoder.layer[1].parameters())
    assert found.num_trained == block + 32 * 2 + 2


def test_frozen_blocks_stay_in_evaluation_mode(family: families.Family) -> None:
    job = job_of(family, "bert", strategy="top", top=1, pool="mean")
    module: Any = headed_of(job, 2).train().module
    assert not any(part.training for part in module.encoder.layer[0].modules())
    assert module.encoder.layer[1].training


def said(family: families.Family, base: str, **given: Any) -> list[str]:
    """The notes of a fit of the last block."""
    events: list[Event] = []
    learnt(job_of(family, base, listener=events.append, strategy="top", top=1, **given))
    return [event.text for event in events if isinstance(event, Note)]


@pytest.mark.parametrize("given", [{"pool": "max"}, {"head": "conv", "head_width": 8}], ids=["max", "conv"])
@pytest.mark.parametrize("base", ["bert", "distilbert", "roberta", "vit", "resnet", "convnext"])
def test_training_on_kept_states_comes_to_the_same_answers(
    base: str, given: dict[str, Any], family: families.Family
) -> None:
    jobs = [job_of(family, base, strategy="top", top=1, cache=cache, **given) for cache in (True, False)]
    kept, anew = (answering.by_row(learnt(job).network, job.encoded(job.train)) for job in jobs)
    # as in test_below: sums in another order, and steps of AdamW by the sign of what is but rounding
    torch.testing.assert_close(kept, anew, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("base", ["bert", "vit", "resnet"])
def test_states_below_are_kept_for_the_next_run(base: str, family: families.Family) -> None:
    said(family, base, pool="max")
    assert any("were computed before and reused" in text for text in said(family, base, head="attention-pool"))


def test_where_the_head_reads_below_the_cut_too_it_is_run_again_and_that_is_said(family: families.Family) -> None:
    assert any("computed again in each epoch" in text for text in said(family, "bert", read="0-2"))


def test_half_precision_answers_nearly_the_same(family: families.Family) -> None:
    for given in ({"pool": "cls"}, {"head": "conv"}, {"head": "attention-pool"}):
        job = job_of(family, "bert", strategy="full", **given)
        headed, encoded = headed_of(job, 0), job.encoded(job.train)
        half, exact = (answering.by_row(headed, encoded, dtype=dtype) for dtype in ("bfloat16", "float32"))
        # bfloat16 keeps 8 bits of a number
        torch.testing.assert_close(half, exact, atol=0.1, rtol=0.1)


def test_a_head_below_the_trained_blocks_is_refused(family: families.Family) -> None:
    with pytest.raises(SettingError, match=r"--read 1 --top 1: the head would read below"):
        learnt(job_of(family, "bert", strategy="top", top=1, read="1"))


@pytest.mark.parametrize("strategy", ["frozen", "top", "full"])
def test_every_strategy_refuses_cls_of_a_model_without(strategy: str, family: families.Family) -> None:
    with pytest.raises(MismatchError, match="--pool cls"):
        learnt(job_of(family, "resnet", strategy=strategy, top=1, pool="cls"))


def test_without_a_head_asked_for_the_ecosystems_own_is_trained(family: families.Family) -> None:
    assert isinstance(learnt(job_of(family, "bert", strategy="full")).network, network.Whole)


def of_a_sentence_encoder(family: families.Family, folder: Path, says: dict[str, Any], **given: Any) -> Any:
    """A job on a BERT whose files say how a row becomes one vector."""
    base = Path(shutil.copytree(family("bert"), folder / "base"))
    (base / "1_Pooling").mkdir()
    (base / "1_Pooling" / "config.json").write_text(json.dumps(says))
    backbone = folders.load(str(base), revision=None, offline=True)
    return dataclasses.replace(job_of(family, "bert", **given), backbone=backbone)


AVERAGES = {"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
SAID = {
    "an average": (AVERAGES, "mean"),
    "its first token": (AVERAGES | {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
    "in the words of later versions": ({"word_embedding_dimension": 32, "pooling_mode": "mean"}, "mean"),
    "two ways side by side": (AVERAGES | {"pooling_mode_max_tokens": True}, None),
    "a way that is not ours": (AVERAGES | {"pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}, None),
}


@pytest.mark.parametrize("strategy", ["full", "top", "gradual"])
def test_a_sentence_encoder_is_read_as_it_was_trained_to_be(
    strategy: str, family: families.Family, tmp_path: Path
) -> None:
    events: list[Event] = []
    job = of_a_sentence_encoder(family, tmp_path, AVERAGES, strategy=strategy, listener=events.append)
    found = learnt(job).network
    assert isinstance(found, Headed)
    assert found.form.pool == "mean"
    assert any("--pool mean" in event.text for event in events if isinstance(event, Note))


@pytest.mark.parametrize("says", SAID)
def test_what_the_files_say_counts_where_it_is_one_way_that_we_know(
    says: str, family: families.Family, tmp_path: Path
) -> None:
    written, pool = SAID[says]
    found = learnt(of_a_sentence_encoder(family, tmp_path, written, strategy="top", top=1)).network
    assert (found.form.pool if isinstance(found, Headed) else None) == pool


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"strategy": "frozen"}, "mean"),
        ({"strategy": "full"}, "mean"),
        ({"strategy": "full", "pool": "max"}, None),
        ({"strategy": "full", "read": "classifier"}, None),
    ],
    ids=["frozen", "full", "another pool", "classifier"],
)
def test_a_sentence_encoder_that_is_saved_stays_one_where_it_was_read_as_such(
    given: dict[str, Any], kept: str | None, family: families.Family, tmp_path: Path
) -> None:
    job = of_a_sentence_encoder(family, tmp_path, AVERAGES, **given)
    model.Model("text-classification", job.learned, job.backbone, learnt(job).network.eval()).save(tmp_path / "saved")
    assert folders.load(str(tmp_path / "saved"), revision=None, offline=True).pooling == kept
    assert model.load(tmp_path / "saved").predict(["a fine day"])


def test_a_damaged_file_is_named_and_not_passed_over(family: families.Family, tmp_path: Path) -> None:
    job = of_a_sentence_encoder(family, tmp_path, AVERAGES, strategy="top", top=1)
    (tmp_path / "base" / "1_Pooling" / "config.json").write_text('{"pooling_mode')
    with pytest.raises(ModelNotFound, match=r"1_Pooling/config\.json is not valid JSON"):
        learnt(job)


@pytest.mark.parametrize(
    ("given", "kind"),
    [({"read": "classifier"}, network.Whole), ({"pool": "max"}, Headed), ({"head": "mlp", "pool": "cls"}, Headed)],
    ids=["read classifier", "pool max", "mlp on cls"],
)
def test_what_is_asked_of_the_head_wins_over_the_files(
    given: dict[str, Any], kind: type, family: families.Family, tmp_path: Path
) -> None:
    found = learnt(of_a_sentence_encoder(family, tmp_path, AVERAGES, strategy="top", top=1, **given)).network
    assert isinstance(found, kind)
    assert not isinstance(found, Headed) or found.form.pool == given["pool"]


def test_a_linear_layer_that_names_the_classes_learns_at_its_own_rate(family: families.Family) -> None:
    def rate(**given: Any) -> float:
        job = job_of(family, "bert", strategy="full", **given)
        job = dataclasses.replace(job, recipe=dataclasses.replace(job.recipe, lr=1e-4, classifier_lr=1e-2))
        headed = headed_of(job, 0)
        first = next(headed.head.parameters())
        return float(next(it["lr"] for it in whole._groups(job, headed) if any(p is first for p in it["params"])))

    assert [rate(pool="mean"), rate(head="mlp"), rate(pool="attention")] == [1e-2, 1e-4, 1e-4]
