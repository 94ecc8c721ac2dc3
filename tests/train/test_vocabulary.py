"""Of an embedding only the tokens in use learn, as they would in the whole; all others keep their vectors."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import families
import headstart
import stacks
from headstart.contracts import Inputs
from headstart.network import Whole
from headstart.train import average, vocabulary


class Rows:
    """Rows of tokens, as `Encoded` has them."""

    def __init__(self, ids_NT: torch.Tensor, name: str = "input_ids") -> None:
        self.ids_NT, self.name = ids_NT, name
        self.lengths = np.full(len(ids_NT), ids_NT.shape[1])

    def take(self, indices: Any) -> Inputs:
        return Inputs({self.name: self.ids_NT[torch.as_tensor(np.asarray(indices))]})


IDS = torch.tensor([[2, 7, 9], [2, 9, 4]])
USED, UNUSED = [2, 4, 7, 9], [0, 1, 3, 5, 6, 8]


def model(name: str = "bert") -> nn.Module:
    torch.manual_seed(0)
    return copy.deepcopy(stacks.model(name)).eval()


def learn(module: nn.Module) -> None:
    """Some steps of the optimiser on the rows."""
    optimizer = torch.optim.AdamW([one for one in module.parameters() if one.requires_grad], lr=1e-2, weight_decay=0.0)
    for _ in range(3):
        module(input_ids=IDS)[0].square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "electra", "deberta-v2", "modernbert"])
def test_what_is_in_use_learns_as_in_the_whole_table(name: str) -> None:
    lean, plain = model(name), model(name)
    table: Any = lean.get_input_embeddings()  # type: ignore[operator]
    before, owner = table.weight.detach().clone(), table.weight
    with vocabulary.lean(lean, Rows(IDS)):
        assert len(table.weight) == len(USED)
        learn(lean)
    assert type(table) is nn.Embedding
    assert not hasattr(table, "rest")
    assert table.weight is owner
    learn(plain)
    for one, other in zip(lean.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert torch.equal(table.weight[UNUSED], before[UNUSED])
    assert not torch.isclose(table.weight[USED[1:]], before[USED[1:]]).any()


def test_a_gradient_is_that_of_its_own_passes_in_the_room_of_the_last() -> None:
    padded = torch.tensor([[2, 7, 1], [2, 9, 4]])
    lean, plain = model("roberta"), model("roberta")
    assert plain.get_input_embeddings().padding_idx == 1  # type: ignore[operator]

    def gradient(module: Any, *passes: torch.Tensor) -> torch.Tensor:
        weight = module.get_input_embeddings().weight
        weight.grad = None
        for ids in passes:
            module(input_ids=ids)[0].square().mean().backward()
        found: torch.Tensor = weight.grad
        return found

    with vocabulary.lean(lean, Rows(padded)):
        rooms = set()
        for passes in ((padded,), (padded[:1],), (padded[1:],), (padded[:1], padded[1:])):
            ours = gradient(lean, *passes)
            torch.testing.assert_close(ours, gradient(plain, *passes)[[1, 2, 4, 7, 9]], atol=1e-7, rtol=1e-4)
            assert not ours[0].any()  # what fills up
            rooms.add(ours.data_ptr())
        assert len(rooms) == 1
    assert not {"rest", "room"} & set(vars(lean.get_input_embeddings()))  # type: ignore[operator]


def test_tokens_out_of_use_are_answered_for_meanwhile_and_copies_share_them() -> None:
    module = model()
    others = torch.tensor([[2, 5, 8, 9]])
    plain = module(input_ids=others)[0]
    with vocabulary.lean(module, Rows(IDS)):
        twin = copy.deepcopy(module)
        assert twin.get_input_embeddings().rest is module.get_input_embeddings().rest  # type: ignore[operator]
        assert torch.equal(module(input_ids=others)[0], plain)
        assert torch.equal(twin(input_ids=others)[0], plain)
        half = copy.deepcopy(module).to(torch.bfloat16)
        assert half.get_input_embeddings()(others).dtype == torch.bfloat16  # type: ignore[operator]
        kept = average.moving(Whole(module))
        assert kept["module.embeddings.word_embeddings.weight"].shape[0] == len(USED)


def left_alone(module: nn.Module, rows: Rows) -> bool:
    shape = module.get_input_embeddings().weight.shape  # type: ignore[operator]
    with vocabulary.lean(module, rows):
        return type(module.get_input_embeddings()) is nn.Embedding and (  # type: ignore[operator]
            module.get_input_embeddings().weight.shape == shape  # type: ignore[operator]
        )


def test_a_table_mostly_in_use_learns_whole() -> None:
    module = model()
    size = module.get_input_embeddings().num_embeddings  # type: ignore[operator]
    assert left_alone(module, Rows(torch.arange(size)[None]))


def test_a_frozen_table_is_left_alone() -> None:
    module = model()
    module.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    assert left_alone(module, Rows(IDS))


def test_a_table_that_another_part_shares_is_left_alone() -> None:
    module = model()
    module.tied = nn.Linear(1, 1)
    module.tied.weight = module.get_input_embeddings().weight  # type: ignore[operator]
    assert left_alone(module, Rows(IDS))


def test_rows_that_are_no_tokens_are_left_alone() -> None:
    assert left_alone(model(), Rows(IDS, "input_features"))


def test_after_a_fault_the_table_is_whole_again() -> None:
    module = model()
    before = module.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
    with pytest.raises(RuntimeError, match="in the middle"), vocabulary.lean(module, Rows(IDS)):
        raise RuntimeError("in the middle")
    assert torch.equal(module.get_input_embeddings().weight, before)  # type: ignore[operator]


def test_a_fit_leaves_the_vectors_of_words_it_never_saw(family: families.Family, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    rows = families.csv_of(tmp_path / "rows.csv", families.reviews(60))
    settings = {"strategy": "full", "epochs": 2, "lr": 1e-3, "ema": 0.0}
    headstart.fit(rows, out=tmp_path / "run", model=f"dir:{family('bert')}", **settings)
    name = "embeddings.word_embeddings.weight"
    before = load_file(family("bert") / "model.safetensors")[name]
    after = load_file(tmp_path / "run" / "model" / "model.safetensors")[f"bert.{name}"]
    moved = (before != after).any(1)
    known = AutoTokenizer.from_pretrained(family("bert"))
    seen = {number for text, _ in families.reviews(60) for number in known(text)["input_ids"]}
    assert after.shape == before.shape
    assert set(moved.nonzero().flatten().tolist()) <= seen
    assert moved.any()
    assert not moved.all()
