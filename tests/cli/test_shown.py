"""Results as text: columns line up, scores say what they are compared with, problems are counted."""

from __future__ import annotations

import json

from headstart.cli import _show
from headstart.cli.check import problem_lines
from headstart.cli.models import table
from headstart.contracts import Listed, Problem

SCORES = {
    "split": "test",
    "rows": 40,
    "primary": "accuracy",
    "metrics": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}},
    "baselines": {"majority class": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}},
    "verdict": "It was worth it.",
}


def test_columns_line_up_and_lines_have_no_blank_ends() -> None:
    assert _show.columns([("a", "bb", ""), ("aaa", "b", "c")], indent=" ") == [" a    bb", " aaa  b   c"]


def test_no_rows_are_no_lines() -> None:
    assert _show.columns([]) == []


def test_scores_open_with_the_verdict_and_stand_over_the_baselines() -> None:
    assert _show.scores(SCORES) == [
        "It was worth it.",
        "",
        "  test accuracy   0.9000  95 % interval 0.8000 to 0.9500",
        "  majority class  0.5000  95 % interval 0.4000 to 0.6000",
        "  on 40 rows",
    ]


def test_scores_without_baselines_or_interval_are_shown_too() -> None:
    bare = {"split": "test", "rows": 2, "primary": "f1", "metrics": {"f1": {"value": 1}}}
    assert _show.scores(bare) == ["  test F1  1.0000", "  on 2 rows"]


def test_json_is_one_line_and_keeps_other_alphabets() -> None:
    line = _show.as_json({"text": "好\n"})
    assert json.loads(line) == {"text": "好\n"}
    assert ("好" in line, "\n" in line) == (True, False)


def test_problems_are_counted_by_severity_and_the_gravest_come_first() -> None:
    found = [Problem("note", "k", "small"), Problem("error", "k", "bad"), Problem("error", "k", "worse")]
    assert problem_lines(found) == ["2 errors", "  bad", "  worse", "1 note", "  small"]


def test_only_the_first_twenty_problems_are_shown() -> None:
    lines = problem_lines([Problem("error", "k", f"row {n}") for n in range(1234)])
    assert lines[0] == "1,234 errors"
    assert lines[20:] == ["  row 19", "  … and 1,214 more"]


def test_data_without_problems_is_said_to_be_fine() -> None:
    assert problem_lines([]) == ["Nothing wrong was found."]


def test_the_table_of_models_says_which_are_here_and_what_for() -> None:
    models = [Listed("hf:a/b", "text", 86.7, True, "mit", "this"), Listed("hf:c/d", "image", 1.2, False, None, "that")]
    assert table(models, {"text": ["sorting", "tagging"]})[1:] == [
        "hf:a/b  text   87   yes   mit      sorting, tagging",
        "  this",
        "hf:c/d  image  1    no    ?        none yet",
        "  that",
    ]
