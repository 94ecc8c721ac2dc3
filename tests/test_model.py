"""A model folder gives back what was saved, opens without headstart, and is refused when damaged or unsafe."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import families
from headstart import model
from headstart.errors import HeadstartError, ModelError, ModelNotFound, OutputError, UnsafeModel
from headstart.heads import layers
from headstart.heads.form import Form
from headstart.model import Model
from headstart.network import Headed, Whole
from headstart.readings import Reading
from headstart.sources import dir as folders
from headstart.tasks.classes.single import Classes

NAMES = ("bad", "fine", "größer")
KINDS = {
    "whole text": ("bert", None),
    "linear, one layer": ("bert", (Reading(((1,),)), {"kind": "linear"})),
    "linear, mean": ("distilbert", (Reading(((1, 2),)), {"kind": "linear"})),
    "linear, concat": ("roberta", (Reading(((0, 1), (2,))), {"kind": "linear"})),
    "mlp, concat": ("bert", (Reading(((1,), (2,))), {"kind": "mlp"})),
    "whole image": ("resnet", None),
    "whole vision transformer": ("vit", None),
    "linear on maps": ("convnext", (Reading(((1,), (2,))), {"kind": "linear"})),
    "mlp on patches": ("vit", (Reading(((1, 2),)), {"kind": "mlp"})),
    "cls of two layers": ("roberta", (Reading(((1,), (2,))), {"kind": "linear", "pool": "cls"})),
    "max of texts": ("bert", (Reading(((1, 2),)), {"kind": "mlp", "pool": "max"})),
    "max of maps": ("resnet", (Reading(((1,), (2,))), {"kind": "linear", "pool": "max"})),
    "cls of patches": ("vit", (Reading(((2,),)), {"kind": "linear", "pool": "cls"})),
    "learnt average of tokens": ("distilbert", (Reading(((1,),)), {"kind": "linear", "pool": "attention"})),
    "learnt average of a map": ("convnext", (Reading(((2,),)), {"kind": "mlp", "pool": "attention"})),
    "convolutions along tokens": ("bert", (Reading(((2,),)), {"kind": "conv", "pool": None})),
    "convolution over a map": ("mobilenet", (Reading(((5,),)), {"kind": "conv", "pool": None})),
    "convolution over patches": ("vit", (Reading(((1,),)), {"kind": "conv", "pool": None})),
    "attention over tokens": ("roberta", (Reading(((2,),)), {"kind": "attention-pool", "pool": None})),
    "attention over a map": ("resnet", (Reading(((2,),)), {"kind": "attention-pool", "pool": None})),
}


def made(family: families.Family, kind: str) -> Model:
    """A model with random weights in all places, as if it had been trained."""
    name, reads = KINDS[kind]
    backbone = folders.load(str(family(name)), revision=None, offline=True)
    task = f"{backbone.modality}-classification"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if reads is None:
            auto = {"text": "AutoModelForSequenceClassification", "image": "AutoModelForImageClassification"}
            trained: Any = Whole(backbone.task_module(auto[backbone.modality], NAMES))
        else:
            reading, head = reads
            width = reading.of(np.zeros((1, sum(backbone.widths))), backbone.widths).shape[1]
            is_of_map = head["kind"] == "conv" and backbone.modality == "image"
            form = Form(width=width, inner=16, is_of_map=is_of_map, **head)
            trained = Headed(backbone, reading, layers.build(form, len(NAMES)), form)
            _shaken(trained.head)
    return Model(task, Classes(NAMES), backbone, trained.eval())


def _shaken(head: Any) -> None:
    """Other weights in all places, those too that begin as zeros or ones."""
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)


def items_of(made_model: Model) -> list[Any]:
    if made_model.backbone.modality == "text":
        return ["An example text.", "Another one."]
    from PIL import Image

    return [Image.new("RGB", (64, 64), "red")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_answers_to_the_bit_as_the_saved_one(kind: str, family: families.Family, tmp_path: Path) -> None:
    original = made(family, kind)
    original.save(tmp_path / "model")
    loaded = model.load(tmp_path / "model")
    assert np.array_equal(loaded.logits(items_of(original)), original.logits(items_of(original)))
    assert (loaded.names, loaded.task_name, loaded.max_length) == (NAMES, original.task_name, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_answers_again_as_at_first(kind: str, family: families.Family, tmp_path: Path) -> None:
    original = made(family, kind)
    original.save(tmp_path / "model")
    loaded = model.load(tmp_path / "model")
    first, second, third = (loaded.logits(items_of(original)) for _ in range(3))
    assert np.array_equal(first, second)
    assert np.array_equal(second, third)


@pytest.mark.parametrize("kind", KINDS)
def test_the_usage_snippet_gives_the_models_answers_without_headstart(
    kind: str, family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = made(family, kind)
    original.save(tmp_path / "model")
    (tmp_path / "model" / "use.py").write_text(model.usage(original), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "model")

    used = runpy.run_path("use.py")

    np.testing.assert_allclose(used["logits"].numpy(), original.logits(items_of(original)), atol=1e-5)
    assert used["labels"] == [answer["label"] for answer in original.predict(items_of(original))]


@pytest.mark.parametrize("long", ["head-tail", "cut", "chunks"])
@pytest.mark.parametrize(
    "kind", ["whole text", "linear, concat", "mlp, concat", "max of texts", "attention over tokens"]
)
def test_the_usage_snippet_reads_long_texts_as_the_model_does(
    kind: str, long: str, family: families.Family, tmp_path: Path
) -> None:
    original = dataclasses.replace(made(family, kind), long=long, max_length=9)
    original.save(tmp_path / "model")
    texts = ["fine and the film was very dull with one cold day and the rude staff", "dull", "fine " * 80]
    code = re.sub(r"^(folder|items) = .*", r"\1 = given_\1", model.usage(original), flags=re.MULTILINE)
    names: dict[str, Any] = {"given_folder": str(tmp_path / "model"), "given_items": texts}

    exec(code, names)

    np.testing.assert_allclose(names["logits"].numpy(), original.logits(texts), atol=1e-5)
    assert names["labels"] == [answer["label"] for answer in original.predict(texts)]


@pytest.mark.parametrize("long", ["head-tail", "cut", "chunks"])
def test_a_loaded_model_reads_long_texts_as_the_saved_one(long: str, family: families.Family, tmp_path: Path) -> None:
    original, texts = dataclasses.replace(made(family, "whole text"), long=long), ["fine " * 30 + "dull " * 30]
    original.save(tmp_path / "model")
    assert np.array_equal(model.load(tmp_path / "model").logits(texts), original.logits(texts))


def test_what_is_read_of_a_long_text_changes_the_answer(family: families.Family) -> None:
    original, texts = made(family, "whole text"), ["fine " * 30 + "dull " * 30]
    answers = [dataclasses.replace(original, long=long).logits(texts) for long in ("head-tail", "cut", "chunks")]
    assert len({answer.tobytes() for answer in answers}) == 3


def test_a_folder_of_the_first_format_cuts(family: families.Family, tmp_path: Path) -> None:
    dataclasses.replace(made(family, "whole text"), long="chunks").save(tmp_path / "model")
    changed(model.FACTS, format=1, long="gone")(tmp_path / "model")
    assert model.load(tmp_path / "model").long == "cut"


def test_the_usage_snippet_cuts_where_the_model_was_trained_to(family: families.Family) -> None:
    original = made(family, "whole text")
    assert "max_length=24," in model.usage(original)
    assert "max_length=9," in model.usage(Model(**{**vars(original), "max_length": 9}))


def test_predictions_are_decoded_and_probabilities_sum_to_one(family: families.Family) -> None:
    answers = made(family, "whole text").predict(["fine", "the room was cold"])
    assert all(set(answer["probabilities"]) == set(NAMES) for answer in answers)
    np.testing.assert_allclose([sum(answer["probabilities"].values()) for answer in answers], 1)


def test_probabilities_stand_in_the_order_of_the_names(family: families.Family) -> None:
    original = made(family, "whole text")
    (answer,) = original.predict(["fine"])
    assert original.predict_proba(["fine"]).tolist() == [[answer["probabilities"][name] for name in NAMES]]


def test_of_no_items_there_are_no_predictions(family: families.Family) -> None:
    original = made(family, "whole text")
    assert original.predict([]) == []
    assert original.predict_proba([]).shape == (0, 3)


def test_a_run_folder_is_loaded_by_its_model(family: families.Family, tmp_path: Path) -> None:
    made(family, "whole text").save(tmp_path / "run" / "model")
    assert model.load(tmp_path / "run").names == NAMES


def test_the_card_that_is_given_is_the_readme(family: families.Family, tmp_path: Path) -> None:
    made(family, "whole text").save(tmp_path / "model", card="# Mine")
    assert (tmp_path / "model" / "README.md").read_text() == "# Mine"


def test_a_folder_with_something_in_it_is_not_written_into(family: families.Family, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(OutputError, match="is not empty"):
        made(family, "whole text").save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_named(family: families.Family, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        made(family, "whole text").save(tmp_path / "file" / "model")


# ------------------------------------------------------------------------------------------------------- refusals


def unfinished(folder: Path) -> None:
    (folder / model.FACTS).unlink()


def cut(name: str, keep: float) -> Callable[[Path], None]:
    def shorten(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(keep * len(content))])

    return shorten


def changed(name: str, **values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        facts = json.loads((folder / name).read_text())
        facts.update(values)
        (folder / name).write_text(json.dumps({key: value for key, value in facts.items() if value != "gone"}))

    return change


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


REFUSALS: dict[str, tuple[Callable[[Path], None], type[HeadstartError], str]] = {
    "unfinished": (unfinished, ModelNotFound, "headstart.json is missing"),
    "no folder": (shutil.rmtree, ModelNotFound, "holds no finished model"),
    "damaged facts": (cut(model.FACTS, 0.5), ModelError, "headstart.json is damaged"),
    "facts with a part missing": (changed(model.FACTS, learned="gone"), ModelError, 'has no "learned"'),
    "unknown reading of long texts": (changed(model.FACTS, long="skim"), ModelError, '"long" is "skim"'),
    "format of the future": (changed(model.FACTS, format=99), ModelError, "Update headstart"),
    "unknown task": (changed(model.FACTS, task="telepathy"), HeadstartError, 'no task "telepathy"'),
    "weights cut short": (cut("model.safetensors", 0.5), ModelError, "cannot be read"),
    "weights missing": (without("model.safetensors"), ModelError, "model"),
    "head cut short": (cut(model.HEAD, 0.5), ModelError, 'head.safetensors" cannot be read'),
    "head cut to nothing": (cut(model.HEAD, 0), ModelError, 'head.safetensors" cannot be read'),
    "head missing": (without(model.HEAD), ModelError, "The head in"),
    "head of another width": (
        changed(model.FACTS, head={"kind": "linear", "width": 5, "groups": [[1]]}),
        ModelError,
        "The head in",
    ),
    "a head of which the layers are not said": (
        changed(model.FACTS, head={"kind": "linear", "width": 32}),
        ModelError,
        "does not say how to build the head",
    ),
    "a head of which the width is not said": (
        changed(model.FACTS, head={"kind": "linear", "groups": [[1]]}),
        ModelError,
        "does not say how to build the head",
    ),
    "pickled weights": (pickled, ModelError, "model"),
    "code in the config": (changed("config.json", auto_map={"AutoModel": "x.Y"}), UnsafeModel, '"auto_map"'),
    "code in the tokenizer": (
        changed("tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}),
        UnsafeModel,
        '"auto_map"',
    ),
    "config cut short": (cut("config.json", 0.5), ModelError, "not valid JSON"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_folder_that_cannot_be_trusted_is_refused_in_one_sentence(
    case: str, family: families.Family, tmp_path: Path
) -> None:
    spoil, error, says = REFUSALS[case]
    made(family, "linear, one layer").save(tmp_path / "model")
    spoil(tmp_path / "model")

    with pytest.raises(error) as refused:
        model.load(tmp_path / "model")

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_from_before_other_ways_to_pool_is_read(family: families.Family, tmp_path: Path) -> None:
    original = made(family, "linear, one layer")
    original.save(tmp_path / "model")
    changed(model.FACTS, format=1, head={"kind": "linear", "width": 32, "groups": [[1]]})(tmp_path / "model")
    assert np.array_equal(model.load(tmp_path / "model").logits(["fine"]), original.logits(["fine"]))


def test_pickled_weights_alone_are_called_unsafe(family: families.Family, tmp_path: Path) -> None:
    made(family, "whole text").save(tmp_path / "model")
    pickled(tmp_path / "model")
    with pytest.raises(UnsafeModel, match=r"pytorch_model\.bin: its pickle uses the opcode"):
        model.load(tmp_path / "model")
