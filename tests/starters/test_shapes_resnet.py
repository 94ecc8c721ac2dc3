"""The starter as it ships: an ordinary model folder, small, documented, and of use on images it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from transformers import AutoImageProcessor, AutoModelForImageClassification

import headstart.plug

FOLDER = Path(headstart.plug.__file__).parent / "starters" / "shapes-resnet"


def _read(images: list[Image.Image]) -> torch.Tensor:
    pixels = AutoImageProcessor.from_pretrained(FOLDER, local_files_only=True)(images, return_tensors="pt")
    model = AutoModelForImageClassification.from_pretrained(FOLDER, local_files_only=True).eval()
    with torch.inference_mode():
        return model.resnet(**pixels).pooler_output.flatten(1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_images_of_every_mode_and_size_are_read(mode: str) -> None:
    features = _read([Image.new(mode, (8, 8)), Image.new(mode, (200, 90))])

    assert features.shape == (2, 128)
    assert features.isfinite().all()


def test_the_classifier_names_every_shape_it_learned() -> None:
    model = AutoModelForImageClassification.from_pretrained(FOLDER, local_files_only=True)

    assert model.classifier[1].out_features == len(set(model.config.id2label.values()))


def test_the_weights_are_small_enough_to_ship() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= 1_500_000


def test_the_card_names_the_licence_and_the_limits() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert "license: apache-2.0" in card
    assert "## Limits" in card


def test_five_labels_a_class_go_further_than_with_raw_pixels() -> None:
    digits = load_digits()
    labels, raw = digits.target[:400], digits.data[:400]
    images = [Image.fromarray(np.uint8(image * 15.9)) for image in digits.images[:400]]
    learn = np.concatenate([np.flatnonzero(labels == label)[:5] for label in range(10)])
    judge = np.setdiff1d(np.arange(400), learn)

    def score(x: np.ndarray) -> float:
        x = StandardScaler().fit(x[learn]).transform(x)
        return LogisticRegression(C=0.1, max_iter=1000).fit(x[learn], labels[learn]).score(x[judge], labels[judge])

    assert score(_read(images).double().numpy()) > score(raw) + 0.05
