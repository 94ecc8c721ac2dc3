"""What the recordings of the rows show: which are the same, what is wrong with single ones, how long they are.

A look at one recording is `recordings`' business; what rows have in common with others is said in `repeats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np

from headstart.contracts import Problem, Rows
from headstart.data.findings.duplicates import image_keys
from headstart.data.findings.repeats import Likeness, by_split, places, problem_of
from headstart.data.problems import at_row
from headstart.data.recordings import Look, looks, rushed
from headstart.data.truths.transcripts import plain

Facts = dict[str, int | float | str]


def sound_likeness(
    splits: Mapping[str, Rows], audio: str, transcript: str | None, facts: Facts
) -> tuple[Likeness, list[Problem]]:
    """Which recordings are alike to the byte, and what is wrong with single ones or with what is said in them.

    Args:
        splits: The rows.
        audio: The field with the recordings.
        transcript: The field that says what is said, where there is one.
        facts: Gains their lengths, rates and words.
    """
    rows = [place for one in splits.values() for place in places(one, audio)]
    seen = list(looks([path for path, _, _ in rows]))
    facts.update(_facts(seen, audio))
    problems = [
        problem_of(look.fault, place, audio) for look, place in zip(seen, rows, strict=True) if look.fault is not None
    ]
    if transcript is not None:
        problems += _rushed(splits, rows, seen, transcript, facts)
    # a recording that cannot be read is like no other: its path stands for its bytes
    keys = image_keys(
        [look.sha256 or sha256(path.encode()).digest() for look, (path, _, _) in zip(seen, rows, strict=True)]
    )
    return by_split(splits, keys, np.empty((0, 2), np.int64)), problems


def _rushed(
    splits: Mapping[str, Rows], rows: Sequence[tuple[str, str, int]], seen: Sequence[Look], field: str, facts: Facts
) -> list[Problem]:
    """Transcripts that say more than their recording has time for; `facts` gains how many words there are."""
    said = [plain(text) for one in splits.values() for text in one.column(field)]
    facts["transcript.words"] = sum(len(text.split()) for text in said)
    facts["transcript.characters"] = len(set("".join(said)))
    found = []
    for text, (_, file, row), look in zip(said, rows, seen, strict=True):
        fault = None if look.seconds is None or look.fault is not None else rushed(text, look.seconds)
        if fault is not None:
            found.append(at_row(fault, file=file, row=row, field=field))
    return found


def _facts(seen: Sequence[Look], audio: str) -> Facts:
    lengths = [look.seconds for look in seen if look.seconds is not None]
    if not lengths:
        return {}
    rates = Counter(f"{look.rate:,} Hz" for look in seen if look.rate is not None)
    channels = Counter(str(look.channels) for look in seen if look.channels is not None)
    return {
        f"{audio}.minutes": round(sum(lengths) / 60, 2),
        f"{audio}.seconds.median": round(float(np.median(lengths)), 3),
        f"{audio}.seconds.longest": round(max(lengths), 3),
        f"{audio}.rates": ", ".join(f"{rate}: {count:,}" for rate, count in rates.most_common()),
        f"{audio}.channels": ", ".join(f"{number}: {count:,}" for number, count in channels.most_common()),
    }
