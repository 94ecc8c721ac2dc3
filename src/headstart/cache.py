"""Where what can be computed again is kept; what it is, and under which key, is the business of who keeps it."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """The folder of all caches: HEADSTART_CACHE, or the user's cache folder."""
    given = os.environ.get("HEADSTART_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(given) if given else base / "headstart"
