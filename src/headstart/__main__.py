"""The command line as a process of its own, by `python -m headstart` or as the installed command."""

import gc
import sys
from typing import NoReturn

from headstart.cli import main

SELDOM = 50_000
"""So many objects are made before garbage is looked for: importing the libraries makes a million, and all stay."""


def start() -> NoReturn:
    """Runs the command line and ends, without sorting out what will be gone with the process anyway."""
    gc.set_threshold(SELDOM)
    try:
        sys.exit(main())
    finally:
        gc.freeze()


if __name__ == "__main__":
    start()
