"""Malformed entities, each made by one small function in an empty folder, with what must be said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bad_data import Build, Case, text_file

GOOD = "Ada\tB-PER\nran\tO\n\nin\tO\nBonn\tB-LOC\n\n"
"""Six lines of good sentences, to stand before what is bad."""


def conll(content: str | bytes, *, before: str | bytes = GOOD) -> Build:
    """rows.conll with good sentences and this."""
    first, second = (one.encode() if isinstance(one, str) else one for one in (before, content))
    return text_file("rows.conll", first + second)


def spans(text: str, *found: Any) -> Build:
    """rows.jsonl with a good row and this text with these spans."""
    good = {"text": "Ada ran", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    return text_file("rows.jsonl", "\n".join(map(json.dumps, (good, {"text": text, "spans": found}))))


def tagged(tokens: Any, tags: Any) -> Build:
    """rows.jsonl with a good row and these words and tags."""
    good = {"tokens": ["Ada", "ran"], "tags": ["B-PER", "O"]}
    return text_file("rows.jsonl", "\n".join(map(json.dumps, (good, {"tokens": tokens, "tags": tags}))))


def span(start: Any, end: Any, label: Any = "PER") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def with_test(train: str, test: str) -> Build:
    """A folder with these two splits."""

    def build(folder: Path) -> Path:
        (folder / "data").mkdir()
        (folder / "data" / "train.conll").write_text(train)
        (folder / "data" / "test.conll").write_text(test)
        return folder / "data"

    return build


def numbered(folder: Path) -> Path:
    """Tags by number, of which nothing tells the names."""
    pq.write_table(pa.table({"tokens": [["Ada"], ["ran"]], "ner_tags": [[1], [0]]}), folder / "rows.parquet")
    return folder / "rows.parquet"


LABEL = 'rows.jsonl, row 2, field "label": '
TEXT = 'rows.jsonl, row 2, field "text": '
IN_CONLL = 'rows.conll, row 7, field "label": line '
CASES = (
    Case("span outside the text", spans("Bob ran", span(4, 9)), LABEL + "span 1, [4, 9)"),
    Case("span before the text", spans("Bob ran", span(-3, 3)), "lies outside of the text, which has 7 characters"),
    Case("inverted span", spans("Bob ran", span(3, 0)), LABEL + 'span 1, [3, 0) "PER", ends before it begins'),
    Case("empty span", spans("Bob ran", span(3, 3)), LABEL + 'span 1, [3, 3) "PER", covers nothing'),
    Case("overlapping spans", spans("Bob Lee ran", span(0, 7), span(4, 7)), '"Bob Lee" PER and [4, 7) "Lee" PER'),
    Case("the same span twice", spans("Bob ran", span(0, 3), span(0, 3)), LABEL + '[0, 3) "Bob" PER and [0, 3) "Bob"'),
    Case("span on half a word", spans("Bob ran", span(0, 2)), LABEL + '[0, 2) "Bo" PER begins or ends within a word'),
    Case("span with a space", spans("Bob ran", span(0, 4)), LABEL + 'span 1, [0, 4) "PER", begins or ends with'),
    Case("place that is no number", spans("Bob ran", span("0", 3)), "span 1: start '0' and end 3 must be whole"),
    Case("place that is a fraction", spans("Bob ran", span(0.5, 3)), "must be whole numbers, counted in characters"),
    Case("span without an end", spans("Bob ran", {"start": 0, "label": "PER"}), "start 0 and end None must be whole"),
    Case("span without a label", spans("Bob ran", span(0, 3, "")), LABEL + "span 1: the label is ''"),
    Case("span that is a word", spans("Bob ran", "Bob"), LABEL + 'span 1, "Bob", has no start, end and label'),
    Case("spans that are none", text_file("rows.jsonl", '{"text": "Ada ran", "spans": []}\n{"text": "x", "spans": 3}'),
         LABEL + '"3" is no list'),
    Case("tags beside a text", spans("Bob ran", "B-PER", "O"), '"B-PER" is a tag of a word, and the text is not given'),
    Case("no entity at all", text_file("rows.jsonl", '{"text": "Ada ran", "spans": []}'), "no training row has an"),
    Case("half a character", spans("\ud800 ran", span(0, 1)), TEXT + "it holds half a character"),
    Case("more words than tags", tagged(["Bob", "ran"], ["B-PER"]), LABEL + "there are 2 words and 1 tags"),
    Case("no words", tagged([], []), TEXT + "there are no words"),
    Case("empty word", tagged(["Bob", " "], ["B-PER", "O"]), TEXT + "word 2 is empty"),
    Case("word that is a number", tagged(["Bob", 7], ["B-PER", "O"]), TEXT + 'word 2, "7", is of type int'),
    Case("tag without a prefix", tagged(["Bob"], ["PER"]), LABEL + 'tag "PER" has no prefix. Write B-PER for'),
    Case("prefix nobody knows", tagged(["Bob"], ["X-PER"]), LABEL + 'tag "X-PER" begins with none of B, I, E'),
    Case("prefix in small letters", tagged(["Bob"], ["b-PER"]), 'Did you mean "B-PER"?'),
    Case("nought for O", tagged(["Bob", "ran"], ["B-PER", "0"]), LABEL + 'tag "0" is no tag. Write O for words'),
    Case("tags by number", numbered, 'rows.parquet, row 1, field "label": tag 1 is a number without a name'),
    Case("tag that is a list", tagged(["Bob"], [["B-PER"]]), LABEL + "tag \"['B-PER']\" is of type list"),
    Case("line without a tag", conll("Bob\nran\tO\n"), 'rows.conll, row 7, field "text": line 7, "Bob", has 1 column'),
    Case("line with more columns", conll("Bob\tB-PER\tx\nran\tO\n"), "has 3 columns, and other lines have 2"),
    Case("line without a word", conll("ran\tO\n\tO\n"), 'row 7, field "text": line 8 has a tag and no word'),
    Case("tag without a prefix on a line", conll("ran\tO\nBob\tPER\n"), IN_CONLL + '8: tag "PER" has no prefix'),
    Case("unknown prefix on a line", conll("Bob\tQ-PER\n"), IN_CONLL + '7: tag "Q-PER" begins with none'),
    Case("line that is not UTF-8", conll(b"J\xfcrgen\tB-PER\n"), "row 7, field \"text\": line 7 is not valid UTF-8"),
    Case("no tags anywhere", conll("", before="Ada ran\nto Bonn\n\n"), "none of the 2 columns holds tags"),
    Case("comments alone", conll("", before="# a\n# b\n"), "rows.conll holds no sentence"),
    Case("label only in the test rows", with_test(GOOD, "Rome\tB-CITY\n\n"),
         'test.conll, row 1, field "label": no training row has an entity "CITY"'),
    Case("label written in two ways", conll("Bob\tB-Per\n\nEve\tB-PER\n"),
         'rows.conll, row 7, field "label": "Per" is written "PER" elsewhere'),
)  # fmt: skip
