"""Reading what a container loaded: a log that breaks off, a reading that is stopped, a silent engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import load_history
from dashboard.engine.facts import ContainerEnd, ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.evidence import LogLine
from dashboard.history_reader import HistoryReader
from dashboard.load_history import LoadHistory, read_history
from dashboard.sieve import Sifted

NOW = 1_795_420_800.0
STARTED = LogLine("web", 0, "stdout", NOW - 60, "Loading LLaVa model: demo on cuda")


class ScriptedEngine:
    """An engine that has one container, whose log is `blocks`."""

    def __init__(self, *blocks: Sifted | Exception, ends: Any = (), **facts: Any) -> None:
        self.facts = ContainerFacts("1", "web", "image", "sha256:1", "running", **facts)
        self.blocks, self._ends, self.closed = blocks, ends, False
        self.clock_ahead_s = 2.0

    def container(self, name: str) -> ContainerFacts:
        if name != "web":
            raise EngineError(f"No such container: {name}.")
        return self.facts

    def ends(self, container: ContainerFacts, since: float) -> Any:
        if isinstance(self._ends, Exception):
            raise self._ends
        return self._ends

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    def sift(engine: ScriptedEngine, container: ContainerFacts, **asked: Any) -> Iterator[Sifted]:
        for block in engine.blocks:
            if isinstance(block, Exception):
                raise block
            yield block

    monkeypatch.setattr(load_history, "sift_log", sift)


def block(*lines: LogLine) -> Sifted:
    return Sifted(len(lines), 100, tuple((line, "") for line in lines))


def read(engine: ScriptedEngine, **options: Any) -> LoadHistory:
    return read_history(engine, "web", 3600, now=lambda: NOW, **options)  # type: ignore[arg-type]  # a double


def test_a_log_that_breaks_off_is_shown_as_far_as_it_came_with_the_reason() -> None:
    found = read(ScriptedEngine(block(STARTED), EngineError("The log of web broke off.")))
    assert (found.problem, found.running, len(found.spans)) == ("The log of web broke off.", False, 1)


def test_a_log_of_which_nothing_came_is_an_error() -> None:
    with pytest.raises(EngineError, match="No engine answers"):
        read(ScriptedEngine(EngineError("No engine answers.")))


def test_a_reading_that_is_stopped_says_what_to_do() -> None:
    found = read(ScriptedEngine(block(STARTED), block()), stopped=lambda: True)
    assert found.problem == "The reading was stopped. Read it again."


def test_what_is_known_is_told_while_it_is_read() -> None:
    told: list[LoadHistory] = []
    read(ScriptedEngine(block(STARTED)), tell=told.append)
    assert [(each.running, each.lines) for each in told] == [(True, 1)]


def test_ends_are_told_by_this_machine_s_clock_and_the_newest_is_known_without_the_engine_s_events() -> None:
    first = ContainerEnd(NOW - 1000 + 2.0, -9, False, True)
    found = read(ScriptedEngine(ends=[first], finished_at=NOW - 10 + 2.0, exit_code=137, oom_killed=True))
    assert found.ends is not None
    assert [(end.time, end.out_of_memory) for end in found.ends] == [(NOW - 1000, False), (NOW - 10, True)]


def test_an_engine_that_keeps_its_events_to_itself_costs_the_restarts_only() -> None:
    found = read(ScriptedEngine(block(STARTED), ends=EngineError("Forbidden.")))
    assert (found.ends, len(found.spans)) == (None, 1)


# ------------------------------------------------------------------ in the background


@pytest.fixture
def reader_of() -> Iterator[Callable[[Callable[[], Any]], HistoryReader]]:
    made: list[HistoryReader] = []

    def make(open_engine: Callable[[], Any]) -> HistoryReader:
        made.append(HistoryReader(None, open_engine))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def wait_until(true: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(3000):
        if true():
            return
        tick.wait(0.02)
    raise AssertionError("it did not come to its end")


def test_nobody_waits_for_the_engine_and_all_get_the_same_picture(reader_of: Any) -> None:
    release, engine = threading.Event(), ScriptedEngine(block(STARTED))

    def slow() -> ScriptedEngine:
        release.wait(60)
        return engine

    reader = reader_of(slow)
    assert reader.history("web", "1h").running
    release.set()
    wait_until(lambda: not reader.history("web", "1h").running)
    assert reader.history("web", "1h") is reader.history("web", "1h")
    assert engine.closed


def test_no_engine_is_one_sentence_and_the_next_asking_tries_again(reader_of: Any) -> None:
    answers = [EngineError("No engine answers."), ScriptedEngine(block(STARTED))]

    def open_engine() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reader = reader_of(open_engine)
    reader.history("web", "1h")
    wait_until(lambda: not reader.history("web", "1h").running)
    assert reader.history("web", "1h").problem == "No engine answers."
    reader.history("web", "1h", anew=True)
    wait_until(lambda: not reader.history("web", "1h").running)
    assert reader.history("web", "1h").history is not None


def test_a_fault_of_the_console_s_own_is_told_and_nobody_waits_for_ever(reader_of: Any) -> None:
    reader = reader_of(lambda: SimpleNamespace(close=lambda: None))
    reader.history("web", "1h")
    wait_until(lambda: not reader.history("web", "1h").running)
    assert "The console could not read it (AttributeError" in reader.history("web", "1h").problem
