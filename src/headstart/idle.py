"""What to say of settings that were given and play no part, so that nobody believes they did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from headstart.settings import OF_OUR_HEAD, FitSettings

OF_SPEECH = frozenset({"vocabulary", "spoken_language", "language_model", "beams"})
"""Settings of what is written down of recordings."""
ONLY_FOR = {
    "max_length": ("text", "audio"),
    "long": ("text",),
    "augment": ("image", "audio"),
    **dict.fromkeys(("image_size", "image_scale"), ("image",)),
    **dict.fromkeys(OF_SPEECH, ("audio",)),
}
"""Settings that play a part for some modalities alone."""


OF_WRITERS = frozenset({"spoken_language"})
"""Settings of models that write one token after the other."""
NOT_OF_WRITERS = OF_OUR_HEAD | {"language_model"}
"""Settings that those have no use for: their decoder is head and language model in one."""


def idle(settings: FitSettings, unused: Iterable[str], *, modality: str, writes: bool = False) -> list[str]:
    """What to say of settings that were given and play no part, so that nobody believes they did.

    Args:
        settings: As given.
        unused: What the strategy has no use for.
        modality: Of the rows.
        writes: Whether the model writes, one token after the other.
    """
    of_models, kind = (NOT_OF_WRITERS, "writes") if writes else (OF_WRITERS, "does not write")
    of_others = {name for name, only in ONLY_FOR.items() if modality not in only}
    found = []
    for entry in sorted(dataclasses.fields(settings), key=lambda entry: entry.name):
        if entry.name in {*unused, *of_others, *of_models} and getattr(settings, entry.name) != entry.default:
            where = f"--strategy {settings.strategy} --head {settings.head}"
            where = f"a model that {kind} one token after the other" if entry.name in of_models else where
            where = f"rows of {modality}" if entry.name in of_others else where
            found.append(f"--{entry.name.replace('_', '-')} plays no part with {where}.")
    return found
