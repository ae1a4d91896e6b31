"""A vigil over a log: a second load alarms at once and once; a restart, a retry and other models do not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dashboard.evidence import LogLine, Stream
from dashboard.vigil import Alarm, Vigil, WorkerSeen
from tests.dashboard.worker_log import WorkerLog

START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
END = "✓ LLaVa model loaded successfully on cuda"
META = "NotImplementedError: Cannot copy out of meta tensor; no data!"


def lines(*texts: str, stream: Stream = "stdout", first: int = 0) -> list[LogLine]:
    return [LogLine("yh", first + at, stream, 1000.0 + first + at, text) for at, text in enumerate(texts)]


def alarms(*batches: Iterable[LogLine], expected_workers: int = 1) -> list[Alarm]:
    vigil = Vigil(expected_workers=expected_workers)
    return [alarm for batch in batches for alarm in vigil.feed(batch)]


def test_one_load_is_no_alarm() -> None:
    assert alarms(lines(START, "job 1 done", END, "job 2 done")) == []


def test_a_second_load_alarms_at_its_line_and_only_once() -> None:
    found = alarms(lines(START, END), lines("work", START, first=2), lines(END, START, END, first=4))
    assert [(alarm.code, alarm.time, alarm.source) for alarm in found] == [("loaded_twice", 1003.0, "yh")]
    assert found[0].text.startswith("The model was loaded 2 times in yh")


def test_a_meta_tensor_error_alarms() -> None:
    assert [alarm.code for alarm in alarms(lines(START, META))] == ["meta_tensor_error"]


def test_after_a_restart_a_load_is_the_first_again_and_a_second_alarms_anew() -> None:
    mark = lines("yh was started again.", stream="engine", first=10)
    again = lines(START, END, first=11)
    assert alarms(lines(START, END), mark, again) == []
    found = alarms(lines(START, END, START), mark, again, lines(START, first=20))
    assert [alarm.code for alarm in found] == ["loaded_twice", "loaded_twice"]


def test_a_restart_in_the_middle_of_a_batch_parts_its_lines() -> None:
    batch = [*lines(START, END), *lines("yh was started again.", stream="engine", first=2)]
    assert alarms([*batch, *lines(START, END, first=3)]) == []


def test_lines_that_are_lost_are_a_doubt_and_no_alarm() -> None:
    (found,) = alarms(lines("Lines are missing here: …", stream="engine"))
    assert (found.code, found.sure) == ("gap", False)


def test_as_many_loads_as_there_are_workers_are_no_alarm_and_one_more_is() -> None:
    twice = lines(START, END, START, END)
    assert alarms(twice, expected_workers=2) == []
    assert [alarm.code for alarm in alarms(twice, lines(START, first=4), expected_workers=2)] == [
        "loaded_twice"
    ]


def test_a_model_that_was_given_up_may_be_loaded_again() -> None:
    log = WorkerLog()
    log.load()
    log.tell("released", load=1)
    log.load()
    assert alarms(lines(*log.lines)) == []


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_batches_in_which_lines_come_change_no_alarm(size: int) -> None:
    whole = lines(START, "a", END, "b", START, META)
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert {alarm.code for alarm in alarms(*parts)} == {alarm.code for alarm in alarms(whole)}


def test_a_life_with_too_many_loads_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.vigil._MOST", 4)
    found = alarms(lines(*[START, END] * 5))
    assert [(alarm.code, alarm.sure) for alarm in found] == [("loaded_twice", True), ("gap", False)]


# -- the workers of a life ----------------------------------------------------------------------------------


def workers(*batches: Iterable[LogLine], expected_workers: int = 1) -> tuple[WorkerSeen, ...]:
    vigil = Vigil(expected_workers=expected_workers)
    for batch in batches:
        vigil.feed(batch)
    return vigil.workers()


def test_a_worker_is_told_from_its_first_start_on() -> None:
    assert workers(lines("work")) == ()
    (loading,) = workers(lines(START))
    assert (loading.starts, loading.loading, loading.wrong, loading.newest) == (1, True, False, 1000.0)
    (done,) = workers(lines(START), lines(END, first=1))
    assert (done.starts, done.completions, done.loading, done.newest) == (1, 1, False, 1001.0)


def test_each_process_of_a_log_is_told_by_itself_and_only_the_wrong_one_is_wrong() -> None:
    first = ("INFO:     Started server process [11]", START, END)
    second = ("INFO:     Started server process [12]", START, END, START)
    told = workers(lines(*first, *second))
    assert [(each.place, each.starts, each.wrong) for each in told] == [(1, 1, False), (2, 2, True)]


def test_workers_of_ours_are_told_by_who_they_are() -> None:
    one, other = WorkerLog(boot="aaaaaa"), WorkerLog(boot="bbbbbb")
    for log in (one, other):
        log.load()
    other.load()
    told = workers(lines(*one.lines, *other.lines))
    assert [(each.boot, each.wrong) for each in told] == [("aaaaaa", False), ("bbbbbb", True)]


def test_a_restart_leaves_no_worker_of_before_and_is_counted() -> None:
    vigil = Vigil()
    vigil.feed([*lines(START, END), *lines("yh was started again.", stream="engine", first=10)])
    assert (vigil.workers(), vigil.restarts, vigil.life_began) == ((), 1, 1010.0)


def test_as_many_as_are_expected_in_a_log_that_tells_none_apart_are_not_wrong() -> None:
    twice = lines(START, END, START, END)
    assert [each.wrong for each in workers(twice, expected_workers=2)] == [False]
    assert [each.wrong for each in workers(twice)] == [True]
