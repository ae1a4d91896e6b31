"""The corpus: logs of known truth (truth.toml), judged as a file is, as lines that come in, and by grep."""

from __future__ import annotations

import io
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dashboard.evidence import Colour, Evidence, LogEvent, LogLine
from dashboard.log_files import blocks_of
from dashboard.log_verdict import LogVerdict, judge_log
from dashboard.logs import LineSplitter
from dashboard.sieve import Sieve
from dashboard.timeline import Timeline

HERE: Final = Path(__file__).resolve().parent
TRUTH: Final[dict[str, dict[str, Any]]] = tomllib.loads((HERE / "truth.toml").read_text("utf-8"))
NAMES: Final = sorted(TRUTH)
COLOURS: Final[tuple[Colour, ...]] = ("green", "red", "inconclusive")


def content(name: str) -> bytes:
    """Return the bytes of one log."""
    return (HERE / f"{name}.log").read_bytes()


def judged(data: bytes, **more: Any) -> LogVerdict:
    """Judge a log as `verdict --file` does: in blocks, only the telling lines looked at."""
    sieve = Sieve("log")
    return judge_log(map(sieve.sift_block, blocks_of(io.BytesIO(data), "log")), **more)


def sifted_events(data: bytes) -> tuple[LogEvent, ...]:
    """Return the load events that the fast path finds."""
    timeline, sieve = Timeline(), Sieve("log")
    for block in blocks_of(io.BytesIO(data), "log"):
        for line, before in sieve.sift_block(block).telling:
            timeline.feed(line, before=before)
    return timeline.events()


def read_slowly(chunks: Iterable[bytes], *, times: int = 1) -> Timeline:
    """Read a log as it comes in, chunk by chunk, each line looked at; each delivered so many `times`."""
    splitter, timeline, texts = LineSplitter(), Timeline(), []
    for chunk in chunks:
        texts += splitter.feed(chunk)
    for number, text in enumerate([*texts, *splitter.finish()]):
        for _ in range(times):
            timeline.feed(LogLine("log", number, "stdout", 0.0, text))
    return timeline


def evidence_of(timeline: Timeline) -> Evidence:
    """Return all that a bare log gives to judge."""
    return Evidence(events=timeline.events(), gaps=timeline.gaps(), strays=timeline.strays())


def by_count(data: bytes) -> Colour:
    """Judge as people do: `grep -c` prints 1, or it does not."""
    count = sum(b"Loading LLaVa model" in line for line in data.split(b"\n"))
    return "green" if count == 1 else "red" if count else "inconclusive"


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each truth was called what: `cells` by (truth, said)."""

    cells: Counter[tuple[Colour, Colour]]

    @property
    def right(self) -> int:
        """How many were called what they are."""
        return sum(self.cells[each, each] for each in COLOURS)

    @property
    def false_greens(self) -> int:
        """How many were called green and are not."""
        return sum(number for (truth, said), number in self.cells.items() if said == "green" != truth)


def confusions() -> tuple[Confusion, Confusion]:
    """Return how the whole corpus is judged: by us, and by `grep -c`."""
    ours: Counter[tuple[Colour, Colour]] = Counter()
    grep: Counter[tuple[Colour, Colour]] = Counter()
    for name in NAMES:
        data, truth = content(name), TRUTH[name]["verdict"]
        ours[truth, judged(data).verdict.verdict] += 1
        grep[truth, by_count(data)] += 1
    return Confusion(ours), Confusion(grep)


def table(ours: Confusion, grep: Confusion) -> str:
    """Return both as a table: a row for each truth, a column for what it was called."""
    head = "".join(f"{colour:>14}" for colour in COLOURS)
    rows = [
        f"{len(NAMES)} logs     {'verdict says':>18}{'':24} | {'grep -c says':>18}",
        f"{'truth':14}{head} |{head}",
    ]
    for truth in COLOURS:
        cells = ["".join(f"{each.cells[truth, said]:14}" for said in COLOURS) for each in (ours, grep)]
        rows.append(f"{truth:14}{' |'.join(cells)}")
    for label, value in (("right", "right"), ("false greens", "false_greens")):
        figures = [f"{getattr(each, value):14}{'':28}" for each in (ours, grep)]
        rows.append(f"{label:14}{' |'.join(figures)}".rstrip())
    return "\n".join(rows)
