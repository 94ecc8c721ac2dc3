"""Python for model cards that makes answers of what a model gives for tokens, in plain Python and torch."""

ENTITIES = """
import re
import unicodedata

SPACELESS = re.compile("[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u2e80-\\u312f\\u31f0-\\u4dbf\\u4e00-\\u9fff"
                       "\\uf900-\\ufaff\\uff00-\\uffef\\U0001b000-\\U0001b16f\\U00020000-\\U0003ffff]")


def words(text):  # runs of letters, marks and digits; other signs alone, and characters of scripts without spaces
    found, before = [], " "
    for at, sign in enumerate(text):
        category = unicodedata.category(sign)[0]
        kind = "one" if category in "PS" or SPACELESS.match(sign) else "word"
        kind = " " if sign.isspace() else "mark" if category == "M" else kind
        if before != " " and kind == "mark" or before == kind == "word":
            found[-1][1] = at + 1
        elif kind != " ":
            found.append([at, at + 1])
        if kind != "mark" or before == " ":
            before = "word" if kind == "mark" else kind
    return found


def entities(text, logits, where):  # of all sequences in which I- only goes on with its own label, the most probable
    scores, places, token = logits.double().log_softmax(-1), words(text), 0
    paths, best = [], None
    for start, end in places:  # the first token that touches a word speaks for it
        while token < len(where) and where[token][1] <= start:
            token += 1
        score = torch.full_like(scores[0], float("-inf"))
        score[0] = 0.0
        if token < len(where) and where[token][0] < end:
            score = scores[token]
        follows = torch.zeros(len(names), len(names))  # from, to
        for tag, name in enumerate(names):
            if name.startswith("I-"):
                follows[:, tag] = float("-inf")
                if best is not None:
                    follows[tag - 1 : tag + 1, tag] = 0
        reached = (follows[0] if best is None else best[:, None] + follows).reshape(-1, len(names)).max(0)
        paths.append(reached.indices)
        best = reached.values + score
    tags = [int(best.argmax())] if places else []
    for came_from in reversed(paths[1:]):
        tags.insert(0, int(came_from[tags[0]]))
    found = []
    for (start, end), tag in zip(places, tags):
        if names[tag].startswith("B-"):
            found.append({"start": start, "end": end, "label": names[tag][2:]})
        elif names[tag].startswith("I-"):
            found[-1]["end"] = end
    return [{**one, "text": text[one["start"] : one["end"]]} for one in found]


answers = [entities(*row) for row in zip(items, logits, where)]
"""
"""Leaves `answers`, the entities of each item; see `tagging`, which it follows but for words without a token."""

ANSWERS = """
import json

with open(folder + "/headstart.json", encoding="utf-8") as file:
    learned = json.load(file)["learned"]


def answer(text, scores, where):  # of all spans of tokens that are not too long, the one with the best sum
    starts = [start for start, _ in where]
    most = 1  # tokens that so many characters hold
    for first in range(len(where)):
        within = sum(start < starts[first] + learned["longest"] for start in starts[first:])
        most = max(most, within)
    best, place = None, None
    begins, ends = scores.double().T.tolist()
    for first in range(len(where)):
        for last in range(first, min(first + most, len(where))):
            if best is None or begins[first] + ends[last] > best:
                best, place = begins[first] + ends[last], (where[first][0], where[last][1])
    if place is None or (learned["may_be_silent"] and best <= learned["threshold"]):
        return {"answer": "", "start": None, "end": None}
    return {"answer": text[place[0] : place[1]], "start": place[0], "end": place[1]}


answers = [answer(item[1], *row) for item, *row in zip(items, logits, where)]
"""
"""Leaves `answers`, what each text says to its question; see `extracting`."""
