"""The page of an advice: whole, self-contained, safe to open, all its figures those of advice.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sample_advice import FROZEN, NAME, NO_CURVES, TFIDF, WAYS, WHY_NOT, facts, of_kind, worth, written
from test_page import HOSTILE, VOID, Tree

from headstart.cli import main
from headstart.errors import OutputError
from headstart.report import advice
from headstart.report.trade import trade

KINDS = ("pretrained", "baseline", "scratch", "no-signal", "not-enough-data", "not-enough-time")


def page(found: dict[str, Any]) -> Tree:
    return Tree(advice.html(json.loads(json.dumps(found))))


def text(found: dict[str, Any]) -> str:
    return " ".join(" ".join(page(found).body).split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_verdict_has_a_page_whose_tags_match(kind: str) -> None:
    found = page(of_kind(kind))

    assert found.faults == []
    assert VOID  # tags that need no end are not counted as faults
    targets = {attributes.get("id") for _, attributes in found.elements}
    assert {str(link["href"]).removeprefix("#") for link in found.all("a")} <= targets


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_is_the_first_that_is_said(kind: str) -> None:
    found = of_kind(kind)

    assert text(found).startswith(found["verdict"]["sentence"].replace(": ", " ", 1))


def test_nothing_is_loaded_from_elsewhere() -> None:
    found = page(facts())

    assert {tag for tag, _ in found.elements} & {"script", "link", "img", "iframe", "object"} == set()
    assert "url(" not in advice.html(facts())
    assert "@import" not in advice.html(facts())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way["name"])
def test_every_way_is_told_with_its_figures_and_why_it_lost(way: dict[str, Any]) -> None:
    rows = re.findall(r"<tr.*?</tr>", advice.html(facts()), re.DOTALL)
    (row,) = [row for row in rows if f"&ensp;{way['name']}" in row and "as many" not in row][:1]

    assert f"{way['score']['value']:.3f}" in row
    assert f"{way['score']['low']:.3f} to {way['score']['high']:.3f}" in row
    assert (WHY_NOT.get(way["name"]) or "taken") in row
    assert ("dominated" in row) == (way["answering"] is not None and way["name"] not in facts()["pareto"])
    assert ("epochs" in row.split("Why")[0]) == (way["of_epochs"] > 1) or "epochs" in WHY_NOT.get(way["name"], "")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (facts(), "headstart fit 'data/my reviews.csv' --advice 'advice/my reviews-1'"),
        (facts(), "expected accuracy 0.891 95 % interval 0.859 to 0.920"),
        (of_kind("no-signal"), "headstart check 'data/my reviews.csv'"),
        (facts(data=None), "headstart fit DATA --advice 'advice/my reviews-1'"),
        (facts(), "headstart advise 'data/my reviews.csv' --budget 600s --max-size 100MB --seed 3"),
        (facts(), "hf:org/large , left out: 1,340 MiB is more than 100MB"),
        (facts(), "all trained , not tried: it would take 240 s, and 61 s are left"),
        (facts(), "9 min 31 s in all of a budget of 10 min 0 s."),
        (facts(), "the race 6 min 45 s learning curves 2 min 2 s reading, checking and scoring 43 s"),
        (facts(), worth()["sentence"]),
        (facts(), "1,001 classes of its own. How well they foretell yours: LEEP −1.230, NCE −1.310 nats a row"),
        (facts(worth=NO_CURVES), "There are no learning curves: no way is better than guessing."),
        (
            facts(worth=worth(missing="more of the curves would take")),
            "The curves are not complete: more of the curves",
        ),
        (facts(left_out={}, verdict={**facts()["verdict"], "not_tried": {}}), "Nothing that was considered."),
        (facts(warnings=["Two rows are alike."]), "1 warning Two rows are alike."),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_the_file_holds_is_said(found: dict[str, Any], said: str) -> None:
    assert said in text(found)


@pytest.mark.parametrize("kind", ["baseline", "not-enough-data", "not-enough-time"])
def test_only_what_names_a_model_is_carried_out(kind: str) -> None:
    assert ("--advice" in text(of_kind(kind))) == (kind == "not-enough-data")


def test_what_the_user_wrote_is_shown_and_not_run() -> None:
    taken = {**FROZEN, "name": HOSTILE}
    found = facts(data=HOSTILE, left_out={HOSTILE: HOSTILE}, standings=[taken], notes=[HOSTILE], warnings=[HOSTILE]) | {
        "verdict": {**facts()["verdict"], "sentence": f"Use: {HOSTILE}", "taken": taken, "not_tried": {HOSTILE: "x"}}
    }

    assert "<script" not in advice.html(found)
    assert page(found).faults == []


BROKEN: dict[str, tuple[str | None, str]] = {
    "no advice.json": (None, "advice.json cannot be read"),
    "not JSON": ("{", "advice.json cannot be read"),
    "a list": ("[]", 'advice.json lacks "headstart"'),
    "an older one": (
        json.dumps({**facts(), "spent_on": None, "pareto": []} | {}).replace('"spent_on"', '"x"'),
        "lacks",
    ),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_folder_without_whole_advice_is_refused_by_name(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "advice.json").write_text(content)

    with pytest.raises(OutputError, match=said):
        advice.write(tmp_path)
    assert not (tmp_path / "advice.html").exists()


def test_report_writes_the_page_of_an_advice_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "advice", facts())

    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'advice.html'}\n"
    assert (folder / "advice.html").read_text() == advice.html(facts())


def drawn(**changed: Any) -> str:
    return trade(advice.ways(facts(**changed)), metric="accuracy")


def test_a_faster_way_lies_further_left_and_a_better_one_higher() -> None:
    dots = {
        name: (float(x), float(y))
        for x, y, name in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)".*?<title>(.*?) 0\.\d+ in', drawn())
    }

    assert set(dots) == {way["name"] for way in WAYS if way["answering"]}
    assert dots[f"{NAME}, lowest 4 blocks, frozen"][0] < dots[f"{NAME}, from fresh weights"][0]
    # y grows downwards
    assert dots[f"{NAME}, all trained"][1] < dots[f"{NAME}, frozen"][1] < dots[f"{NAME}, from fresh weights"][1]


def test_only_the_best_baseline_is_a_line_and_dominated_dots_are_hollow() -> None:
    assert TFIDF in drawn()
    assert drawn().count('class="agree"') == 1
    assert drawn().count('class="hollow other"') == 3


def test_without_a_timed_way_there_is_nothing_to_draw() -> None:
    assert drawn(standings=[way for way in WAYS if way["kind"] == "baseline"]) == ""
