"""Which heads can be asked for, and of which models; what cannot be is refused with both options named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headstart.errors import HeadstartError, MismatchError, SettingError
from headstart.heads import form
from headstart.heads.form import Form
from headstart.settings import FitSettings


def backbone(*, has_cls: bool = True, num_blocks: int = 2) -> Any:
    return SimpleNamespace(has_cls=has_cls, blocks=[object()] * num_blocks, ref="hf:some/model")


FORMS: dict[str, tuple[dict[str, Any], bool, Form]] = {
    "by default": ({}, False, Form("linear", 5)),
    "mlp of its own size": (
        {"head": "mlp", "head_width": 9, "head_dropout": 0},
        False,
        Form("mlp", 5, "mean", 9, 0),
    ),
    "cls": ({"pool": "cls"}, False, Form("linear", 5, "cls")),
    "conv along tokens": ({"head": "conv"}, False, Form("conv", 5, None)),
    "conv over a map": ({"head": "conv"}, True, Form("conv", 5, None, is_of_map=True)),
    "attention over a map": ({"head": "attention-pool"}, True, Form("attention-pool", 5, None)),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_head_is_as_the_settings_ask(case: str) -> None:
    given, is_of_map, expected = FORMS[case]
    assert form.asked(FitSettings(**given), 5, is_of_map=is_of_map) == expected


@pytest.mark.parametrize("case", FORMS)
def test_a_head_is_known_again_from_json(case: str) -> None:
    expected = FORMS[case][2]
    assert Form.from_json({**expected.to_json(), "groups": [[1]]}) == expected


def test_a_head_of_an_older_folder_is_what_was_meant_then() -> None:
    assert Form.from_json({"kind": "mlp", "width": 5, "groups": [[1]]}) == Form("mlp", 5, "mean", 256)


@pytest.mark.parametrize(
    ("given", "reads"),
    [({}, False), ({"head": "mlp", "pool": "max"}, False), ({"head": "conv"}, True), ({"pool": "attention"}, True)],
)
def test_settings_and_form_agree_on_who_reads_states(given: dict[str, Any], reads: bool) -> None:
    settings = FitSettings(**given)
    assert settings.reads_states is form.asked(settings, 5).reads_states is reads


REFUSED: dict[str, tuple[Any, dict[str, Any], type[HeadstartError], str]] = {
    "cls of a model without": (
        backbone(has_cls=False),
        {"pool": "cls"},
        MismatchError,
        '--pool cls: "hf:some/model" puts no token',
    ),
    "states of a model of one vector": (
        backbone(num_blocks=0),
        {"head": "conv"},
        MismatchError,
        '--head conv: "hf:some/model" gives one vector',
    ),
    "a learnt average of one vector": (
        backbone(num_blocks=0),
        {"pool": "attention"},
        MismatchError,
        "--pool attention: ",
    ),
    "a classifier with convolutions": (
        backbone(),
        {"head": "conv", "read": "classifier"},
        SettingError,
        "--read classifier goes with --head linear only, not with --head conv",
    ),
    "a classifier of the largest": (
        backbone(),
        {"pool": "max", "read": "classifier"},
        SettingError,
        "--read classifier .* --pool max",
    ),
    "a width that cannot be shared": (
        backbone(),
        {"head": "attention-pool", "head_width": 100},
        SettingError,
        "--head attention-pool --head-width 100: 8 parts",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused_with_both_named(case: str) -> None:
    model, given, error, said = REFUSED[case]
    with pytest.raises(error, match=said):
        form.verify(model, FitSettings(**given))


@pytest.mark.parametrize("head", ["conv", "attention-pool"])
def test_a_head_that_pools_by_itself_takes_no_other_pooling(head: str) -> None:
    with pytest.raises(SettingError, match=f"--head {head} --pool max: .*Leave --pool out"):
        FitSettings(head=head, pool="max")


def test_a_linear_head_stands_on_any_model() -> None:
    form.verify(backbone(has_cls=False, num_blocks=0), FitSettings())
