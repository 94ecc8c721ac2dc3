"""A page with the attention maps of one text: every head as a small picture, every layer's average with its tokens."""

# L layers, H heads, T tokens

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from headstart.report import layout

MOST_TOKENS = 96
"""Of a longer text the beginning is drawn; more could not be read."""
PAPER, INK = (245, 245, 241), (11, 110, 106)
"""From no attention to all of it; the page's own card and accent colours."""


def page(model: str, tokens: Sequence[str], weights: Any) -> str:
    """The page as text, self-contained; what comes from the user's text is escaped.

    Args:
        model: The model's reference.
        tokens: The text of each token.
        weights: Shape (L, H, T, T); rows sum to 1.
    """
    shown = weights[:, :, :MOST_TOKENS, :MOST_TOKENS]
    layers = [
        {
            "number": number,
            "heads": [picture(head) for head in layer],
            "mean": picture(layer.mean(axis=0)),
            "seen": _most_seen(tokens, layer.mean(axis=0)),
        }
        for number, layer in enumerate(shown, start=1)
    ]
    tokens, total = tokens[:MOST_TOKENS], len(tokens)
    about = {"model": model, "tokens": tokens, "total": total, "longest": max(map(len, tokens))}
    return layout.filled("maps.html", {**about, "layers": layers})


def picture(weights_TT: Any) -> str:
    """One map as a data URI of a PNG, a pixel for each pair: the row looks, the column is looked at."""
    import numpy as np
    from PIL import Image

    # square root: a head that spreads its attention would otherwise look empty
    share = np.sqrt(np.clip(weights_TT, 0, 1))[..., None]
    pixels = (np.array(PAPER) * (1 - share) + np.array(INK) * share).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _most_seen(tokens: Sequence[str], weights_TT: Any) -> str:
    """The token that the others look at most, on average."""
    return str(tokens[int(weights_TT.mean(axis=0).argmax())])
