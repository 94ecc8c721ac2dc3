"""A model of its lowest blocks alone: the same states, fewer weights, and plain transformers opens what is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import stacks
from headstart import stack
from headstart.errors import MismatchError
from headstart.sources import _loading

UNCOUNTED = ("mobilenet", "swin")
NORMED = ("wav2vec2-masked", "whisper", "modernbert")
"""Families whose last state goes through a norm that stands above all blocks."""


def saved(name: str, folder: Path) -> Path:
    whole: Any = stacks.whole(name)
    whole.save_pretrained(folder / name)
    return folder / name


@torch.inference_mode()
def lowest(module: Any, name: str) -> torch.Tensor:
    """What the lowest block gives."""
    state: torch.Tensor = module(**stacks.batch(name).tensors, output_hidden_states=True).hidden_states[1]
    return state


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
@pytest.mark.parametrize("name", sorted(set(stacks.FAMILIES) - {*UNCOUNTED}))
def test_a_block_gives_what_it_gave_in_the_whole(name: str, tmp_path: Path) -> None:
    folder = saved(name, tmp_path)
    whole, shorter = (_loading.bare(folder, blocks=blocks) for blocks in (None, 1))
    assert len(stack.blocks_of(shorter)) == 1
    if name in NORMED:
        assert set(shorter.state_dict()) < set(whole.state_dict())
        return
    assert torch.equal(lowest(shorter, name), lowest(whole, name))


@pytest.mark.parametrize("name", ["bert", "modernbert", "resnet", "convnext", "vit"])
def test_a_shorter_one_opens_in_plain_transformers(name: str, tmp_path: Path) -> None:
    from transformers import AutoModel

    shorter: Any = _loading.bare(saved(name, tmp_path), blocks=1)
    shorter.save_pretrained(tmp_path / "shorter")
    again = AutoModel.from_pretrained(tmp_path / "shorter").eval()
    assert torch.allclose(lowest(again, name), lowest(shorter, name), atol=1e-6)


@pytest.mark.parametrize("name", UNCOUNTED)
def test_a_family_whose_config_does_not_count_its_blocks_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match=r"does not say how many blocks a \w+ has.*--read 1"):
        _loading.bare(saved(name, tmp_path), blocks=1)
