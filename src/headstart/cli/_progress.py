"""Shows a run's progress on stderr: bars in a terminal, plain lines elsewhere. Nothing here decides what a run does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from headstart.cli._lines import Lines
from headstart.progress import Listener


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener that fits where stderr goes; leaving the context ends its bars."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from headstart.cli._bars import bars

        with bars() as listener:
            yield listener
    else:
        yield Lines(lambda line: print(line, file=sys.stderr, flush=True))
