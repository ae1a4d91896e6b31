"""What a terminal, and what a pipe, shows while a run goes on."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from dashboard.progress import LiveProgress, PlainProgress, glance, open_progress
from tests.dashboard import sample_records as sample


def _going(*states: str, step: str = "settle", message: str = "Waiting.", number: int = 1) -> object:
    trial = replace(
        sample.trial(number),
        verdict=None,
        ended_at=None,
        variants=tuple(sample.variant(n, state=state) for n, state in enumerate(states, 1)),
    )
    return replace(
        sample.run("green"),
        status="running",
        verdict=None,
        control=None,
        finished_at=None,
        step=step,  # type: ignore[arg-type]
        message=message,
        trials=(trial,) if states else (),
    )


def test_a_glance_counts_the_newest_trial() -> None:
    seen = glance(_going("answered", "failed", "sent"), sample.START + 2)  # type: ignore[arg-type]
    assert (seen.answered, seen.failed, seen.variants) == (1, 1, 3)
    assert (seen.starts, seen.completions, seen.meta_tensor_errors) == (1, 1, 0)
    assert (seen.trial, seen.elapsed) == ("trial 1/1", 2.0)


def test_plain_progress_has_a_line_for_each_step_and_not_for_each_tick() -> None:
    out = StringIO()
    with PlainProgress(out) as progress:
        for record in (
            _going(step="warm-up", message="Importing."),
            _going(step="warm-up", message="Importing."),
            _going("sent", "sent", "sent"),
            _going("answered", "sent", "sent"),
            _going("answered", "answered", "sent"),
        ):
            progress.show(record)  # type: ignore[arg-type]
        progress.show(sample.run("green"))
    lines = out.getvalue().splitlines()
    assert [line.split(" s  ")[1].split(",")[0] for line in lines] == [
        "Importing.",
        "Waiting.",
        "trial 1: green",
        "control 1",
    ]


def test_plain_progress_of_many_trials_has_a_line_for_each_trial() -> None:
    out = StringIO()
    done = sample.run(*["green"] * 50)
    with PlainProgress(out) as progress:
        for count in range(1, 51):
            going = replace(done, status="running", verdict=None, trials=done.trials[:count])
            for step in ("restart", "alive", "release", "settle"):
                progress.show(replace(going, step=step))  # type: ignore[arg-type]
    assert 50 <= len(out.getvalue().splitlines()) <= 56


def test_the_live_display_shows_variants_loads_and_time() -> None:
    from rich.console import Console

    out = StringIO()
    progress = LiveProgress(Console(file=out, force_terminal=True, width=100, color_system=None))
    with progress:
        progress.show(_going("answered", "failed", "sent"))  # type: ignore[arg-type]
        progress._live.refresh()
        progress.say("Stopping.")
    for part in (
        "1 of 3 variants answered, 1 failed",
        "1 start · 1 completion · 0 meta tensor errors",
        "trial 1/1",
    ):
        assert part in out.getvalue()
    assert "Stopping." in out.getvalue()


def test_without_a_terminal_progress_is_plain() -> None:
    assert isinstance(open_progress(StringIO()), PlainProgress)
