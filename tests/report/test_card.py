"""The model card: front matter the Hub accepts, and a body that gives nothing away and claims nothing unmeasured."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard
from run_folders import run_json, scores_json

from headstart.report.card import card

USAGE = 'import headstart\n\nmodel = headstart.load("model")\nmodel.predict(["Lovely."])'
ODD = ("yes: no", "中文", 'a "quoted" | name', "- dash", "{brace}", "<b>", "naïve #1")


def of(*, scores: dict[str, Any] | None = None, **run: Any) -> str:
    return card(run_json(**run), scores or scores_json(), USAGE)


def front(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return loaded


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def test_the_front_matter_says_what_the_hub_asks_for() -> None:
    told = front(of())

    assert {name: told[name] for name in list(told)[:6]} == {
        "library_name": "transformers",
        "license": "apache-2.0",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "pipeline_tag": "text-classification",
        "tags": ["headstart", "frozen"],
        "metrics": ["accuracy", "f1"],
    }


def test_huggingface_hub_reads_the_results_from_the_card() -> None:
    accuracy, f1 = ModelCard(of()).data.eval_results

    assert accuracy == EvalResult(
        task_type="text-classification",
        task_name="text classification",
        dataset_type="custom",
        dataset_name="reviews.csv",
        dataset_split="test",
        metric_type="accuracy",
        metric_name="accuracy (95 % interval 0.830 to 0.950)",
        metric_value=0.9,
    )
    assert (f1.metric_type, f1.metric_value) == ("f1", 0.89)


@pytest.mark.parametrize("ran_code", [True, False])
def test_code_that_came_with_the_model_is_told_of_where_it_ran(ran_code: bool) -> None:
    text = of(model={**run_json()["model"], "ran_code": ran_code})
    assert ("came with code of its own" in body(text)) is ran_code


def test_huggingface_hub_writes_the_same_front_matter_back() -> None:
    text = of()

    assert front(str(ModelCard(text))) == front(text)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_survive_the_front_matter(name: str) -> None:
    told = front(of(data={**run_json()["data"], "asked": f"{name}.csv"}))

    assert told["model-index"][0]["results"][0]["dataset"]["name"] == f"{name}.csv"


def test_class_names_cannot_break_the_text() -> None:
    limits = body(of(scores=scores_json(ODD))).split("## Limits")[1]

    assert r'yes: no, 中文, a "quoted" \| name, - dash, {brace}, &lt;b&gt;, naïve \#1.' in limits


@pytest.mark.parametrize(
    ("settings", "anatomy", "said"),
    [
        ({"max_length": 128}, {}, "Of texts of more than 128 tokens only the first are read, 128 in all."),
        (
            {"max_length": 64, "long": "head-tail"},
            {},
            "Of texts of more than 64 tokens only the first and last are read",
        ),
        ({"long": "chunks"}, {"max_tokens": 512}, "Texts of more than 512 tokens are read in parts, whose answers"),
    ],
    ids=["a run from before", "head and tail", "in parts"],
)
def test_it_says_what_is_read_of_a_long_text(settings: Any, anatomy: Any, said: str) -> None:
    text = of(settings={"strategy": "frozen", **settings}, anatomy={"modality": "text", **anatomy})
    assert said in text.split("## Limits")[1]


def test_of_images_nothing_is_said_about_long_texts() -> None:
    anatomy = {"modality": "image", "max_tokens": 0}
    assert "more than 9 tokens" not in of(settings={"strategy": "frozen", "max_length": 9}, anatomy=anatomy)


def test_no_path_of_the_machine_gets_in() -> None:
    text = of(
        settings={**run_json()["settings"], "test": "/home/ada/my data/test.csv", "validation": "../up/dev.csv"},
        model={**run_json()["model"], "source": "dir", "name": "/home/ada/models/tiny", "revision": None},
        warnings=['"/home/ada/work/reviews.csv", row 3: odd.', "See C:\\Users\\ada\\notes.txt first."],
        scores=scores_json(verdict="Worth it: dir:/home/ada/models/tiny reaches 0.9."),
    )

    assert not [word for word in ("/home", "ada", "work/", "../", "Users", "my data") if word in text]
    assert all(name in text for name in ("tiny", "reviews.csv", "test.csv", "dev.csv", "notes.txt"))


def test_a_model_from_a_folder_names_no_base_model() -> None:
    told = front(of(model={**run_json()["model"], "source": "dir", "name": "models/tiny"}))

    assert "base_model" not in told


@pytest.mark.parametrize(
    ("asked", "datasets"),
    [
        ("hub:stanfordnlp/sst2", ["stanfordnlp/sst2"]),
        ("hub:org/name#config", ["org/name"]),
        ("data/reviews", None),
        ("dir:org/name", None),
    ],
    ids=["hub", "with a configuration", "a folder", "another scheme"],
)
def test_only_data_of_the_hub_is_linked(asked: str, datasets: list[str] | None) -> None:
    assert front(of(data={**run_json()["data"], "asked": asked})).get("datasets") == datasets


@pytest.mark.parametrize(
    ("licensed", "told"),
    [
        (None, {"license": "unknown"}),
        ("MIT", {"license": "mit"}),
        ("Our own: ask", {"license": "other", "license_name": "Our own: ask"}),
    ],
    ids=["none", "in capitals", "not an identifier"],
)
def test_a_licence_the_hub_does_not_know_is_named(licensed: str | None, told: dict[str, str]) -> None:
    found = front(of(model={**run_json()["model"], "license": licensed}))

    assert {name: found[name] for name in found if name.startswith("license")} == told


def test_the_usage_is_given_as_python() -> None:
    assert f"```python\n{USAGE}\n```" in of()


def test_an_interval_around_0_is_not_called_a_win() -> None:
    gain = {"over": "majority class", "value": 0.02, "low": -0.01, "high": 0.05, "method": "paired bootstrap"}

    assert "do not show that the model is better" in of(scores=scores_json(gain=gain))


def test_many_classes_are_counted_not_listed() -> None:
    text = of(scores=scores_json([f"class {number}" for number in range(77)]))

    assert "with 77 classes" in text
    assert "class 29, and 47 more in config.json." in text


def test_every_method_stands_with_its_interval() -> None:
    assert "| majority class | 0.500 (0.400 to 0.600) | 0.490 (0.390 to 0.590) |" in of()


def test_the_command_asks_for_the_same_model() -> None:
    assert (
        "headstart fit reviews.csv --seed 7 --max-length 128 --skip-bad-rows "
        "--model hf:sentence-transformers/all-MiniLM-L6-v2 --revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
    ) in of()
