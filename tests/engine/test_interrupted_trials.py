"""Trials of containers that something happens to in the middle: never a green, and the cause is told."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.engine.connection import Engine
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.summary import summary
from tests.engine.conftest import Containers
from tests.engine.launcher import Launcher, codes, service, stranger
from tests.engine.private_engine import until

SLOW = service(work="time.sleep(4)")
DYING = service(work="__import__('os')._exit(7)")
ONE_LOAD = "Loading LLaVa model"
HUNGRY = service(work="held = [bytearray(2**20) for _ in range(100_000)]")  # a hundred times what it may have


def interrupted(
    containers: Containers,
    launch: Launcher,
    script: str,
    act: Callable[[str], object],
    *options: str,
    timeout_s: float = 30,
) -> RunRecord:
    """Do something to a service while its load is under way, and return what the run says."""
    name = stranger(containers, launch, script, *options)
    runner = launch.runner("yh")
    run_id = runner.launch(
        RunSettings(target="container:yh", variants_per_job=3, timeout_s=timeout_s), actor="test"
    )
    until(lambda: ONE_LOAD in containers.private.client("logs", name).stdout, 60)
    act(name)
    return runner.wait(run_id, 120)


def words(record: RunRecord) -> str:
    assert record.verdict is not None
    return " ".join(reason.text for reason in record.verdict.reasons)


def test_left_alone_the_same_trial_is_green(containers: Containers, launch: Launcher) -> None:
    record = interrupted(containers, launch, SLOW, lambda name: None)
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict


def test_a_python_that_holds_its_output_back_is_noted_beside_the_verdict(
    containers: Containers, launch: Launcher, engine: Engine
) -> None:
    held_back = containers.run("python3", "-c", SLOW, options=("--stop-signal", "KILL"))
    launch.enter(held_back.name)
    record = launch.run("yh", variants_per_job=3)
    assert record.verdict is not None
    assert record.verdict.verdict == "green", record.verdict  # it flushes each of its lines itself
    assert any("PYTHONUNBUFFERED=1" in note for note in record.trials[0].notes)
    assert any("PYTHONUNBUFFERED=1" in line for line in summary(record))


def test_a_restart_in_the_middle_is_never_green(
    containers: Containers, launch: Launcher, engine: Engine
) -> None:
    record = interrupted(
        containers, launch, SLOW, lambda name: engine.restart(engine.container(name), grace=0)
    )
    assert record.verdict is not None
    assert record.verdict.verdict != "green", record.verdict
    assert {"restarted", "worker_died"} & set(codes(record)), record.verdict


def test_somebody_who_kills_it_in_the_middle_of_the_load_proves_nothing(
    containers: Containers, launch: Launcher
) -> None:
    record = interrupted(containers, launch, SLOW, lambda name: containers.private.client("kill", name))
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive", record.verdict
    assert codes(record)[0] == "restarted"
    assert "somebody or a health check stopped it" in words(record)


def test_a_service_that_dies_in_its_load_is_red(containers: Containers, launch: Launcher) -> None:
    record = interrupted(containers, launch, DYING, lambda name: None)
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict
    assert codes(record)[0] == "worker_died"
    assert "exit status 7" in words(record)


def test_a_load_that_the_kernel_ends_for_want_of_memory_is_red_and_says_so(
    containers: Containers, launch: Launcher
) -> None:
    record = interrupted(
        containers, launch, HUNGRY, lambda name: None, "--memory", "64m", "--memory-swap", "64m"
    )
    assert record.verdict is not None
    assert record.verdict.verdict == "red", record.verdict
    assert codes(record)[0] == "out_of_memory"
    assert "killed for want of memory while it loaded the model" in words(record)


def test_a_pause_in_the_middle_is_inconclusive(containers: Containers, launch: Launcher) -> None:
    record = interrupted(
        containers, launch, SLOW, lambda name: containers.private.client("pause", name), timeout_s=6
    )
    assert record.verdict is not None
    assert record.verdict.verdict == "inconclusive", record.verdict
    assert {"not_answered", "unfinished"} & set(codes(record)), record.verdict


def test_an_engine_that_is_killed_in_the_middle_costs_no_line_or_says_so(
    containers: Containers, launch: Launcher
) -> None:
    def crash(name: str) -> None:
        containers.private.crash()
        containers.private.revive()

    record = interrupted(containers, launch, SLOW, crash)
    assert record.verdict is not None
    # Its containers live on and its log is read to its end: green is right then, and only then
    assert record.verdict.counts.load_started == 1
    assert record.verdict.verdict == "green" or "gap" in codes(record), record.verdict


def test_a_container_that_is_removed_in_the_middle_is_never_green(
    containers: Containers, launch: Launcher
) -> None:
    record = interrupted(containers, launch, SLOW, lambda name: containers.private.client("rm", "-f", name))
    assert record.verdict is not None
    assert record.verdict.verdict != "green", record.verdict
