"""Runs every benchmark of this folder, one after the other."""

from __future__ import annotations

import argparse

from benchmarks import launch_to_verdict


def main() -> None:
    """Run the benchmarks and print their tables."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--skip-guide", action="store_true", help="leave out the guide's way, with its two minutes' wait"
    )
    options = parser.parse_args()
    launch_to_verdict.main(guide=not options.skip_guide)


if __name__ == "__main__":
    main()
