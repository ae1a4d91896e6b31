"""`python -m dashboard`: the command line."""

from __future__ import annotations

import sys

# Worker processes import this module anew; only the command itself may run commands.
if __name__ == "__main__":
    try:
        from dashboard.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # so early that nothing had begun
        sys.exit(2)
