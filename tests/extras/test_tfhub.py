"""TensorFlow SavedModels: looked through before they are loaded, read as features, learnt on, saved and opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import families
import foreign
import headstart
from headstart.errors import (
    HeadstartError,
    MismatchError,
    MissingExtra,
    ModelError,
    ModelNotFound,
    SettingError,
    UnsafeModel,
)
from headstart.sources import _ref, tfhub
from headstart.sources.saved_models import graphs, signatures

TEXTS = [text for text, _ in families.reviews(9)]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A text model: its folder, and itself."""
    folder = tmp_path_factory.mktemp("tf") / "texts"
    return folder, foreign.text_model(folder)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An image model: its folder, and itself."""
    folder = tmp_path_factory.mktemp("tf") / "images"
    return folder, foreign.image_model(folder)


def vectors(backbone: Any, items: list[Any]) -> np.ndarray[Any, Any]:
    return np.asarray(backbone.pooled(backbone.module, backbone.prepare(items).take(range(len(items)))))


def test_the_vectors_of_texts_are_those_of_tensorflow(texts: tuple[Path, Any]) -> None:
    folder, model = texts
    items = [*TEXTS, "größer — 更大", "x"]
    ours = vectors(_ref.load(f"tfhub:{folder}"), items)
    assert np.array_equal(ours, model(foreign.tensorflow().constant(items)).numpy())


def test_the_vectors_of_images_are_those_of_tensorflow(images: tuple[Path, Any]) -> None:
    folder, model = images
    pictures = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    scaled = np.stack([np.asarray(picture) for picture in pictures]).astype(np.float32) / np.float32(255)
    ours = vectors(_ref.load(f"tfhub:{folder}"), pictures)
    assert np.array_equal(ours, model(foreign.tensorflow().constant(scaled)).numpy())


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_texts_are_learnt_frozen_and_the_folder_answers_alike(
    head: str, texts: tuple[Path, Any], tmp_path: Path
) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(200))
    run = headstart.fit(data, out=tmp_path / "run", model=f"tfhub:{texts[0]}", head=head)
    again = headstart.load(tmp_path / "run")
    assert np.array_equal(again.logits(TEXTS), run.model.logits(TEXTS))
    assert (tmp_path / "run" / "model" / "saved_model" / "saved_model.pb").is_file()
    if head == "linear":
        # a single word tells, and the mean of as many random vectors as there are words still holds which
        assert run.scores["metrics"]["accuracy"]["value"] > 0.8


def test_images_are_learnt_frozen_and_the_folder_answers_alike(images: tuple[Path, Any], tmp_path: Path) -> None:
    photos = families.pictures(tmp_path / "photos", 40)
    run = headstart.fit(photos, out=tmp_path / "run", model=f"tfhub:{images[0]}")
    shades = [families.picture(shade, seed=7) for shade in families.SHADES.values()]
    assert np.array_equal(headstart.load(tmp_path / "run").logits(shades), run.model.logits(shades))
    assert run.scores["metrics"]["accuracy"]["value"] >= 0.75, "red and blue are easily told apart"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"strategy": "full"}, "no blocks that can be trained. Use --strategy frozen"),
        ({"read": "classifier"}, "Use --strategy frozen, and no --read classifier"),
        ({"max_length": 12}, "reads whole texts"),
    ],
    ids=str,
)
def test_what_a_saved_model_cannot_do_is_said(
    settings: dict[str, Any], says: str, texts: tuple[Path, Any], tmp_path: Path
) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(40))
    with pytest.raises(HeadstartError, match=says):
        headstart.fit(data, out=tmp_path / "run", model=f"tfhub:{texts[0]}", **settings)


def test_the_data_check_leaves_out_what_only_the_model_sees(texts: tuple[Path, Any], tmp_path: Path) -> None:
    data = families.csv_of(tmp_path / "reviews.csv", families.reviews(40))
    assert "tokens" not in str(headstart.check(data, model=f"tfhub:{texts[0]}").facts)


def test_texts_are_encoded_as_vectors_and_have_no_tokens(texts: tuple[Path, Any]) -> None:
    encoded = headstart.load_backbone(f"tfhub:{texts[0]}").encode(TEXTS)
    assert np.array_equal(encoded.mean, texts[1](foreign.tensorflow().constant(TEXTS)).numpy())
    assert (encoded.ids, encoded.where, encoded.cls) == (None, None, None)


def test_images_are_encoded_as_vectors(images: tuple[Path, Any]) -> None:
    pictures = [families.picture((60 * i, 90, 120), seed=i) for i in range(3)]
    assert headstart.load_backbone(f"tfhub:{images[0]}").encode(pictures).mean.shape == (3, foreign.WIDTH)


ACTS: dict[str, Any] = {
    "WriteFile": lambda tf, texts: tf.io.write_file("/tmp/never", tf.strings.reduce_join(texts)),
    "ReadFile": lambda tf, texts: tf.io.read_file("/etc/hostname"),
    "MatchingFiles": lambda tf, texts: tf.io.matching_files("/etc/*"),
    "EagerPyFunc": lambda tf, texts: tf.py_function(lambda value: value, [texts], tf.string),
    "PyFunc": lambda tf, texts: tf.numpy_function(lambda value: value, [texts], tf.string),
    "PrintV2": lambda tf, texts: tf.print(texts, output_stream="file:///tmp/never"),
    "SaveV2": lambda tf, texts: tf.raw_ops.SaveV2(
        prefix="/tmp/never", tensor_names=["a"], shape_and_slices=[""], tensors=[texts]
    ),
    "RestoreV2": lambda tf, texts: tf.raw_ops.RestoreV2(
        prefix="/tmp/never", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    ),
    r"\w+Dataset": lambda tf, texts: tf.data.TextLineDataset("/etc/hostname").reduce(0, lambda found, _: found),
}


@pytest.mark.parametrize("operation", ACTS)
def test_an_operation_that_acts_is_refused_by_name_before_loading(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf = foreign.tensorflow()
    folder = foreign.acting_model(tmp_path / "acting", ACTS[operation])
    monkeypatch.setattr(tf.saved_model, "load", lambda *args: pytest.fail("it was loaded"))
    with pytest.raises(UnsafeModel, match=rf'the operation "{operation}'):
        _ref.load(f"tfhub:{folder}", trust=True)


def _changed(folder: Path, change: Any) -> Path:
    """The folder with its graph changed."""
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    change(message.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())
    return folder


def _saver(graph: Any) -> str:
    names = [function.signature.name for function in graph.graph_def.library.function]
    return str(next(name for name in names if "traced_save" in name))


def _call_the_saver(graph: Any) -> None:
    node = graph.graph_def.library.function[0].node_def.add()
    node.op, node.name = "StatefulPartitionedCall", "sly"
    node.attr["f"].func.name = _saver(graph)


def _call_the_saver_by_name(graph: Any) -> None:
    node = graph.graph_def.library.function[0].node_def.add()
    node.op, node.name = _saver(graph), "sly"


def _offer_the_saver(graph: Any) -> None:
    graph.object_graph_def.concrete_functions[_saver(graph)].SetInParent()


def _name_a_file(graph: Any) -> None:
    function = graph.graph_def.library.function[0]
    constant, node = function.node_def.add(), function.node_def.add()
    constant.op, constant.name = "Const", "passwords"
    node.op, node.name = "InitializeTableFromTextFileV2", "table"
    node.input.extend(["handle", "passwords:output:0"])


def _asset_elsewhere(graph: Any) -> None:
    graph.asset_file_def.add().filename = "../../secret"


@pytest.mark.parametrize(
    "change",
    [_call_the_saver, _call_the_saver_by_name, _offer_the_saver, _name_a_file, _asset_elsewhere],
    ids=lambda change: change.__name__.strip("_"),
)
def test_a_graph_that_was_tampered_with_is_refused(change: Any, texts: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(texts[0], tmp_path / "copy")
    graphs.verify(tmp_path / "copy")
    with pytest.raises(UnsafeModel):
        graphs.verify(_changed(tmp_path / "copy", change))


def test_a_link_out_of_the_folder_is_refused(texts: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(texts[0], tmp_path / "copy")
    (tmp_path / "copy" / "assets" / "more").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeModel, match="leads out of its folder"):
        _ref.load(f"tfhub:{tmp_path / 'copy'}")


def test_a_model_of_tensorflow_1_is_refused(texts: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(texts[0], tmp_path / "copy")
    folder = _changed(tmp_path / "copy", lambda graph: graph.ClearField("object_graph_def"))
    with pytest.raises(ModelError, match="TensorFlow 1"):
        _ref.load(f"tfhub:{folder}")


def test_a_damaged_model_is_refused(texts: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(texts[0], tmp_path / "copy")
    (tmp_path / "copy" / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelError, match="is not a SavedModel"):
        _ref.load(f"tfhub:{tmp_path / 'copy'}")


def test_weights_that_are_missing_are_a_model_that_cannot_be_loaded(texts: tuple[Path, Any], tmp_path: Path) -> None:
    shutil.copytree(texts[0], tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "variables")
    with pytest.raises(ModelError, match="TensorFlow cannot load"):
        _ref.load(f"tfhub:{tmp_path / 'copy'}")


def test_a_model_called_otherwise_is_refused(tmp_path: Path) -> None:
    tf = foreign.tensorflow()

    class Pair(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, rows):  # type: ignore[no-untyped-def]
            return rows

    tf.saved_model.save(Pair(), str(tmp_path / "pair"))
    with pytest.raises(MismatchError, match="is not called with one text or one image"):
        _ref.load(f"tfhub:{tmp_path / 'pair'}")


def test_a_model_with_signatures_alone_is_called_by_one(tmp_path: Path) -> None:
    tf = foreign.tensorflow()

    class Signed(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])  # type: ignore[untyped-decorator]
        def embed(self, texts):  # type: ignore[no-untyped-def]
            return {"default": tf.cast(tf.strings.length(texts), tf.float32)[:, None], "other": texts}

    model = Signed()
    tf.saved_model.save(model, str(tmp_path / "signed"), signatures={"serving_default": model.embed})
    assert vectors(_ref.load(f"tfhub:{tmp_path / 'signed'}"), ["four", "three"]).tolist() == [[4.0], [5.0]]


@pytest.mark.parametrize(
    ("query", "says"), [("size=64", "is not how"), ("size=x", "no size"), ("depth=3", "is not how")]
)
def test_a_size_the_model_does_not_read_is_refused(query: str, says: str, images: tuple[Path, Any]) -> None:
    with pytest.raises(SettingError, match=says):
        _ref.load(f"tfhub:{images[0]}?{query}")


def test_texts_take_no_size(texts: tuple[Path, Any]) -> None:
    with pytest.raises(SettingError, match="takes no options"):
        _ref.load(f"tfhub:{texts[0]}?size=3")


def test_a_handle_comes_from_kagglehubs_cache(texts: tuple[Path, Any]) -> None:
    name = "tests/tiny/tensorFlow2/words"
    for version in ("1", "2"):
        folder = tfhub.cache() / name / version
        shutil.copytree(texts[0], folder)
        folder.with_name(f"{version}.complete").touch()
    (tfhub.cache() / name / "2.complete").unlink()
    try:
        refs = [_ref.load(f"tfhub:{handle}", offline=True).ref for handle in (f"{name}/1", name)]
        lines = tfhub.listed()
        with pytest.raises(ModelNotFound, match="network is off limits"):
            _ref.load(f"tfhub:{name}/2", offline=True)
    finally:
        shutil.rmtree(tfhub.cache())
    assert [str(ref) for ref in refs] == [f"tfhub:{name}/1", f"tfhub:{name}"]
    assert [(line.ref, line.modality, line.is_available) for line in lines] == [(f"tfhub:{name}/1", "text", True)]


def test_a_handle_that_kaggle_does_not_give_is_refused() -> None:
    foreign.tensorflow()
    with pytest.raises(ModelNotFound, match='Kaggle did not give "tests/none/tensorFlow2/any/1"'):
        tfhub.load("tests/none/tensorFlow2/any/1", revision=None, offline=False)


@pytest.mark.parametrize("name", ["https://tfhub.dev/google/nnlm/1", "google/nnlm", "./nowhere"])
def test_what_is_neither_folder_nor_handle_gets_the_form(name: str) -> None:
    with pytest.raises(ModelNotFound, match="or a handle such as"):
        tfhub.load(name, revision=None, offline=True)


def test_a_handle_has_its_version_in_it(texts: tuple[Path, Any]) -> None:
    with pytest.raises(SettingError, match="has its version in its handle"):
        tfhub.load(str(texts[0]), revision="2", offline=True)


def test_what_a_model_reads_is_told_by_its_bytes(texts: tuple[Path, Any], images: tuple[Path, Any]) -> None:
    assert signatures.modality_of(texts[0] / "saved_model.pb") == "text"
    assert signatures.modality_of(images[0] / "saved_model.pb") == "image"
    assert signatures.modality_of(texts[0] / "fingerprint.pb") is None


def test_without_tensorflow_the_message_installs_it(texts: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "tensorflow").is_dir()])
    with pytest.raises(MissingExtra, match=r'pip install "headstart\[tfhub\]"'):
        _ref.load(f"tfhub:{texts[0]}")


def test_tensorflow_says_nothing_of_itself(texts: tuple[Path, Any]) -> None:
    code = f"""
from headstart.sources import _ref
backbone = _ref.load("tfhub:{texts[0]}")
backbone.pooled(backbone.module, backbone.prepare(["a"]).take([0]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_other_sources_do_not_import_tensorflow(family: families.Family) -> None:
    code = f"""
import sys
from headstart.sources import _ref
_ref.load("dir:{family("bert")}").module
_ref.listed()
print([name for name in ("tensorflow", "timm", "torchvision") if name in sys.modules])
"""
    foreign.tensorflow()
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert "tensorflow" not in ran.stdout
