"""The public functions that take settings as keywords, and where a run goes when nobody says. The work is in `run`."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import ModelNotFound, SettingError
from headstart.progress import Listener, Stage, silent
from headstart.settings import FitSettings

if TYPE_CHECKING:
    from headstart.advising import Advice
    from headstart.anatomy import Anatomy
    from headstart.data.check import Checked
    from headstart.run import Run

RUNS = Path("runs")
ADVICE = Path("advice")


def fit(
    data: Any, *, out: str | Path | None = None, resume: bool = False, listener: Listener = silent, **settings: Any
) -> Run:
    """A model learned from data, judged, and written with its scores and its page.

    Args:
        data: A file, a folder, the id of a data set on the Hub, a data frame, an Arrow table or a list of dictionaries.
        out: The run folder to make; by default a fresh one, `runs/NAME-N`.
        resume: Go on with an interrupted run; give it the same data, `out` and settings.
        listener: Is told what happens while it happens.
        **settings: Any field of `FitSettings`.

    Raises:
        HeadstartError: Something you can mend; the message says what and where.

    Example:
        >>> run = headstart.fit("reviews.csv", seed=1)
        >>> run.model.predict(["Lovely."])
    """
    from headstart import run

    chosen = settings_from(settings)
    place = fresh_folder(data) if out is None else Path(out)
    return run.fit(data, chosen, out=place, resume=resume, listener=listener)


def advise(
    data: Any,
    *,
    out: str | Path | None = None,
    candidates: str | Sequence[str] | None = None,
    max_size: str | None = None,
    max_latency: str | None = None,
    license: str | None = None,  # noqa: A002 - the word users know
    listener: Listener = silent,
    **settings: Any,
) -> Advice:
    """Whether a pretrained model is worth it, which one and how much of it to train: measured, and written down.

    Args:
        data: As for `fit`; its test rows are not looked at.
        out: The folder to make; by default a fresh one, `advice/NAME-N`.
        candidates: References of the models to consider; by default all that can be used here.
        max_size: Most a model may weigh, such as "100MB".
        max_latency: Most that one answer may take in 19 of 20 cases, such as "20ms".
        license: "permissive", or names of licences with commas between.
        listener: Is told what happens while it happens.
        **settings: Any field of `FitSettings`; `budget` limits the advice itself.

    Raises:
        HeadstartError: Something you can mend; the message says what and where.

    Example:
        >>> advice = headstart.advise("reviews.csv", budget="10m")
        >>> headstart.fit("reviews.csv", **advice.settings)
    """
    from headstart import advising
    from headstart.advisor.wishes import Wishes

    refs = candidates.split(",") if isinstance(candidates, str) else candidates or ()
    refs = tuple(dict.fromkeys(ref.strip() for ref in refs))
    wishes = Wishes(candidates=refs, max_size=max_size, max_latency=max_latency, license=license)
    place = fresh_folder(data, within=ADVICE) if out is None else Path(out)
    return advising.advise(data, settings_from(settings), wishes, out=place, listener=listener)


def check(data: Any, *, listener: Listener = silent, **settings: Any) -> Checked:
    """What the data is taken for and what is wrong with it; nothing is written or changed.

    Args:
        data: As for `fit`.
        listener: Is told what happens while it happens.
        **settings: Any field of `FitSettings`; the model given, or else the best one here, also counts its tokens.

    Raises:
        HeadstartError: The data cannot be read at all; rows that cannot be used are among the problems instead.

    Example:
        >>> headstart.check("reviews.csv").problems
    """
    from headstart import run
    from headstart.data.check import check as checked_rows

    chosen = settings_from(settings)
    listener(Stage("data", "reading"))
    found = run.find(data, chosen)
    listener(Stage("check", f"{sum(map(len, found.splits.values())):,} rows"))
    checked = checked_rows(found)
    try:
        facts, problems = run.inspect_tokens(found, chosen)
    except ModelNotFound:
        if chosen.model is not None:
            raise
        return checked  # without any model the data can still be checked
    return dataclasses.replace(checked, problems=(*checked.problems, *problems), facts={**checked.facts, **facts})


def inspect(model: str, *, boundary: int | None = None, **settings: Any) -> Anatomy:
    """What a pretrained model is made of and what one pass costs, told from the loaded model.

    Args:
        model: A reference, as for `fit`.
        boundary: Also tell what training above it would keep in memory: 0 trains everything, 1 freezes the stem,
            1 + k also the k lowest blocks.
        **settings: Of `FitSettings`: `revision`, `offline` and `trust`; with a boundary `batch_size` and `max_length`.

    Raises:
        HeadstartError: The model cannot be loaded, or cut there.

    Example:
        >>> headstart.inspect("starter:shapes-resnet").parameters
    """
    from headstart import anatomy
    from headstart.sources import _ref

    chosen = settings_from(settings)
    backbone = _ref.load(model, revision=chosen.revision, offline=chosen.offline, trust=chosen.trust)
    found = anatomy.of(backbone)
    if boundary is None:
        return found
    training = anatomy.training_memory(backbone, boundary, batch_size=chosen.batch_size, max_length=chosen.max_length)
    return dataclasses.replace(found, training=training)


def settings_from(given: Mapping[str, Any]) -> FitSettings:
    """The settings with these fields given.

    Raises:
        SettingError: There is no such field; the message has the closest one.
    """
    known = [entry.name for entry in dataclasses.fields(FitSettings)]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f' Did you mean "{close[0]}"?' if close else ""
            raise SettingError(f'There is no setting "{name}".{guess} Known: {", ".join(known)}.')
    return FitSettings(**given)


def fresh_folder(data: Any, *, within: Path = RUNS) -> Path:
    """A folder that does not exist yet, named after the data: `runs/reviews-1`, then `runs/reviews-2`."""
    stem = Path(data).name.split(".")[0] if isinstance(data, str | Path) else ""
    name = re.sub(r"[^\w-]+", "-", stem).strip("-") or "run"
    # A half-written run has its folder's name with a suffix, so it counts as taken too.
    taken = [
        int(end)
        for path in within.glob(f"{name}-*")
        if (end := path.name.removeprefix(f"{name}-").split(".")[0]).isdecimal()
    ]
    return within / f"{name}-{max(taken, default=0) + 1}"
