"""How large pictures are read whose answers belong to places in them, where the settings leave it open."""

from __future__ import annotations

import statistics

from headstart.contracts import Backbone, Frame, Rows, Task
from headstart.data.images import size_if_known
from headstart.settings import FitSettings

STEP = 32
"""Sizes are multiples of this, the largest stride of the usual models, so that the places of all maps lie evenly."""
SMALLEST, LARGEST = 256, 1024
"""The longest side of the middle picture is scaled into these: smaller is not what models were trained on, and larger
pictures are mostly photographs whose contents are large too."""
AT_ONCE = 640
"""Pixels on a side that are read at once where nobody says; what is larger is read in tiles."""
FIT = "fit"


def frame(task: Task, backbone: Backbone, rows: Rows, settings: FitSettings) -> Frame | None:
    """As the settings say, and otherwise by the training pictures; None where answers belong to no places.

    Args:
        task: Whose rows they are.
        backbone: Reads them.
        rows: To learn from.
        settings: `image_size` and `image_scale` are read.
    """
    if task.per != "place":
        return None
    sides = [max(size_if_known(item) or (SMALLEST, SMALLEST)) for item in task.items(rows)]
    longest = statistics.median_high(sides)
    scale = _scale(settings.image_scale, longest)
    asked = settings.image_size
    if asked is None:
        needed = AT_ONCE if scale is None else min(AT_ONCE, round(longest * scale))
        return Frame(max(STEP, -(-needed // STEP) * STEP), scale)
    return Frame(-(-asked // STEP) * STEP, scale)


def _scale(asked: str, longest: int) -> float | None:
    """The factor on pictures of which the middle one has this longest side."""
    if asked == FIT:
        return None
    if asked != "auto":
        return float(asked)
    return min(max(1.0, SMALLEST / longest), LARGEST / longest)


def said(frame: Frame) -> str:
    """What to tell the user of it."""
    if frame.scale is None:
        return f"Pictures are read at up to {frame.size} pixels on a side, each made as large as fits."
    size = "at their own size" if frame.scale == 1 else f"at {frame.scale:.3g} times their size"
    return f"Pictures are read {size}, up to {frame.size} pixels on a side at once and larger ones in tiles."
