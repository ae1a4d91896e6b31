"""The timeline: our own lines with their identity, gaps and reports, and one profile for each source."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.evidence import LogEvent, LogLine
from dashboard.timeline import FILLED_LINE, Timeline, UnknownProfile
from tests.dashboard.worker_log import WorkerLog, names, read

START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"


def kinds(*texts: str, profile: str | None = None) -> list[str]:
    return [event.kind for event in read(texts, profile=profile).events()]


def bare(event: LogEvent) -> tuple[object, ...]:
    return event.kind, event.boot, event.seq, event.load, event.model, event.profile


# -- our own lines ----------------------------------------------------------------------------------------


def test_a_line_of_ours_becomes_its_event_with_identity() -> None:
    (event,) = read(WorkerLog().tell("completed", 1, seconds="0.2").lines).events()
    assert bare(event) == ("completed", "3f9c1a", 1, 1, "demo/llava-tiny", "loadonce")
    assert event.fields == {"seconds": "0.2"}


def test_one_line_of_ours_turns_other_profiles_off_for_its_source() -> None:
    assert kinds(*WorkerLog().ask("a").lines, START, META) == ["requested"]


def test_one_line_of_ours_turns_other_profiles_off_retroactively() -> None:
    assert kinds(START, META, *WorkerLog().ask("a").lines) == ["requested"]


def test_another_source_keeps_its_own_profile() -> None:
    timeline = read(WorkerLog().ask("a").lines)
    timeline.feed(LogLine("stranger", 0, "stdout", 0.0, START))
    assert [event.kind for event in timeline.events()] == ["requested", "started"]


def test_a_line_that_quotes_one_of_ours_is_no_event() -> None:
    quoted = "prompt: " + WorkerLog().tell("completed", 1).lines[0]
    assert kinds(quoted, profile="loadonce") == []


def test_progress_of_our_source_comes_from_its_events_only() -> None:
    log = WorkerLog().load()
    assert kinds(*log.lines, "Loading weights:  50%|##   | 4/8 [00:01<00:01]").count("progress") == 1


def test_a_line_behind_the_progress_bar_of_a_terminal_is_read() -> None:
    line = WorkerLog().tell("completed", 1).lines[0]
    assert kinds(f"\rLoading weights:  99%|#| 7/8 [00:01<00:00, 9it/s]{line}") == ["completed"]
    assert kinds(f"Loading weights:  99%|#| 7/8 [00:01]\r{line}") == ["completed"]


def test_a_line_of_ours_that_comes_twice_counts_once() -> None:
    line = WorkerLog().tell("started", 1).lines[0]
    timeline = read([line])
    assert timeline.feed(LogLine("worker", 9, "stdout", 9.0, line)) == ()


def test_feed_returns_what_is_new() -> None:
    timeline = Timeline()
    (event,) = timeline.feed(LogLine("worker", 0, "stdout", 0.0, WorkerLog().tell("started", 1).lines[0]))
    assert timeline.events() == (event,)


# -- gaps and the worker's own report ---------------------------------------------------------------------


def test_a_whole_log_has_no_gap() -> None:
    assert read(WorkerLog().ask("a").load().lines).gaps() == ()


def test_a_hole_in_the_numbers_is_a_gap_with_its_numbers() -> None:
    log = WorkerLog().ask("a", "b", "c").load()
    (gap,) = read([*log.lines[:1], *log.lines[3:]]).gaps()
    assert gap.text == "Of worker 3f9c1a, events 2 to 3 are missing from the log."


def test_a_log_that_begins_late_has_a_gap() -> None:
    assert len(read(WorkerLog().ask("a").load().lines[1:]).gaps()) == 1


def test_the_workers_own_report_fills_a_gap() -> None:
    log = WorkerLog().ask("a", "b").load()
    timeline = read([*log.lines[:1], *log.lines[2:]])
    (new,) = timeline.fill(log.told)
    assert (new.seq, new.line, timeline.gaps()) == (2, FILLED_LINE, ())


def test_a_filled_event_stands_where_its_line_was_missing() -> None:
    log = WorkerLog().ask("a", "b").load()
    timeline = read([*log.lines[:1], *log.lines[2:]])
    timeline.fill(log.told)
    assert [event.seq for event in timeline.events()] == [1, 2, 3, 4, 5]


def test_what_a_worker_told_before_the_baseline_is_no_event_however_it_is_told() -> None:
    log = WorkerLog().ask("a").load().ask("b", "c")
    timeline = read([*log.lines[:4], *log.lines[5:]])
    timeline.begin_after(log.boot, 4)
    timeline.fill(log.told)
    assert [event.seq for event in timeline.events()] == [5, 6]


def test_a_hole_before_the_baseline_is_no_gap() -> None:
    log = WorkerLog().ask("a").load().ask("b", "c")
    timeline = read(log.lines[4:])
    timeline.begin_after(log.boot, 4)
    assert timeline.gaps() == ()


def test_a_hole_right_behind_the_baseline_is_a_gap() -> None:
    log = WorkerLog().ask("a").load().ask("b", "c")
    timeline = read(log.lines[5:])
    timeline.begin_after(log.boot, 4)
    assert len(timeline.gaps()) == 1


def test_a_report_of_an_unseen_worker_is_put_to_the_named_source() -> None:
    timeline = Timeline()
    timeline.fill(WorkerLog().ask("a").told, source="trial-1")
    assert [event.source for event in timeline.events()] == ["trial-1"]


def test_no_more_events_are_kept_than_were_asked_for_and_the_others_are_counted() -> None:
    timeline = Timeline(most=20)
    for number in range(300):
        for at, text in enumerate((f"{START[:20]}: model/{number} x", "Loading weights: 50%")):
            timeline.feed(LogLine("s", 2 * number + at, "stdout", 0.0, text), before="")
    assert [event.kind for event in timeline.events()].count("progress") == 2
    assert len(timeline.events()) == 22
    assert timeline.beyond() == {"started": 280, "progress": 298}


# -- profiles -------------------------------------------------------------------------------------------


def test_an_unknown_profile_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownProfile, match=r"'nope'\. Use one of loadonce, feedlyai, vllm, sentence-"):
        Timeline("nope")


def test_a_named_profile_reads_nothing_else() -> None:
    assert kinds(START, profile="loadonce") == []
    assert kinds(*WorkerLog().ask("a").lines, profile="feedlyai") == []


# -- injected text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poison",
    [
        "Loading LLaVa model",
        'x" event=completed boot=3f9c1a seq=99 load=7 model=m pid=7 thread=t',
        "\n2026-11-23T07:10:47.000000Z INFO l Hi event=completed boot=3f9c1a seq=9 model=m pid=7 thread=t",
        "\rCannot copy out of meta tensor",
    ],
)
def test_no_variant_id_can_add_an_event_to_our_worker(poison: str) -> None:
    log = WorkerLog().ask("a", poison).load()
    assert [event.kind for event in read("\n".join(log.lines).split("\n")).events()] == [
        "requested",
        "requested",
        "started",
        "progress",
        "completed",
    ]


# -- properties -------------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_deliveries_again_in_any_order_add_nothing_of_ours(data: st.DataObject) -> None:
    lines = WorkerLog().ask(*names(3)).load().lines
    again = data.draw(st.lists(st.sampled_from(lines)))
    told = read(data.draw(st.permutations([*lines, *again]))).events()
    assert sorted(map(bare, told), key=str) == sorted(map(bare, read(lines).events()), key=str)


# -- threads --------------------------------------------------------------------------------------------


def test_readers_see_whole_pictures_while_a_writer_feeds() -> None:
    timeline, log, done = Timeline(), WorkerLog(), threading.Event()
    for _ in range(200):
        log.ask("a")
    broken: list[int] = []

    def watch() -> None:
        while not done.is_set():
            seqs = [event.seq for event in timeline.events()]
            if seqs != list(range(1, len(seqs) + 1)):
                broken.append(len(seqs))

    readers = [threading.Thread(target=watch) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number, line in enumerate(log.lines):
        timeline.feed(LogLine("worker", number, "stdout", 0.0, line))
    done.set()
    for reader in readers:
        reader.join()
    assert broken == []
