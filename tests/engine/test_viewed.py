"""A container's log for many viewers, each with another part of it: joined without a line lost or doubled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.containers import COUNTER
from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.engine.shelf import ContainerShelf, OtherNumbers
from dashboard.engine.viewed import OpenLog
from dashboard.evidence import LogLine
from dashboard.log_range import NEWEST, LogRange
from tests.engine.conftest import Containers
from tests.engine.private_engine import PrivateEngine, until

PATIENCE_S = 60.0
MANY = "[print(f'line {n:07d}') for n in range(%d)]; print('the end'); import time; time.sleep(600)"


@pytest.fixture
def shelf(private: PrivateEngine, tmp_path: Path) -> Iterator[ContainerShelf]:
    opened = ContainerShelf(lambda: Engine.open(private.environment()), folder=tmp_path)
    yield opened
    opened.close()


def lines_of(opened: OpenLog, enough: Callable[[list[LogLine]], bool]) -> list[LogLine]:
    """Read as a live feed does, until it is enough or the log has ended."""
    seen: list[LogLine] = []
    deadline = time.monotonic() + PATIENCE_S
    tick = threading.Event()
    while (since := opened.start()) is None:
        assert time.monotonic() < deadline
        tick.wait(0.02)
    while not enough(seen):
        page = opened.source.read(since, 5000, 128 * 1024)
        assert page.skipped == 0
        seen += page.lines
        since = page.next
        if page.closed:
            break
        assert time.monotonic() < deadline, f"only {len(seen)} lines, the last is {seen[-1:]}"
        if not page.lines:
            tick.wait(0.02)
    opened.release()
    return seen


def the_end(seen: list[LogLine]) -> bool:
    return any(line.text == "the end" for line in seen[-50:])


def numbers(seen: list[LogLine]) -> list[int]:
    return [int(line.text[5:12]) for line in seen if line.text.startswith("line ")]


def logged(containers: Containers, container: ContainerFacts) -> list[int]:
    """The numbers of the lines as the engine has them."""
    kept = containers.private.client("logs", container.name)
    return [int(line[5:12]) for line in (kept.stdout + kept.stderr).splitlines() if line.startswith("line ")]


def test_three_viewers_join_a_log_at_different_moments_while_it_is_written(
    containers: Containers, shelf: ContainerShelf
) -> None:
    container = containers.python(COUNTER.format(lines=9000, rate=1000))
    until(lambda: len(logged(containers, container)) > NEWEST + 1500, PATIENCE_S)
    live = shelf.log(container.name, LogRange())
    begun = container.begun_at or 0.0
    wanted = (LogRange(begin=begun), LogRange(begin=begun + 2.0), LogRange(tail=NEWEST + 1000))
    with ThreadPoolExecutor() as viewers:
        whole, later, newest = viewers.map(
            lambda each: lines_of(shelf.log(container.name, each), the_end), wanted
        )
    assert sorted(numbers(whole)) == list(range(9000))
    for part in (later, newest):
        first = min(numbers(part))
        assert 0 < first < 9000 - NEWEST
        assert sorted(numbers(part)) == sorted(numbers(whole[-len(part) :]))
    assert later[0].time >= begun + 2.0
    assert max(line.time for line in whole[: -len(later)]) < begun + 2.1
    assert len(numbers(lines_of(live, the_end))) < 9000


def test_a_line_has_one_number_for_all_viewers_of_a_live_log(
    containers: Containers, shelf: ContainerShelf
) -> None:
    container = containers.python(MANY % (NEWEST + 500))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    newest = lines_of(shelf.log(container.name, LogRange()), the_end)
    whole = lines_of(shelf.log(container.name, LogRange(begin=container.begun_at)), the_end)
    assert [line.number for line in newest] == [line.number for line in whole[-len(newest) :]]


def test_a_container_that_is_restarted_meanwhile_loses_no_line_to_any_viewer(
    containers: Containers, engine: Engine, shelf: ContainerShelf
) -> None:
    container = containers.python(COUNTER.format(lines=7000, rate=4000))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, PATIENCE_S)

    def second_end(seen: list[LogLine]) -> bool:
        return sum(line.text == "the end" for line in seen) == 2

    wanted = [LogRange(begin=(container.begun_at or 0.0) + later) for later in (0.0, 0.4, 0.8)]
    with ThreadPoolExecutor() as viewers:
        seen = [viewers.submit(lines_of, shelf.log(container.name, each), second_end) for each in wanted]
        engine.restart(container, grace=0)
        parts = [each.result() for each in seen]
    assert sorted(numbers(parts[0])) == sorted(logged(containers, container))
    for part in parts:
        assert len(part) == len({(line.number) for line in part})
        assert sorted(numbers(part)) == sorted(numbers(parts[0][-len(part) :]))
        assert [line.text for line in part if line.stream == "engine"] == [
            f"{container.name} was started again."
        ]


@pytest.mark.parametrize("count", [10, NEWEST + 500])
def test_the_restart_before_the_first_viewer_is_marked_wherever_it_is(
    containers: Containers, engine: Engine, shelf: ContainerShelf, count: int
) -> None:
    container = containers.python(MANY % count)
    for lives in (1, 2):
        until(lambda lives=lives: len(logged(containers, container)) == lives * count, PATIENCE_S)
        if lives == 1:
            engine.restart(container, grace=0)
    mark = f"{container.name} was started again."
    life = [*(f"line {n:07d}" for n in range(count)), "the end"]
    until(lambda: containers.private.client("logs", container.name).stdout.count("the end") == 2, 30)

    def second_end(seen: list[LogLine]) -> bool:
        return sum(line.text == "the end" for line in seen) == 2

    whole = lines_of(shelf.log(container.name, LogRange(begin=1.0)), second_end)
    assert [line.text for line in whole] == [*life, mark, *life]
    newest = lines_of(shelf.log(container.name, LogRange(tail=5)), the_end)
    assert [line.text for line in newest] == life[-5:]
    past = lines_of(shelf.log(container.name, LogRange(begin=1.0, until=time.time())), lambda _: False)
    assert [line.text for line in past] == [*life, mark, *life]


def rewrite(containers: Containers, container: ContainerFacts, entries: list[dict[str, str]]) -> None:
    path = containers.private.client("inspect", "-f", "{{.LogPath}}", container.name).stdout.strip()
    Path(path).write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")


def test_lines_with_one_time_stamp_are_joined_as_exactly(
    containers: Containers, engine: Engine, shelf: ContainerShelf
) -> None:
    container = containers.python("print('over')")
    until(lambda: engine.container(container.name).state == "exited", 30)
    stamp = "2026-01-01T00:00:00.123456789Z"
    texts = [f"line {n:07d}" if n % 3 else "the same" for n in range(NEWEST + 700)] + ["the end"]
    rewrite(
        containers, container, [{"log": f"{text}\n", "stream": "stdout", "time": stamp} for text in texts]
    )
    seen = lines_of(shelf.log(container.name, LogRange(begin=1.0)), the_end)
    assert [line.text for line in seen] == texts


def test_a_very_long_line_at_the_seam_is_shown_once_and_whole(
    containers: Containers, shelf: ContainerShelf
) -> None:
    script = f"print('a' * 16384 + 'b' * 16384 + 'c'); {MANY % (NEWEST - 3)}"
    container = containers.python(script)
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    newest = lines_of(shelf.log(container.name, LogRange()), the_end)
    assert newest[0].text == "b" * 16384 + "c"  # the engine counts its own pieces
    whole = lines_of(shelf.log(container.name, LogRange(begin=container.begun_at)), the_end)
    assert [line.text[:1] for line in whole[:3]] == ["a", "b", "l"]
    assert len(whole[0].text + whole[1].text) == 2 * 16384 + 1


@pytest.mark.parametrize("begun", [0.02, 0.5, 1.5, 2.5])
def test_a_beginning_among_the_newest_lines_is_exact_for_the_first_viewer_too(
    containers: Containers, private: PrivateEngine, shelf: ContainerShelf, begun: float
) -> None:
    container = containers.python(COUNTER.format(lines=3000, rate=1000))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, PATIENCE_S)
    whole = lines_of(shelf.log(container.name, LogRange(begin=1.0)), the_end)
    begin = whole[0].time + begun
    with closing(ContainerShelf(lambda: Engine.open(private.environment()))) as another:
        parts = [lines_of(another.log(container.name, LogRange(begin=begin)), the_end) for _ in range(2)]
    expected = [line.text for line in whole if line.time >= begin]
    for part in parts:  # of the first viewer, and of one who finds the log followed already
        assert sorted(line.text for line in part if line.time >= begin) == sorted(expected)
        assert len(part) - len(expected) < 50  # the two streams change places by milliseconds


def test_a_range_with_an_end_is_read_and_closed(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(COUNTER.format(lines=3000, rate=1000))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, PATIENCE_S)
    begin = (container.begun_at or 0.0) + 1.5
    opened = shelf.log(container.name, LogRange(begin=begin, until=begin + 1.0))
    part = lines_of(opened, lambda _: False)
    assert all(begin <= line.time <= begin + 1.0 for line in part)
    assert 0 < len(part) < 3000


def test_the_newest_lines_before_an_end_are_that_many(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(MANY % 100)
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    part = lines_of(shelf.log(container.name, LogRange(until=time.time(), tail=3)), lambda _: False)
    assert [line.text for line in part] == ["line 0000098", "line 0000099", "the end"]


@pytest.mark.parametrize("tail", [20, NEWEST + 200])
def test_so_many_of_the_newest_lines_are_shown(
    containers: Containers, shelf: ContainerShelf, tail: int
) -> None:
    container = containers.python(MANY % (NEWEST + 500))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    assert len(lines_of(shelf.log(container.name, LogRange(tail=tail)), the_end)) == tail
    # Again, from what is kept by now
    assert len(lines_of(shelf.log(container.name, LogRange(tail=tail)), the_end)) == tail


def test_a_link_to_an_old_line_opens_with_that_line(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(MANY % (NEWEST + 500))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    old = lines_of(shelf.log(container.name, LogRange(begin=container.begun_at)), the_end)[7]
    linked = shelf.log(container.name, LogRange(at=round(old.time, 6)))
    assert any(line.text == old.text and line.time == old.time for line in lines_of(linked, the_end))


def test_a_line_has_one_time_whatever_the_clocks_do(containers: Containers, private: PrivateEngine) -> None:
    container = containers.python(MANY % 10)
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    seen = []
    for ahead in (0.0, 3.25):
        engine = Engine.open(private.environment())
        engine.clock_ahead_s = ahead  # as after a restart of the console, beside a clock that drifts
        shelf = ContainerShelf(lambda engine=engine: engine)
        for wanted in (LogRange(), LogRange(begin=1.0), LogRange(until=time.time())):
            part = lines_of(shelf.log(container.name, wanted), the_end)
            seen.append([(line.time, line.text) for line in part])
        shelf.close()
    assert all(part == seen[0] for part in seen)
    assert len(seen[0]) == 11


def test_a_viewer_goes_on_in_the_middle_of_older_lines(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(MANY % (NEWEST + 500))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    wanted = LogRange(begin=container.begun_at, log=shelf.log_id(container.name))
    whole = lines_of(shelf.log(container.name, wanted), the_end)
    rest = lines_of(shelf.log(container.name, wanted, whole[99].number), the_end)
    assert rest == whole[99:]


def test_numbers_of_another_follower_are_refused(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(MANY % 10)
    with pytest.raises(OtherNumbers, match="opened anew"):
        shelf.log(container.name, LogRange(log="of before"), 10**14 + 5)


def test_older_lines_that_are_not_kept_any_more_say_so(containers: Containers, shelf: ContainerShelf) -> None:
    container = containers.python(MANY % 10)
    with pytest.raises(EngineError, match="not kept any more"):
        shelf.log(container.name, LogRange(begin=1.0), 7 * 10**10)


def test_a_container_that_has_written_nothing_has_nothing_older(
    containers: Containers, shelf: ContainerShelf
) -> None:
    container = containers.python("import sys; sys.stdin.read(); print('the end')", "-i")
    opened = shelf.log(container.name, LogRange(begin=1.0))
    containers.private.client("kill", container.name)
    containers.private.client("rm", "-f", container.name)
    seen = lines_of(opened, lambda seen: opened.source.read(10**14, 1, 1).next >= 10**14)
    assert seen == []


def test_an_engine_that_goes_away_in_the_middle_is_told_in_the_log(
    containers: Containers, shelf: ContainerShelf
) -> None:
    container = containers.python(MANY % (NEWEST + 500))
    until(lambda: "the end" in containers.private.client("logs", container.name).stdout, 30)
    lines_of(shelf.log(container.name, LogRange()), the_end)
    containers.private.crash()
    try:
        seen = lines_of(shelf.log(container.name, LogRange(begin=container.begun_at)), the_end)
    finally:
        containers.private.revive()
    assert "Lines may be missing here: No Docker engine answers" in seen[0].text
    # Whoever asks next gets them
    seen = lines_of(shelf.log(container.name, LogRange(begin=container.begun_at)), the_end)
    assert numbers(seen) == list(range(NEWEST + 500))
