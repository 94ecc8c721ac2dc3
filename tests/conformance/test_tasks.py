"""Every task found keeps the contract, and each kind of faulty task is caught by the check that is there for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import task_checks
import torch

import families
from headstart import plug
from headstart.contracts import Rows
from headstart.tasks import text_classification as good
from headstart.tasks.classes.single import Classes


@pytest.mark.parametrize("check", task_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", plug.names("tasks"))
def test_the_task_keeps_the_contract(
    name: str, check: task_checks.Check, family: families.Family, tmp_path: Path
) -> None:
    check(task_checks.bench(name, plug.load("tasks", name), family, tmp_path))


def mean_loss(output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """A loss of the batch instead of one a row."""
    return good.loss(output, targets).mean()


def centred_loss(output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """A loss a row that looks at the whole batch."""
    return good.loss(output - output.mean(dim=0), targets)


def numpy_decode(output: torch.Tensor, learned: Classes, *given: Any) -> list[Any]:
    """Answers that hold tensors where numbers belong."""
    return [{**answer, "confidence": torch.tensor(0.5)} for answer in good.decode(output, learned)]


def batch_decode(output: torch.Tensor, learned: Classes, *given: Any) -> list[Any]:
    """Answers that depend on which rows are asked together."""
    return good.decode(output - output.mean(dim=0), learned)


def one_column(predictions: list[Any], rows: Rows, learned: Classes) -> dict[str, list[Any]]:
    """Columns that take every row for right."""
    return {**good.columns(predictions, rows, learned), "prediction": ["alpha"] * len(rows)}


FAULTS: dict[str, tuple[str, Any, task_checks.Check]] = {
    "columns that say nothing of the rows": (
        "columns",
        one_column,
        task_checks.columns_say_of_each_row_whether_it_is_right,
    ),
    "a figure that is another metric": (
        "figure",
        lambda counts: 1 - good.figure(counts),
        task_checks.the_figure_of_all_counts_is_the_primary_metric,
    ),
    "targets counted twice in one row": (
        "counted",
        lambda targets: good.counted(targets) + (targets == 0),
        task_checks.loss_is_the_sum_over_as_many_targets_as_are_counted,
    ),
    "loss averaged to a number": ("loss", mean_loss, task_checks.loss_is_one_finite_number_a_row),
    "loss that looks at other rows": ("loss", centred_loss, task_checks.loss_of_a_row_does_not_depend_on_the_others),
    "loss with the wrong sign": (
        "loss",
        lambda o, t: -good.loss(o, t),
        task_checks.eight_rows_are_learnt_in_a_few_steps,
    ),
    "targets off by one": (
        "collate",
        lambda rows, learned, where=None: (good.collate(rows, learned) + 1) % 3,
        task_checks.a_perfect_output_scores_one,
    ),
    "a class lost in JSON": (
        "to_json",
        lambda learned: good.to_json(learned)[:-1],
        task_checks.what_is_learnt_survives_json,
    ),
    "classes known beforehand": (
        "learn",
        lambda rows: Classes(task_checks.NAMES),
        task_checks.learns_from_the_rows_it_is_given_alone,
    ),
    "classes in the order of rows": (
        "learn",
        lambda rows: Classes(tuple(dict.fromkeys(rows.column("label")))),
        task_checks.what_is_learnt_does_not_depend_on_the_order_of_rows,
    ),
    "answers in tensors": ("decode", numpy_decode, task_checks.predictions_are_json),
    "answers that see the batch": (
        "decode",
        batch_decode,
        task_checks.predictions_do_not_change_with_padding_and_company,
    ),
    "baselines that skip a row": (
        "baselines",
        lambda train, test, learned, seed: {"none": good.decode(torch.zeros(len(test) - 1, 3), learned)},
        task_checks.baselines_answer_every_row,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_task_is_caught_by_its_check(fault: str, family: families.Family, tmp_path: Path) -> None:
    name, planted, check = FAULTS[fault]
    faulty = SimpleNamespace(**{**vars(good), name: planted})
    bench = task_checks.bench("text-classification", faulty, family, tmp_path)

    with pytest.raises((AssertionError, TypeError, ValueError, IndexError)):
        check(bench)


def test_a_task_without_one_of_the_names_is_caught(family: families.Family, tmp_path: Path) -> None:
    faulty = SimpleNamespace(**{name: value for name, value in vars(good).items() if name != "primary"})

    with pytest.raises(AssertionError, match="primary"):
        task_checks.has_every_name_of_the_protocol(task_checks.bench("text-classification", faulty, family, tmp_path))


def test_a_third_party_runs_all_checks_in_one_call(family: families.Family, tmp_path: Path) -> None:
    task_checks.check_task("text-classification", SimpleNamespace(**vars(good)), family, tmp_path)
