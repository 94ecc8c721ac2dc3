"""A member of each family, loaded for a task with all that its config says of learning, learns eight rows by heart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import stacks
from headstart.sources import _loading

ROWS, STEPS = 8, 60
CLASSES = {"text": "AutoModelForSequenceClassification", "image": "AutoModelForImageClassification"}
MORE: dict[str, tuple[str, dict[str, Any], str]] = {
    "mobilenet-v2": ("MobileNetV2", {"depth_multiplier": 0.1, "image_size": 32}, "image"),
}
LEARN = {name: member for name, member in (stacks.FAMILIES | MORE).items() if member[2] in CLASSES}


def rows(kind: str, classes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Texts in which one word, or pictures in which one colour, tells the class."""
    dice = torch.Generator().manual_seed(0)
    if kind == "text":
        ids = torch.randint(40, 150, (ROWS, 9), generator=dice)
        ids[:, 3] = 20 + classes
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    pixels = 0.3 * torch.rand(ROWS, 3, 32, 32, generator=dice)
    pixels[:, 0] += 0.7 * classes[:, None, None]
    return {"pixel_values": pixels}


@pytest.mark.parametrize("name", LEARN)
def test_eight_rows_are_learnt_by_heart(name: str, tmp_path: Path) -> None:
    kind, options, modality = LEARN[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**options)).save_pretrained(
            tmp_path
        )
        module: Any = _loading.for_task(tmp_path, CLASSES[modality], ("a", "b")).train()
        classes = torch.arange(ROWS) % 2
        inputs, optimizer = rows(modality, classes), torch.optim.AdamW(module.parameters(), lr=2e-3)
        for _ in range(STEPS):
            loss = torch.nn.functional.cross_entropy(module(**inputs).logits, classes)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    assert loss < 0.2
