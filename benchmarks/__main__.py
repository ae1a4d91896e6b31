"""Runs the benchmarks, all or those named, and shows each figure beside its peer.

make bench
make bench ONLY="ready-path cold-load" JSON=bench.json
make bench ONLY=cold-load SHAPE=7b

Those of containers' logs need an engine: see `benchmarks.containers`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import (
    cold_load,
    concurrent_load,
    crowd,
    exact_resume,
    follow_memory,
    history,
    import_time,
    launch_to_verdict,
    live_lines,
    log_counting,
    pages,
    races,
    ready_path,
    timeline,
    verdict_file,
)
from benchmarks.containers import NoEngine
from benchmarks.figures import Report
from benchmarks.large_checkpoint import SHAPES, NoRoom, check_memory
from benchmarks.live_console import NoBrowser
from benchmarks.table import as_json, print_report

NAMES: Final = (
    import_time.NAME,
    ready_path.NAME,
    cold_load.NAME,
    concurrent_load.NAME,
    launch_to_verdict.NAME,
)
ON_REQUEST: Final = (
    races.NAME,
    history.NAME,
    verdict_file.NAME,
    timeline.NAME,
    pages.NAME,
    log_counting.NAME,
    live_lines.NAME,
    crowd.NAME,
    follow_memory.NAME,
    exact_resume.NAME,
)
"""The first takes minutes, and proves rather than measures: run it when the loader or a library has changed.
The second takes minutes, too, and 400 MB of disk. `timeline` and `pages` need
Chromium, those of containers' logs a Docker engine, `live-lines` and `crowd` both."""
_WIDTH: Final = 170  # of the tables where there is no terminal to tell


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 without room, engine or browser, 2 on a wrong argument."""
    options = _parse(arguments)
    shape = SHAPES[options.model_shape]
    # Late, so that only what was asked for runs
    rounds = {} if options.rounds is None else {"rounds": options.rounds}
    benchmarks: dict[str, Callable[[], Report]] = {
        import_time.NAME: lambda: import_time.run(**rounds),
        ready_path.NAME: lambda: ready_path.run(**rounds),
        cold_load.NAME: lambda: cold_load.run(shape, dtype=options.dtype, **rounds),
        concurrent_load.NAME: lambda: concurrent_load.run(shape, dtype=options.dtype, **rounds),
        races.NAME: races.run,
        history.NAME: lambda: history.run(**rounds),
        verdict_file.NAME: lambda: verdict_file.run(**rounds),
        timeline.NAME: lambda: timeline.run(**rounds),
        pages.NAME: lambda: pages.run(**rounds),
        log_counting.NAME: lambda: log_counting.run(**rounds),
        live_lines.NAME: live_lines.run,
        crowd.NAME: crowd.run,
        follow_memory.NAME: follow_memory.run,
        exact_resume.NAME: exact_resume.run,
        launch_to_verdict.NAME: lambda: launch_to_verdict.run(guide=not options.skip_guide),
    }
    out = Console()
    if not out.is_terminal:
        out.width = _WIDTH
    reports = []
    try:
        if {cold_load.NAME, concurrent_load.NAME} & set(options.names):
            check_memory(shape, options.dtype)
        for name in options.names:
            out.print(f"Measuring {name} …", highlight=False)
            reports.append(benchmarks[name]())
            print_report(reports[-1], out)
    except (NoRoom, NoEngine, NoBrowser) as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    finally:
        if options.json is not None and reports:
            options.json.write_text(json.dumps(as_json(reports), indent=2) + "\n", "utf-8")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure, each figure beside its peer in the same run."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"what to measure: {', '.join(NAMES)} (these by default), {', '.join(ON_REQUEST)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument(
        "--model-shape",
        choices=SHAPES,
        default="1.3gb",
        help="the checkpoint of the loads; it is made once and stays in LOADONCE_HOME (7b: 14 GB)",
    )
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=("auto", "float16", "float32"),
        help="cast the weights while loading",
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="interleaved rounds, instead of each benchmark's own number"
    )
    parser.add_argument(
        "--skip-guide", action="store_true", help="leave out the guide's way, with its two minutes' wait"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in (*NAMES, *ON_REQUEST)]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join((*NAMES, *ON_REQUEST))}")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}; at least one is needed")
    options.names = options.names or list(NAMES)
    return options


if __name__ == "__main__":
    sys.exit(main())
