"""What real containers use, as the engine tells it, and the gauges that all viewers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from dashboard.engine.addresses import own_container, reachable_address
from dashboard.engine.connection import Engine
from dashboard.engine.faults import ContainerGone, EngineError, EngineRefused
from dashboard.engine.gauges import Gauge, Gauges
from dashboard.engine.stats import usage_between
from dashboard.engine.usage_record import UsageRecord
from tests.engine.conftest import Containers
from tests.engine.private_engine import until

MIB = 1024 * 1024
HOLDS = "held = bytearray(b'x') * (100 * 1024 * 1024); print('up'); import time; time.sleep(600)"
SPINS = "print('up')\nwhile True: pass"
IDLE = "print('up'); import time; time.sleep(600)"


def up(containers: Containers, name: str) -> None:
    until(lambda: "up" in containers.private.client("logs", name).stdout, 30)


def test_what_a_container_holds_is_told_against_its_own_limit(containers: Containers, engine: Engine) -> None:
    container = containers.python(HOLDS, "--memory", "300m", "--cpus", "0.5")
    up(containers, container.name)
    counters = engine.stats(container)
    assert counters is not None
    used = usage_between(None, counters, container)
    assert used.memory is not None
    assert 100 * MIB < used.memory < 150 * MIB
    assert (used.memory_limit, used.cpu_limit, used.cpu) == (300 * MIB, 0.5, None)
    assert used.processes is not None
    assert used.processes >= 1


def test_file_cache_that_gives_way_is_not_counted(containers: Containers, engine: Engine) -> None:
    reads = "open('/tmp/f', 'wb').write(b'x' * (200 << 20)); open('/tmp/f', 'rb').read(); "
    container = containers.python(reads + IDLE)
    up(containers, container.name)
    counters = engine.stats(container)
    assert counters is not None
    assert (counters.memory or 0) < 120 * MIB


def test_a_busy_core_is_seen_between_two_readings(containers: Containers, engine: Engine) -> None:
    container = containers.python(SPINS)
    up(containers, container.name)
    before = engine.stats(container)
    until(lambda: (engine.stats(container).cpu_ns - before.cpu_ns) > 500_000_000, 30)  # type: ignore[union-attr]
    now = engine.stats(container)
    assert now is not None
    used = usage_between(before, now, container)
    assert used.cpu is not None
    assert 0.05 < used.cpu <= 1.3


def test_a_stopped_container_uses_nothing_and_a_removed_one_is_gone(
    containers: Containers, engine: Engine
) -> None:
    container = containers.python("pass")
    until(lambda: engine.container(container.name).state == "exited", 30)
    assert engine.stats(container) is None
    containers.private.client("rm", container.name)
    with pytest.raises(ContainerGone):
        engine.stats(container)


@pytest.fixture
def gauges(engine: Engine) -> Iterator[Callable[..., Gauges]]:
    made: list[Gauges] = []

    def begin(open_engine: Callable[[], Engine]) -> Gauges:
        made.append(Gauges(open_engine, every_s=0.05))
        return made[-1]

    yield begin
    for each in made:
        each.close()


class Counted:
    """The engine, with the number of readings that were asked of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.asked = engine, 0

    def stats(self, container):  # type: ignore[no-untyped-def]
        self.asked += 1
        return self._engine.stats(container)

    def close(self) -> None:
        pass


def test_tabs_share_one_reading_and_see_the_cpu(containers: Containers, engine: Engine, gauges) -> None:
    container = containers.python(SPINS)
    up(containers, container.name)
    counted = Counted(engine)
    shared = gauges(lambda: counted)
    gauge = Gauge()

    def seen() -> bool:
        nonlocal gauge
        gauge = [shared.look([container])[container.name] for _ in range(6)][-1]
        return gauge.usage is not None and (gauge.usage.cpu or 0) > 0.05

    until(seen, 30)
    looks = counted.asked
    for _ in range(1000):
        shared.look([container])
    assert counted.asked < looks + 100


def test_a_stopped_container_has_no_gauge(containers: Containers, engine: Engine, gauges) -> None:
    container = containers.python("pass")
    until(lambda: engine.container(container.name).state == "exited", 30)
    assert gauges(lambda: engine).look([engine.container(container.name)]) == {}


def test_an_engine_that_is_away_is_told_and_comes_back(containers: Containers, private, gauges) -> None:
    container = containers.python(IDLE)
    shared = gauges(lambda: Engine.open(private.environment()))
    until(lambda: shared.look([container])[container.name].usage is not None, 30)
    private.crash()
    try:
        until(lambda: "No Docker engine" in shared.look([container])[container.name].problem, 30)
        assert shared.look([container])[container.name].usage is not None  # the old one, with its age
    finally:
        private.revive()
    until(lambda: shared.look([container])[container.name].problem == "", 30)


class Refuses(Counted):
    def stats(self, container):  # type: ignore[no-untyped-def]
        raise EngineRefused("The use of it was asked for: the engine said no.")


def test_an_engine_that_refuses_is_told_in_its_words(containers: Containers, engine: Engine, gauges) -> None:
    container = containers.python(IDLE)
    shared = gauges(lambda: Refuses(engine))
    until(lambda: "the engine said no" in shared.look([container])[container.name].problem, 30)


class Hangs(Counted):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.entered, self.let_go = threading.Event(), threading.Event()

    def stats(self, container):  # type: ignore[no-untyped-def]
        self.entered.set()
        self.let_go.wait(60)
        raise EngineError("late")


def test_an_engine_that_hangs_holds_up_nobody_who_looks(
    containers: Containers, engine: Engine, gauges
) -> None:
    container = containers.python(IDLE)
    hangs = Hangs(engine)
    shared = gauges(lambda: hangs)
    shared.look([container])
    assert hangs.entered.wait(30)
    assert shared.look([container]) == {container.name: Gauge()}
    hangs.let_go.set()


def test_the_use_over_a_trial_is_kept_until_it_ends(containers: Containers, engine: Engine) -> None:
    container = containers.python(HOLDS)
    record = UsageRecord(engine, container)
    until(lambda: any((usage.memory or 0) > 100 * MIB for usage in record.series()), 30)
    record.close()
    assert not record._thread.is_alive()


def test_our_own_place_among_the_containers_is_known(
    containers: Containers, private, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = containers.python(IDLE)
    for own, beside in ((container.id, True), ("f" * 64, False), (None, False)):
        monkeypatch.setattr("dashboard.engine.connection.own_container", lambda own=own: own)
        with closing(Engine.open(private.environment())) as opened:
            assert opened.neighbour is beside


def test_a_process_in_a_container_knows_which_one_it_is_in(containers: Containers) -> None:
    container = containers.python("print(open('/proc/self/mountinfo').read(), 'up'); " + IDLE)
    up(containers, container.name)
    mounts = containers.private.client("logs", container.name).stdout
    assert own_container(mounts) == container.id


def test_a_container_beside_us_is_met_though_its_engine_is_behind_a_proxy(
    containers: Containers, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = containers.python(IDLE, "-p", "18413:8000")
    monkeypatch.setattr(engine, "host", "tcp://192.0.2.7:2375")
    monkeypatch.setattr(engine, "_neighbour", True)
    assert reachable_address(engine, container, 8000) == (container.addresses[0], 8000)
