"""`python -m dashboard`: the command line."""

from __future__ import annotations

import sys

from dashboard.cli import main

# Worker processes import this module anew; only the command itself may run commands.
if __name__ == "__main__":
    sys.exit(main())
