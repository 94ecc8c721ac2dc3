"""The picture of a model: one bar a block, hatched where nothing moves, whole in itself, and told in words."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from run_folders import bert_facts, finished, resnet_facts, run_json

from headstart.report import block, page, parts, stacked, tower

SVG = "{http://www.w3.org/2000/svg}"


def bars(picture: str, kind: str) -> int:
    """How many bars of a kind stand in a picture of a stack, told by what appears under the pointer."""
    return len(re.findall(rf'class="part {kind}"><title>', picture))


@pytest.mark.parametrize(
    ("boundary", "trained", "frozen"),
    [(0, 8, 0), (1, 7, 1), (4, 4, 4), (7, 0, 8)],
    ids=["everything", "all but the stem", "three blocks and what follows", "the head alone"],
)
def test_what_a_boundary_leaves_as_it_is_is_hatched(boundary: int, trained: int, frozen: int) -> None:
    picture = str(tower.tower(bert_facts(), boundary))

    # the stem, six blocks, and the pooler above them; the head has no figure of its own
    assert (bars(picture, "trained"), bars(picture, "frozen")) == (trained, frozen)
    assert picture.count('class="hatch"') == frozen
    assert picture.count('class="cut"') == (boundary > 0)


def test_without_a_boundary_nothing_is_hatched() -> None:
    picture = str(tower.tower(bert_facts()))

    assert bars(picture, "plain") == 8
    assert "hatch" not in picture


def test_a_bar_is_as_wide_as_the_root_of_its_parameters() -> None:
    widths = [
        float(width)
        for width in re.findall(r'width="([\d.]+)"[^>]*class="part plain"', str(tower.tower(resnet_facts())))
    ]
    first, *_, stem = widths[1:]

    # 16 times the parameters, 4 times the width
    assert first / stem == pytest.approx(4, abs=0.05)


def test_a_block_shows_q_k_v_heads_w_o_and_the_feed_forward() -> None:
    texts = re.findall(r"<text[^>]*>([^<]*)", str(block.inside(bert_facts())))

    assert texts[:1] == ["inside blocks 1–6"]
    assert {"Q", "K", "V", "W_O", "12 heads × 32", "384→384", "384→1,536", "GELU", "1,536→384", "LayerNorm"} <= set(
        texts
    )


def test_a_stack_without_attention_has_no_inside() -> None:
    assert block.inside(resnet_facts()) == ""


@pytest.mark.parametrize("facts", [bert_facts(), resnet_facts()], ids=["Transformer", "stages"])
@pytest.mark.parametrize("boundary", [None, 2])
def test_a_picture_alone_is_whole_and_says_what_it_shows(facts: dict[str, Any], boundary: int | None) -> None:
    text = stacked.whole(facts, boundary)
    root = ElementTree.fromstring(text)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

    assert root.get("aria-labelledby") == "title desc"
    assert title is not None
    assert description is not None
    assert "the head on top" in str(description.text)
    assert not re.search(r"url\(|@import|href|<script", text)
    assert "prefers-color-scheme: dark" in text


def test_everything_drawn_lies_within_the_picture() -> None:
    root = ElementTree.fromstring(stacked.whole(bert_facts(), 4))
    width, height = (float(root.get(side, "0")) for side in ("width", "height"))
    boxes = [
        (float(part.get("x", 0)) + float(part.get("width", 0)), float(part.get("y", 0)))
        for part in root.iter(f"{SVG}rect")
    ]

    assert all(right <= width and abs(top) <= height for right, top in boxes)


def test_a_name_with_markup_in_it_stays_text() -> None:
    text = stacked.whole({**bert_facts(), "model": "dir:<script>x</script>"})

    assert "<script" not in text
    ElementTree.fromstring(text)


def test_a_run_of_blocks_is_split_where_the_boundary_goes_through() -> None:
    found = parts.split(bert_facts()["blocks"], 4)

    assert [(part["first"], part["last"]) for part in found] == [(1, 3), (4, 6)]


def test_a_hundred_blocks_still_make_a_picture() -> None:
    facts = bert_facts()
    (blocks,) = facts["blocks"]
    many = {**facts, "blocks": [{**blocks, "last": 100}], "num_blocks": 100}

    assert bars(str(tower.tower(many, 50)), "frozen") == 50


# ---------------------------------------------------------------------------------------------------------- words


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "a convolution": ({"kind": "Conv2d", "shape": [64, 128], "kernel": [3, 3], "stride": 2}, "conv 3×3 64→128 /2"),
    "each channel alone": (
        {"kind": "Conv2d", "shape": [96, 96], "kernel": [7, 7], "groups": 96},
        "depthwise 7×7 of 96",
    ),
    "in groups": (
        {"kind": "Conv1d", "shape": [768, 768], "kernel": [128], "groups": 16},
        "conv 128 768→768 in 16 groups",
    ),
    "two alike": ({"kind": "Linear", "shape": [8, 16], "count": 2}, "2 × linear 8→16"),
    "a table": (
        {"kind": "Embedding", "name": "a.word_embeddings", "shape": [30522, 384]},
        "word embeddings 30,522×384",
    ),
    "a parameter": ({"kind": "parameter", "name": "a.cls_token", "shape": [1, 1, 32]}, "cls token 1×1×32"),
    "a pooling": ({"kind": "AdaptiveAvgPool2d", "shape": []}, "average pooling"),
    "a norm": ({"kind": "LayerNorm", "shape": [32]}, "LayerNorm"),
}


@pytest.mark.parametrize(("layer", "said"), WORDS.values(), ids=WORDS.keys())
def test_a_layer_is_said_with_its_sizes(layer: dict[str, Any], said: str) -> None:
    assert parts.layer({"name": "", "kernel": [], "stride": 1, "groups": 1, "count": 1, **layer}) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (12, "12 FLOP"),
        (12_345, "12.3 kFLOP"),
        (22_415_616, "22.4 MFLOP"),
        (4_089_000_000, "4.09 GFLOP"),
        (3.5e14, "350 TFLOP"),
    ],
)
def test_operations_are_said_in_three_digits(count: float, said: str) -> None:
    assert parts.flops(count) == said


# ------------------------------------------------------------------------------------------------------- the page


def test_the_page_of_a_run_shows_its_model(tmp_path: Any) -> None:
    text = page.write(finished(tmp_path / "run", run=run_json(anatomy=bert_facts()))).read_text(encoding="utf-8")

    assert '<section id="model">' in text
    assert "boundary 7: frozen below" in text
    assert "22.4 MFLOP a token" in text


@pytest.mark.parametrize("told", [{}, {"anatomy": {**bert_facts(), "blocks": []}}], ids=["an older run", "no blocks"])
def test_a_run_that_knows_nothing_of_its_model_has_a_page_without_it(told: dict[str, Any], tmp_path: Any) -> None:
    text = page.write(finished(tmp_path / "run", run=run_json(**told))).read_text(encoding="utf-8")

    assert 'id="model"' not in text
