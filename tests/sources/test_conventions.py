"""What came over from TensorFlow turned round learns as it was meant to, and answers as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from headstart import stack
from headstart.sources import _loading
from headstart.sources._conventions import USUAL, righted

SMALL: dict[str, dict[str, Any]] = {
    "MobileNetV1": {"depth_multiplier": 0.1, "image_size": 32},
    "MobileNetV2": {"depth_multiplier": 0.1, "image_size": 32},
    "ResNet": {"hidden_sizes": [8, 16], "depths": [1, 1], "embedding_size": 8},
}
DROPPED = {"MobileNetV1": 0.001, "MobileNetV2": 0.2}


def saved(family: str, folder: Path) -> Path:
    """A folder with a tiny member of the family that knows two classes."""
    config = getattr(transformers, f"{family}Config")(**SMALL[family])
    getattr(transformers, f"{family}ForImageClassification")(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", DROPPED)
@pytest.mark.parametrize("names", [None, ("a", "b", "c")], ids=["as it was", "a fresh classifier"])
def test_a_family_that_came_over_turned_round_is_put_right(
    family: str, names: tuple[str, ...] | None, tmp_path: Path
) -> None:
    folder = saved(family, tmp_path)
    module = _loading.for_task(folder, "AutoModelForImageClassification", names)

    assert {norm.momentum for norm in stack.batch_norms(module)} == {USUAL}
    (dropout,) = (part for part in module.modules() if isinstance(part, nn.Dropout))
    assert dropout.p == pytest.approx(DROPPED[family])
    assert {norm.momentum for norm in stack.batch_norms(_loading.bare(folder))} == {USUAL}


def test_what_it_answers_is_not_touched(tmp_path: Path) -> None:
    folder, pixels = saved("MobileNetV1", tmp_path), torch.rand(2, 3, 32, 32)
    plain = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        theirs = plain(pixels).logits
        ours = _loading.for_task(folder, "AutoModelForImageClassification", None)(pixels).logits
    torch.testing.assert_close(ours, theirs)


def test_a_family_that_means_what_it_says_stays_as_it_is() -> None:
    before = nn.Sequential(nn.BatchNorm2d(3, momentum=0.3), nn.BatchNorm2d(3, momentum=None), nn.Dropout(0.5))

    after = righted(before)

    assert [part.momentum for part in stack.batch_norms(after)] == [0.3, None]
    assert after[2].p == 0.5
