"""What a run looks like on a terminal while it goes on: a live display, or plain lines where there is none.

Both are fed with pictures of the record, as often as the caller likes.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from dashboard.printable import printable
from dashboard.record import RunRecord
from dashboard.summary import trial_line
from dashboard.wording import plural, running_headline

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Glance", "LiveProgress", "PlainProgress", "Progress", "glance", "open_progress"]


@dataclass(frozen=True, slots=True)
class Glance:
    """What matters of a running run, at one look. `elapsed` is in seconds."""

    headline: str
    trial: str
    answered: int
    failed: int
    variants: int
    starts: int
    completions: int
    meta_tensor_errors: int
    elapsed: float


def glance(record: RunRecord, now: float) -> Glance:
    """Return the numbers of the newest trial and of the whole run's time."""
    newest = record.trials[-1] if record.trials else None
    variants = () if newest is None else newest.variants
    kinds = [] if newest is None else [event.kind for event in newest.events]
    if newest is None:
        trial = ""
    elif newest.role == "control":
        trial = f"control {newest.number}"
    else:
        trial = f"trial {newest.number}/{record.settings.repeat}"
    return Glance(
        headline=running_headline(record),
        trial=trial,
        answered=sum(variant.state == "answered" for variant in variants),
        failed=sum(variant.state == "failed" for variant in variants),
        variants=record.settings.variants,
        starts=kinds.count("started"),
        completions=kinds.count("completed"),
        meta_tensor_errors=kinds.count("meta_tensor_error"),
        elapsed=max(0.0, (record.finished_at or now) - record.created_at),
    )


class Progress(Protocol):
    """Shows a run. Threading: for one thread."""

    def __enter__(self) -> Progress: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def show(self, record: RunRecord) -> None:
        """Show the run as it stands."""

    def say(self, text: str) -> None:
        """Print a sentence that stays."""


def open_progress(stream: TextIO | None = None) -> Progress:
    """Return a live display if `stream` (stderr) is a terminal that can move its cursor, else plain lines."""
    from rich.console import Console

    stream = sys.stderr if stream is None else stream
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if stream.isatty() and console.is_terminal and not console.is_dumb_terminal:
        return LiveProgress(console)
    return PlainProgress(stream)


class PlainProgress:
    """A line for each step of a single trial, and one for each trial when it has been judged."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step: tuple[str, str] | None = None
        self._judged = 0

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, record: RunRecord) -> None:
        """Print what is new since the last picture, if anything."""
        elapsed = glance(record, time.time()).elapsed
        judged = [trial for trial in record.trials if trial.verdict is not None]
        for trial in judged[self._judged :]:
            self._line(elapsed, trial_line(trial, record.settings.repeat))
        self._judged = len(judged)
        newest = record.trials[-1] if record.trials else None
        # With many repeats the steps of each would drown the trials: only the first one's are told.
        if not record.running or (newest is not None and newest.number > 1):
            return
        step = (record.step, "" if newest is None else newest.role)
        if step != self._step and record.step not in ("verdict", "done"):
            self._step = step
            self._line(elapsed, printable(record.message) or running_headline(record))

    def say(self, text: str) -> None:
        """Print the sentence."""
        print(text, file=self._stream, flush=True)

    def _line(self, elapsed: float, text: str) -> None:
        self.say(f"{elapsed:7.1f} s  {text}")


class LiveProgress:
    """A display of a few lines that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = console
        self._spinner = Spinner("dots")
        self._record: RunRecord | None = None
        # Drawn by its own thread, so that the clock goes on between two pictures.
        # stdout is left alone: it belongs to the JSON.
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, record: RunRecord) -> None:
        """Take the picture; it is drawn with the next refresh."""
        self._record = record

    def say(self, text: str) -> None:
        """Print the sentence above the display."""
        self._console.print(text, soft_wrap=True)

    def _draw(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        record = self._record
        if record is None:
            return Text("Checking that the run can start …")
        now = glance(record, time.time())
        title = Table.grid(padding=(0, 1))
        title.add_row(self._spinner, Text(now.headline, style="bold"), Text(now.trial, style="dim"))
        bar = Table.grid(padding=(0, 1))
        answered = f"{now.answered:,} of {plural(now.variants, 'variant')} answered"
        if now.failed:
            answered += f", {now.failed:,} failed"
        bar.add_row(ProgressBar(total=now.variants, completed=now.answered, width=30), Text(answered))
        facts = Text()
        facts.append(plural(now.starts, "start"), style="bold red" if now.starts > 1 else "")
        facts.append(f" · {plural(now.completions, 'completion')} · ")
        bad = "bold red" if now.meta_tensor_errors else ""
        facts.append(plural(now.meta_tensor_errors, "meta tensor error"), style=bad)
        facts.append(f" · {now.elapsed:.1f} s", style="dim")
        table = Table.grid()
        for row in (title, bar, facts):
            table.add_row(row)
        return table
