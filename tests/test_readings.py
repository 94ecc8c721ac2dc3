"""What a head reads of the hidden states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from headstart.errors import SettingError
from headstart.readings import Reading, readings

# two rows, three hidden states of widths 1, 2 and 2
POOLED = [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]]
WIDTHS = (1, 2, 2)


@pytest.mark.parametrize("kind", [np.array, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(((0,),)), [[1], [6]]),
        (Reading(((2,),)), [[4, 5], [9, 10]]),
        (Reading(((1, 2),)), [[3, 4], [8, 9]]),
        (Reading(((0,), (2,))), [[1, 4, 5], [6, 9, 10]]),
        (Reading(((0,), (1, 2))), [[1, 3, 4], [6, 8, 9]]),
    ],
    ids=str,
)
def test_a_reading_takes_its_layers(kind: Any, reading: Reading, expected: list[list[float]]) -> None:
    assert reading.of(kind(POOLED), WIDTHS).tolist() == expected


@pytest.mark.parametrize(
    ("read", "widths", "expected"),
    [
        ("auto", (8, 8, 8), [((1,),), ((2,),), ((1, 2),)]),
        ("auto", (8, 8, 8, 8), [((1,),), ((2,),), ((3,),), ((1, 2, 3),), ((2, 3),), ((1,), (2,), (3,))]),
        ("auto", (8, 8), [((1,),)]),
        ("auto", (8,), [((0,),)]),
        ("auto", (8, 16, 32), [((1,),), ((2,),)]),
        ("mean", (8, 8, 8), [((1, 2),)]),
        ("0", (8, 8, 8), [((0,),)]),
        ("1-2", (8, 16, 32), [((1,), (2,))]),
    ],
)
def test_the_readings_to_choose_among(read: str, widths: tuple[int, ...], expected: list[Any]) -> None:
    assert [reading.groups for reading in readings(read, widths)] == expected


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (((3,),), "layer 3"),
        (((1, 2, 3),), "mean of layers 1-3"),
        (((1,), (2,), (3,)), "layers 1 to 3"),
        (((1, 2), (3, 4), (5,)), "means of layers 1-2, 3-4, 5"),
    ],
)
def test_a_reading_says_what_it_reads(groups: Any, said: str) -> None:
    assert str(Reading(groups)) == said


@pytest.mark.parametrize("read", ["all", "-1", "3", "1-3", "2-1", "1-", "1-x", ""])
def test_a_reading_the_model_cannot_give_is_refused(read: str) -> None:
    with pytest.raises(SettingError, match=f'--read "{read}"'):
        readings(read, (8, 8, 8))
