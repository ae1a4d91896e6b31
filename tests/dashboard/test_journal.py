"""A journal: what was shown is in it first, however the process ends, and it stays short."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard import journal
from dashboard.evidence import LogLine
from dashboard.journal import Journal, Journals, ShownLog
from dashboard.journal_entries import picture_entries, read_journal
from dashboard.logs import LogRing
from dashboard.memory import Memory, MemorySample
from dashboard.record import RunRecord, TrialRecord
from dashboard.thinning import in_short
from dashboard.usage import Usage
from tests.dashboard import sample_records as sample

WHOLE = sample.run("green", "red", "green")
BEGUN = replace(
    WHOLE, status="running", verdict=None, finished_at=None, step="settle", trials=(), control=None
)


def under_way(trial: TrialRecord, *, answered: int, events: int, samples: int = 0) -> TrialRecord:
    """A trial in its middle."""
    states = ["answered"] * answered + ["sent"] * (3 - answered)
    return replace(
        trial,
        ended_at=None,
        verdict=None,
        variants=tuple(sample.variant(number, state=state) for number, state in enumerate(states, 1)),
        events=trial.events[:events],
        memory=Memory(tuple(MemorySample(number, 5) for number in range(samples))) if samples else None,
    )


FIRST, SECOND, THIRD = (replace(trial, source=f"trial-{trial.number}") for trial in WHOLE.trials[:3])
STORY: tuple[tuple[TrialRecord, ...], ...] = (
    (under_way(FIRST, answered=0, events=0),),
    (under_way(FIRST, answered=0, events=2, samples=2),),
    (replace(under_way(FIRST, answered=2, events=3, samples=4), usage=(Usage(1.0, 0.5, 2.0, 10, 20, 3),)),),
    (FIRST,),
    (FIRST, under_way(SECOND, answered=1, events=1)),
    # Lines that were lost are told by the worker: an event between two that were there
    (FIRST, replace(SECOND, events=(SECOND.events[0], sample.event("waiting", 7), *SECOND.events[1:]))),
    (in_short(FIRST), SECOND, under_way(THIRD, answered=3, events=3)),
)
PICTURES = tuple(replace(BEGUN, trials=trials, message=f"step {at}") for at, trials in enumerate(STORY))


@pytest.fixture
def rings() -> dict[str, LogRing]:
    return {}


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journals", "history.db")


@pytest.fixture
def begun(journals: Journals, rings: dict[str, LogRing]) -> Journal:
    return journals.begin(BEGUN, lambda: rings)


def retold(journals: Journals, onto: RunRecord = BEGUN) -> RunRecord:
    return journals.read(BEGUN.run_id).onto(onto)


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_every_picture_that_was_shown_is_there_at_once(journals: Journals, begun: Journal) -> None:
    for picture in PICTURES:
        assert begun.show(lambda shown=picture: shown) == picture
        assert retold(journals) == picture


@pytest.mark.parametrize("kept", range(len(PICTURES)))
def test_it_leads_to_the_newest_picture_from_whichever_the_history_holds(
    journals: Journals, begun: Journal, kept: int
) -> None:
    for picture in PICTURES:
        begun.show(lambda shown=picture: shown)
    assert retold(journals, PICTURES[kept]) == PICTURES[-1]


def test_a_history_that_missed_a_trial_gets_it_in_its_place(journals: Journals, begun: Journal) -> None:
    for picture in PICTURES:
        begun.show(lambda shown=picture: shown)
    missed = replace(PICTURES[-1], trials=PICTURES[-1].trials[::2])
    assert retold(journals, missed) == PICTURES[-1]


def test_every_tab_gets_the_same_picture_until_something_changes(begun: Journal) -> None:
    first = begun.show(lambda: PICTURES[2])
    trial = replace(PICTURES[2].trials[0], events=tuple(map(replace, PICTURES[2].trials[0].events)))
    assert begun.show(lambda: replace(PICTURES[2], trials=(trial,))) is first
    assert begun.show(lambda: PICTURES[3]) is not first


def test_only_what_changed_is_written() -> None:
    many = replace(FIRST, variants=tuple(map(sample.variant, range(1000))), ended_at=None, verdict=None)
    before = replace(BEGUN, trials=(many,))
    changed = (*many.variants[:500], sample.variant(500, state="failed"), *many.variants[501:])
    after = replace(before, trials=(replace(many, variants=changed),))
    assert picture_entries(before, replace(before, trials=(replace(many),))) == b""
    whole, part = picture_entries(BEGUN, after), picture_entries(before, after)
    assert b"connection <early>" in part
    assert len(part) < len(whole) / 50


def test_what_the_history_holds_is_left_out_and_what_came_after_stays(
    journals: Journals, begun: Journal, rings: dict[str, LogRing], tmp_path: Path
) -> None:
    rings["trial-1"], rings["trial-2"] = LogRing("trial-1"), LogRing("trial-2")
    for ring in rings.values():
        ring.append("stdout", 1.0, ["one", "two", "three"])
        begun.show_lines(ring, 3)
    for picture in PICTURES:
        begun.show(lambda shown=picture: shown)
    (path,) = (tmp_path / "journals").iterdir()
    before = path.stat().st_size
    begun.lines_kept("trial-1", 3)
    begun.lines_kept("trial-2", 1)
    begun.record_kept(PICTURES[-2])
    assert path.stat().st_size < before
    assert retold(journals, PICTURES[-2]) == PICTURES[-1]
    lines = journals.read(BEGUN.run_id).lines
    assert {source: [line.text for line in log] for source, log in lines.items()} == {
        "trial-2": ["two", "three"]
    }


def test_in_the_middle_of_a_long_trial_it_is_written_anew_once_it_is_large(
    journals: Journals, begun: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun.show(lambda: PICTURES[1])
    (path,) = (tmp_path / "journals").iterdir()
    messages = (replace(PICTURES[1], message="m" * 300 + str(at)) for at in range(100))
    newest = [begun.show(lambda shown=each: shown) for each in messages][-1]
    large = path.stat().st_size
    begun.shrink()
    assert path.stat().st_size == large  # it is not worth it
    monkeypatch.setattr(journal, "_LARGE", 1000)
    begun.shrink()
    assert path.stat().st_size < large / 20
    assert retold(journals) == newest


def test_lines_are_written_before_anybody_reads_them(
    journals: Journals, begun: Journal, rings: dict[str, LogRing]
) -> None:
    ring = rings["trial-1"] = LogRing("trial-1", max_lines=4)
    shown = ShownLog(ring, begun)
    assert shown.in_memory(0)
    ring.append("stderr", 1.5, ["odd \ud800 \x00 \t", "two"])
    assert not shown.in_memory(0)
    assert journals.read(BEGUN.run_id).lines == {}
    page = shown.read(0, 1)
    assert journals.read(BEGUN.run_id).lines == {"trial-1": page.lines}
    assert page.lines == (LogLine("trial-1", 0, "stderr", 1.5, "odd \ud800 \x00 \t"),)
    ring.append("stdout", 2.0, [str(number) for number in range(9)])  # the ring has forgotten some
    page = shown.read(1)
    assert journals.read(BEGUN.run_id).lines["trial-1"][1:] == page.lines
    assert shown.in_memory(0)
    ring.close()
    assert (shown.next, shown.closed) == (11, True)


def test_no_event_is_told_whose_line_is_not_there(
    journals: Journals, begun: Journal, rings: dict[str, LogRing]
) -> None:
    ring = rings["trial-1"] = LogRing("trial-1")
    ring.append("stdout", 1.0, ["requested", "started", "behind it"])
    begun.show(lambda: PICTURES[1])
    assert [line.text for line in journals.read(BEGUN.run_id).lines["trial-1"]] == ["requested", "started"]


def test_while_variants_are_released_nothing_new_is_shown_or_written(
    journals: Journals, begun: Journal
) -> None:
    before, after = (
        replace(BEGUN, step="release", trials=(under_way(FIRST, answered=count, events=0),))
        for count in (0, 2)
    )
    assert begun.show(lambda: before) == before
    assert begun.show(lambda: after) == before
    next_one = replace(after, trials=(FIRST, replace(under_way(SECOND, answered=0, events=0), started_at=7)))
    assert begun.show(lambda: next_one) == next_one
    settled = replace(after, step="settle")
    assert begun.show(lambda: settled) == settled
    assert retold(journals).step == "settle"


@pytest.mark.parametrize("harm", [lambda data: data[:-40], lambda data: data + b'{"rows":{"vari'])
def test_an_entry_that_was_not_written_to_its_end_costs_itself_alone(
    journals: Journals, begun: Journal, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    for picture in PICTURES[:3]:
        begun.show(lambda shown=picture: shown)
    (path,) = (tmp_path / "journals").iterdir()
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    assert retold(journals) == PICTURES[2 if len(harm(whole)) > len(whole) else 1]


@pytest.mark.parametrize(
    "damaged",
    [
        b"{}\tno JSON\n",
        b"[]\t{}\n",
        b"nothing\n",
        b'{"log":"trial-1"}\t[1]\n',
        b'{"rows":{"events":[9,[7]]}}\t',
    ],
    ids=["body", "no head", "no entry", "lines", "rows"],
)
def test_what_stands_behind_a_damaged_entry_is_not_believed(damaged: bytes) -> None:
    one, two = picture_entries(BEGUN, PICTURES[1]), picture_entries(PICTURES[1], PICTURES[2])
    if damaged.endswith(b"\t"):  # an event in the tenth place of none
        damaged += one.partition(b"\t")[2]
    assert read_journal(b"head\n" + one + damaged + two).onto(BEGUN) == PICTURES[1]


def test_a_disk_that_takes_nothing_stops_no_run_and_is_told(
    journals: Journals, begun: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun.show(lambda: PICTURES[0])
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        assert begun.show(lambda: PICTURES[1]) == PICTURES[1]
        assert begun.trouble is not None
        assert "No space left on device" in begun.trouble
        assert "Make room there" in begun.trouble
        assert list((tmp_path / "journals").iterdir()) == []  # half of it would lead back to older pictures
        assert begun.show(lambda: PICTURES[2]) == PICTURES[2]
        begun.shrink()
        assert begun.trouble is not None
    begun.shrink()
    assert begun.trouble is None
    assert retold(journals) == PICTURES[2]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    begun = Journals(tmp_path / "file", "history.db").begin(BEGUN, dict)
    assert begun.show(lambda: PICTURES[1]) == PICTURES[1]
    assert begun.trouble is not None
    assert str(tmp_path / "file") in begun.trouble


def test_it_is_gone_once_the_history_holds_all(journals: Journals, begun: Journal, tmp_path: Path) -> None:
    begun.show(lambda: PICTURES[1])
    begun.end()
    begun.end()
    begun.record_kept(PICTURES[1])
    assert begun.show(lambda: WHOLE) == WHOLE
    assert list((tmp_path / "journals").iterdir()) == []


def test_a_journal_of_another_history_is_nobody_elses(
    journals: Journals, begun: Journal, tmp_path: Path
) -> None:
    begun.show(lambda: PICTURES[1])
    other = Journals(tmp_path / "journals", "other.db")
    assert list(other.heads()) == []
    assert other.read(BEGUN.run_id).pictures == ()
    ((run_id, head),) = journals.heads()
    assert head is not None
    assert (run_id, head.run_id) == (BEGUN.run_id, BEGUN.run_id)
