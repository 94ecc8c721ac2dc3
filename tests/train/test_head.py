"""Heads on frozen features: what is folded into one answers as before, and nothing frozen is computed twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import families
from headstart import answering, network, plug
from headstart.contracts import Rows
from headstart.network import Whole
from headstart.progress import Advance, Event, silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.train import head, vectors
from headstart.train.job import Job


def job_of(family: families.Family, model: str = "bert", *, listener: Any = silent, **given: Any) -> Job:
    backbone = folders.load(str(family(model)), revision=None, offline=True)
    if backbone.modality == "text":
        texts, labels = zip(*families.reviews(40), strict=True)
        rows = Rows(pa.table({"text": texts, "label": labels}))
    else:
        files = sorted(families.pictures(family(model).parent / "pictures", 16).rglob("*.png"))
        rows = Rows(pa.table({"image": [str(f) for f in files], "label": [f.parent.name for f in files]}))
    task = plug.load("tasks", f"{backbone.modality}-classification")
    settings = FitSettings(precision="float32", **given)
    recipe = settings.recipe(Recipe(epochs=4, lr=1e-2, patience=4), len(rows))
    return Job(task, task.learn(rows), backbone, rows, rows, settings, recipe, listener)


def test_an_mlp_answers_raw_features_as_it_did_standardised_ones(family: families.Family) -> None:
    job = job_of(family, head="mlp")
    raw = (np.random.default_rng(0).normal(size=(40, 6)) * [1, 10, 100, 0.1, 5, 5] + 50).astype(np.float32)
    split = vectors.Split(raw, vectors.VectorRows(raw))

    folded, history = head._mlp(job, split, split)

    best = max(history, key=lambda epoch: (epoch["validation"]["accuracy"], -epoch["epoch"]))
    with torch.inference_mode():
        loss = job.task.loss(folded.eval()(torch.from_numpy(raw)), job.task.collate(job.train, job.learned)).mean()
    # fp32 sums of numbers of a few hundred
    assert float(loss) == pytest.approx(best["validation"]["loss"], abs=1e-3)


@pytest.mark.parametrize("given", [{}, {"head": "mlp"}, {"read": "classifier"}], ids=["linear", "mlp", "classifier"])
def test_what_is_frozen_is_computed_once_and_never_again(given: dict[str, Any], family: families.Family) -> None:
    events: list[Event] = []
    head.learn(job_of(family, **given))
    head.learn(job_of(family, listener=events.append, **given))
    assert not [event for event in events if isinstance(event, Advance) and event.stage == "features"]


@pytest.mark.parametrize("model", ["resnet", "convnext", "vit"])
def test_a_solved_classifier_is_scikit_learns_on_what_it_reads(model: str, family: families.Family) -> None:
    job = job_of(family, model)
    learnt = head.learn(job)
    assert isinstance(learnt.network, Whole)
    seen: list[Any] = []
    layer = network.classifier_of(learnt.network.module)
    layer.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].numpy().copy()))

    logits = answering.by_row(learnt.network, job.encoded(job.train))

    strength = min(learnt.history, key=lambda trial: trial["log_loss"])["strength"]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200, tol=1e-3))
    read, labels = np.concatenate(seen), np.asarray(job.task.collate(job.train, job.learned))
    theirs = pipeline.fit(read, labels).predict_proba(read)
    # a random network's features hardly differ, so standardising them magnifies the rounding of fp32
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), theirs, atol=0.02)


def test_each_way_of_pooling_has_features_of_its_own(family: families.Family) -> None:
    events: list[Event] = []
    weights = {}
    for pool in ("mean", "max", "cls"):
        learnt = head.learn(job_of(family, listener=events.append, pool=pool, read="2", max_length=9))
        assert isinstance(learnt.network, network.Headed)
        weights[pool] = learnt.network.head[0].weight  # type: ignore[index]
    computed = [event.done for event in events if isinstance(event, Advance) and event.stage == "features"]
    assert max(computed) == 40
    assert computed.count(40) == 3
    assert not torch.equal(weights["mean"], weights["max"])


@pytest.mark.parametrize("pool", ["max", "cls"])
def test_a_head_answers_from_the_model_as_from_pooled_features(pool: str, family: families.Family) -> None:
    job = job_of(family, pool=pool, read="1-2")
    learnt = head.learn(job)
    states = job.backbone.states(job.backbone.module, job.encoded(job.train).take(range(40)))
    pooled = {"max": lambda state: state.masked_fill(states.mask_BT[..., None] == 0, -9e9).amax(1)}  # type: ignore[index]
    read = torch.cat([pooled.get(pool, lambda state: state[:, 0])(state) for state in states.layers[1:]], dim=1)
    expected = learnt.network.head(read)  # type: ignore[operator]
    torch.testing.assert_close(answering.by_row(learnt.network, job.encoded(job.train)), expected, atol=1e-4, rtol=1e-4)


def test_pooling_of_images_is_read_at_layers(family: families.Family) -> None:
    assert head.learn(job_of(family, "resnet", pool="max")).reading.startswith("layer")


def test_layers_that_a_seed_draws_have_kept_features_of_their_own(family: families.Family) -> None:
    def drawn(seed: int) -> Any:
        events: list[Event] = []
        # of this family the classifier reads a layer that no pretraining knows
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            learnt = head.learn(job_of(family, "roberta", read="classifier", listener=events.append))
        return learnt, [event for event in events if isinstance(event, Advance) and event.stage == "features"]

    first, computed = drawn(1)
    other, computed_anew = drawn(2)
    again, kept = drawn(1)

    assert computed
    assert computed_anew
    assert not kept
    weights = [network.classifier_of(one.network.module).weight for one in (first, other, again)]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
