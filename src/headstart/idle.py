"""What to say of settings that were given and play no part, so that nobody believes they did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from headstart.settings import FitSettings

OF_SPEECH = frozenset({"vocabulary", "language_model", "beams"})
"""Settings of what is written down of recordings."""
ONLY_FOR = {
    "max_length": ("text", "audio"),
    "long": ("text",),
    "augment": ("image", "audio"),
    **dict.fromkeys(("image_size", "image_scale"), ("image",)),
    **dict.fromkeys(OF_SPEECH, ("audio",)),
}
"""Settings that play a part for some modalities alone."""


def idle(settings: FitSettings, unused: Iterable[str], *, modality: str) -> list[str]:
    """What to say of settings that were given and play no part, so that nobody believes they did.

    Args:
        settings: As given.
        unused: What the strategy has no use for.
        modality: Of the rows.
    """
    of_others = {name for name, only in ONLY_FOR.items() if modality not in only}
    found = []
    for entry in sorted(dataclasses.fields(settings), key=lambda entry: entry.name):
        if entry.name in {*unused, *of_others} and getattr(settings, entry.name) != entry.default:
            where = f"--strategy {settings.strategy} --head {settings.head}"
            where = f"rows of {modality}" if entry.name in of_others else where
            found.append(f"--{entry.name.replace('_', '-')} plays no part with {where}.")
    return found
