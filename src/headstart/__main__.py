"""`python -m headstart` is the command line; nothing else lives here."""

import sys

from headstart.cli import main

if __name__ == "__main__":
    sys.exit(main())
