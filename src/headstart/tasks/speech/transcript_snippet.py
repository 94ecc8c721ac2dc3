"""Python for model cards that makes a transcript of what a model gives for frames, in plain Python."""

TRANSCRIPTS = """
import json

with open(folder + "/headstart.json", encoding="utf-8") as file:
    learned = json.load(file)["learned"]


def piece(name):  # what an output adds to the text
    if name == "|":
        return " "
    is_special = len(name) > 2 and name[0] in "<[" and name[-1] in ">]"
    return "" if is_special else name.replace("\u2581", " ")


def transcript(logits):  # the best output of each frame; of a run of equal ones one is written
    best = logits.argmax(-1).tolist()
    runs = [one for at, one in enumerate(best) if at == 0 or best[at - 1] != one]
    text = "".join(piece(learned["vocabulary"][one]) for one in runs if one != learned["blank"])
    return " ".join(text.lower().split())


answers = list(map(transcript, logits))
"""
"""Leaves `answers`, the text of each recording, found without a search or a language; see `beam_search.greedy`."""
