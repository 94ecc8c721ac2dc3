"""Which rows go together: every row once, little padding, the same result on any number of cores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import families
from headstart import batches
from headstart.contracts import Inputs

LENGTHS = {
    "mixed": np.random.default_rng(0).integers(3, 500, 700),
    "all alike": np.full(300, 128),
    "one": np.array([7]),
    "none": np.zeros(0, dtype=np.int64),
    "longer than the budget": np.array([5, 9000, 6, 5000, 7]),
    "of no length": np.array([0, 0, 3, 1]),
}


def padded(lengths: Any, batch: Any) -> int:
    return int(lengths[batch].max() * len(batch))


@pytest.mark.parametrize("name", LENGTHS)
def test_every_row_is_in_exactly_one_batch(name: str) -> None:
    made = batches.by_length(LENGTHS[name])
    assert sorted(i for batch in made for i in batch.tolist()) == list(range(len(LENGTHS[name])))


@pytest.mark.parametrize("name", LENGTHS)
def test_no_batch_of_several_rows_exceeds_the_budget(name: str) -> None:
    lengths = LENGTHS[name]
    for batch in batches.by_length(lengths, tokens=1000):
        assert len(batch) == 1 or padded(lengths, batch) <= 1000


def test_at_most_a_twentieth_of_a_batch_is_padding() -> None:
    lengths = LENGTHS["mixed"]
    for batch in batches.by_length(lengths):
        assert lengths[batch].max() <= lengths[batch].min() * batches.WASTE


def test_the_shortest_rows_come_first() -> None:
    lengths = LENGTHS["mixed"]
    assert np.all(np.diff(np.concatenate([lengths[batch] for batch in batches.by_length(lengths)])) >= 0)


@pytest.mark.parametrize("batch_size", [1, 8, 32, 1000])
def test_an_epoch_is_a_permutation_in_batches_of_the_size_asked_for(batch_size: int) -> None:
    made = batches.shuffled(LENGTHS["mixed"], batch_size=batch_size, generator=np.random.default_rng(0))
    assert sorted(i for batch in made for i in batch.tolist()) == list(range(700))
    assert max(map(len, made)) == min(batch_size, 700)


def test_an_epoch_has_little_padding() -> None:
    lengths = LENGTHS["mixed"]
    made = batches.shuffled(lengths, batch_size=8, generator=np.random.default_rng(0))
    # pools of 400 sorted rows: neighbours differ by a 50th of the range, and the last batch of a pool may be odd
    assert sum(padded(lengths, batch) for batch in made) < 1.1 * lengths.sum()


def test_batches_of_an_epoch_do_not_come_in_order_of_length() -> None:
    lengths = LENGTHS["mixed"]
    made = batches.shuffled(lengths, batch_size=8, generator=np.random.default_rng(0))
    means = [lengths[batch].mean() for batch in made]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_two_epochs_of_a_generator_differ_and_a_seed_repeats_them() -> None:
    def orders(seed: int) -> list[list[int]]:
        generator = np.random.default_rng(seed)
        made = [batches.shuffled(LENGTHS["mixed"], batch_size=8, generator=generator) for _ in range(2)]
        return [[int(i) for batch in epoch for i in batch] for epoch in made]

    assert orders(0) == orders(0)
    assert orders(0)[0] != orders(0)[1]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def num_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(batches, "cores", lambda: request.param)
    with families.threads(request.param):
        yield request.param


def some_batches(num: int = 9) -> list[Any]:
    return [np.arange(i, i + 3) for i in range(num)]


def test_spread_gives_what_a_plain_loop_gives(num_threads: int) -> None:
    found = list(batches.spread(lambda batch: int(batch.sum()), some_batches()))
    assert found == [int(batch.sum()) for batch in some_batches()]


def test_spread_computes_to_the_bit_what_one_thread_computes(num_threads: int) -> None:
    matrix = torch.randn(200, 200, generator=torch.Generator().manual_seed(0))
    found = list(batches.spread(lambda batch: matrix @ matrix[:, batch.tolist()], some_batches()))
    with families.threads(1):
        alone = [matrix @ matrix[:, batch.tolist()] for batch in some_batches()]
    assert all(torch.equal(one, other) for one, other in zip(found, alone, strict=True))


def test_each_batch_runs_on_one_thread(num_threads: int) -> None:
    assert set(batches.spread(lambda batch: torch.get_num_threads(), some_batches())) == {1}


def test_afterwards_torch_has_its_threads_again(num_threads: int) -> None:
    list(batches.spread(lambda batch: torch.ones(3).sum(), some_batches()))
    assert torch.get_num_threads() == num_threads


def test_an_error_in_a_batch_comes_out_and_torch_has_its_threads_again(num_threads: int) -> None:
    def fails(batch: Any) -> int:
        if batch[0] == 4:
            raise ValueError("row 4")
        return 0

    with pytest.raises(ValueError, match="row 4"):
        list(batches.spread(fails, some_batches()))
    assert torch.get_num_threads() == num_threads


def test_whoever_stops_listening_leaves_torch_its_threads(num_threads: int) -> None:
    results = batches.spread(lambda batch: 0, some_batches())
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == num_threads


def test_of_no_batches_nothing_comes(num_threads: int) -> None:
    assert list(batches.spread(lambda batch: 0, [])) == []


def test_a_batch_is_placed_whole_and_keeps_its_token_ids() -> None:
    inputs = Inputs({"pixels": torch.ones(2), "ids": torch.ones(2, dtype=torch.int64)}, where=[])
    placed = batches.placed(inputs, "bfloat16")
    kinds = {name: tensor.dtype for name, tensor in placed.tensors.items()}
    assert kinds == {"pixels": torch.bfloat16, "ids": torch.int64}
    assert placed.where == []
