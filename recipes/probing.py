"""What features are worth on real images: a linear classifier on them, from two labels a class to all there are.

The images are cut in two halves for good: designs are chosen within the first; the second is looked at once.
"""

# N images, D features, V raw values of an image

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import drawing
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoImageProcessor, ResNetConfig, ResNetForImageClassification

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

PER_CLASS = (2, 5, 10, 20, 50)
HALVES_SEED = 0


@dataclass(frozen=True)
class Real:
    """Labelled real images, and the raw values, shape (N, V), a linear classifier reads without any network."""

    images: list[Image.Image]
    raw: Floats
    labels: Labels


def digits() -> Real:
    """scikit-learn's 1797 handwritten digits, 8 by 8 pixels; raw values are those 64."""
    found = load_digits()
    bytes_N88 = np.round(found.images * 255 / 16).astype(np.uint8)
    return Real([Image.fromarray(image).convert("RGB") for image in bytes_N88], found.data, found.target)


def photos(folder: Path) -> Real:
    """The images of a folder with one folder per class; raw values are 32 by 32 greys."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    names = sorted({path.parent.name for path in paths})
    images = [Image.open(path).convert("RGB") for path in paths]
    raw_NV = np.stack([np.asarray(image.convert("L").resize((32, 32)), dtype=float).ravel() for image in images])
    return Real(images, raw_NV, np.array([names.index(path.parent.name) for path in paths]))


def table(folder: Path, real: Real, *, held_out: bool, seeds: int) -> Iterator[str]:
    """Lines of a Markdown table: test accuracy, mean and standard deviation over draws, by labels a class.

    Args:
        folder: The model folder to measure.
        real: What to measure it on.
        held_out: Whether to learn on the first half and judge on the second; otherwise both within the first.
        seeds: How many draws of the labelled images, and of random weights.
    """
    rows, labels_N = np.arange(len(real.images)), real.labels
    first, second = train_test_split(rows, test_size=0.5, random_state=HALVES_SEED, stratify=labels_N)
    trained = features(ResNetForImageClassification.from_pretrained(folder), folder, real.images)
    untrained = [features(_untrained(folder, seed), folder, real.images) for seed in range(seeds)]
    yield "| labels a class | starter | same network, random weights | raw pixels |"
    yield "|---|---|---|---|"
    for per_class in (*PER_CLASS, None):
        cells: list[list[float]] = [[], [], []]
        for seed in range(seeds):
            learn, judge = _draw(first, second if held_out else None, labels_N, per_class, seed)
            for cell, x_ND in zip(cells, (trained, untrained[seed], real.raw), strict=True):
                cell.append(accuracy(x_ND, labels_N, learn, judge, seed))
        shown = " | ".join(f"{np.mean(cell):.3f} ± {np.std(cell, ddof=1):.3f}" for cell in cells)
        yield f"| {per_class or f'all ({len(learn)} labels)'} | {shown} |"


def features(model: ResNetForImageClassification, folder: Path, images: list[Image.Image]) -> Floats:
    """What the model's own classifier reads, shape (N, D)."""
    processor = AutoImageProcessor.from_pretrained(folder)
    pixels = processor(images, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        return np.concatenate(
            [model.resnet(part).pooler_output.flatten(1).double().numpy() for part in pixels.split(256)]
        )


def accuracy(x_ND: Floats, labels_N: Labels, learn: Labels, judge: Labels, seed: int) -> float:
    """Test accuracy of a logistic regression whose strength cross-validation chose within `learn`."""
    folds = min(5, int(np.bincount(labels_N[learn]).min()))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        {"logisticregression__C": np.logspace(-3, 1, 5)},
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    with warnings.catch_warnings():
        # Weak regularisation may stop at max_iter; cross-validation does not choose it unless it is good anyway.
        warnings.simplefilter("ignore")
        return float(search.fit(x_ND[learn], labels_N[learn]).score(x_ND[judge], labels_N[judge]))


def _untrained(folder: Path, seed: int) -> ResNetForImageClassification:
    """The same network with random weights, but with statistics of drawn pictures in its normalisations."""
    torch.manual_seed(seed)
    model = ResNetForImageClassification(ResNetConfig.from_pretrained(folder)).train()
    generator = torch.Generator().manual_seed(seed)
    drawn = drawing.shapes(64, seed)
    # Without this the comparison would be with a network that was never normalised, which is easier to beat.
    with torch.no_grad():
        for _ in range(30):
            model((drawing.views(drawn, torch.randperm(64, generator=generator), generator) - 0.5) / 0.5)
    return model.eval()


def _draw(
    first: Labels, second: Labels | None, labels_N: Labels, per_class: int | None, seed: int
) -> tuple[Labels, Labels]:
    """Which images to learn from and which to judge on."""
    if second is None:
        first, second = train_test_split(first, test_size=0.4, random_state=seed, stratify=labels_N[first])
    if per_class is None:
        return first, second
    order = np.random.default_rng(seed).permutation(first)
    return np.concatenate([order[labels_N[order] == label][:per_class] for label in np.unique(labels_N)]), second
