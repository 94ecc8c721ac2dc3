"""Figures and names as people read them."""

from __future__ import annotations

import pytest
from run_folders import epochs, linear_learning, run_json

from headstart.report import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (38.2, "38 s"), (59.7, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_in_the_unit_a_person_uses(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(770, "770"), (9999, "9,999"), (12345, "12.3 k"), (22713216, "22.7 M"), (7 * 10**9, "7 G")]
)
def test_large_counts_keep_three_digits(count: int, said: str) -> None:
    assert words.amount(count) == said


def test_a_loss_has_a_true_minus_sign() -> None:
    assert words.figure(-0.0412, signed=True) == "−0.041"


def test_a_figure_without_an_interval_gives_none() -> None:
    assert words.interval({"value": 0.3}) == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/ada/x.csv, row 3", "x.csv, row 3"),
        ('"/home/ada/my data/x.csv"', '"x.csv"'),
        ("dir:/srv/models/tiny", "dir:tiny"),
        ("~/data/x.csv", "x.csv"),
        ("../up/x.csv", "x.csv"),
        ("C:\\data\\x.csv", "x.csv"),
        ("https://huggingface.co/org/name", "https://huggingface.co/org/name"),
        ("org/name and/or data/x.csv", "org/name and/or data/x.csv"),
        ("3 / 4", "3 / 4"),
    ],
    ids=["absolute", "quoted", "after a scheme", "home", "climbing", "windows", "link", "relative", "division"],
)
def test_paths_lose_their_folders_and_nothing_else_changes(text: str, kept: str) -> None:
    assert words.without_paths(text) == kept


@pytest.mark.parametrize(
    ("name", "setting", "changed"),
    [("seed", 0, False), ("seed", 1, True), ("model", None, False), ("gone_since", 1, True)],
    ids=["default", "given", "not given", "unknown"],
)
def test_a_setting_counts_as_changed_when_it_differs_from_its_default(
    name: str, setting: object, changed: bool
) -> None:
    assert words.is_changed(name, setting) is changed


@pytest.mark.parametrize(
    ("learning", "told"),
    [(epochs(), {"seed": 1, "lr": 0.1}), (linear_learning(), {"seed": 1})],
    ids=["by epochs", "a linear head"],
)
def test_settings_of_the_loop_are_told_only_where_it_ran(learning: list[object], told: dict[str, object]) -> None:
    run = run_json(settings={"strategy": "frozen", "seed": 1, "lr": 0.1, "task": None}, learning=learning)

    assert words.telling(run) == told


def test_a_cost_is_one_line_of_what_is_known() -> None:
    cost = {"seconds": 130.0, "peak_mib": 1204.0, "disk_mib": 92.04, "kilojoules": None, "money": 0.25}
    assert words.cost(cost) == "2 min 10 s, 1,204 MiB of memory, 92.0 MiB on disk, 0.25 in money"
