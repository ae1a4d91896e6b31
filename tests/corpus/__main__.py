"""`make corpus`: prints how the corpus is judged, beside what a count of start lines says of it."""

from __future__ import annotations

import sys

from tests.corpus.judged import NAMES, TRUTH, confusions, content, judged, table


def main() -> int:
    """Print the table, and each log that is judged wrong; 1 if there is one."""
    ours, grep = confusions()
    sys.stdout.write(f"{table(ours, grep)}\n")
    wrong = [name for name in NAMES if judged(content(name)).verdict.verdict != TRUTH[name]["verdict"]]
    for name in wrong:
        sys.stdout.write(f"WRONG {name}: {TRUTH[name]['why']}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
