"""Backbones to take apart: the tiny families with their batches as items, and a module of two products by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import stacks
from headstart import stack
from headstart.contracts import Inputs, Modality, Ref, States

MODALITIES: dict[str, Modality] = {"text": "text", "image": "image"}


@dataclass(frozen=True)
class Items:
    """Rows that are all the first of a batch."""

    first: dict[str, torch.Tensor]
    lengths: Sequence[int] = (9,)

    def take(self, indices: Sequence[int]) -> Inputs:
        """As many of it as are asked for."""
        return Inputs({name: tensor[[0] * len(indices)] for name, tensor in self.first.items()})


@dataclass
class Specimen:
    """The part of a backbone that is looked at, around any module."""

    module: nn.Module
    items: Items
    modality: Modality = "text"
    read: Callable[..., Any] = lambda module, tensors: module(**tensors, output_hidden_states=True)
    max_tokens: int = 9
    widths: tuple[int, ...] = (32,)
    ref: Ref = field(default_factory=lambda: Ref("some", "dir", "some", license="mit"))

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return stack.blocks_of(self.module)

    def prepare(self, items: Sequence[Any], **how: Any) -> Items:
        return self.items

    def states(self, module: nn.Module, inputs: Inputs, only: Sequence[int] | None = None) -> States:
        return States((self.read(module, inputs.tensors),))

    def digest(self) -> str:
        return "00"


def family(name: str) -> Any:
    """A tiny member of a family; of texts the row without padding."""
    tensors = dict(stacks.batch(name).tensors)
    return Specimen(stacks.model(name), Items(tensors), MODALITIES.get(stacks.FAMILIES[name][2], "audio"))


class Products(nn.Module):
    """A stem of 4 to 8 and two blocks of 8 to 8, each a product with ReLU: 40, 72 and 72 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 8)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(2))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        state = self.stem(numbers)
        for block in self.blocks:
            state = block(state)
        return state


def products(module: nn.Module | None = None) -> Any:
    """A backbone of products; its one item is four ones."""
    items = Items({"numbers": torch.ones(1, 4)})
    return Specimen(Products() if module is None else module, items, read=lambda net, tensors: net(**tensors))
