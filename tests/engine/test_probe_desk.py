"""Probes that the page asks for, in containers of a real engine: made, stopped, ended with the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.probe_desk import ProbeDesk, ProbeView
from dashboard.probing.report import Asked
from dashboard.store import Store
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import PrivateEngine, until

SLEEP = "import time; print('up'); time.sleep(600)"
SERVICES = ("-v", f"{ROOT / 'tests' / 'services'}:/service:ro", "-w", "/service")
ALLOWED = ("--label", "loadonce.target=true")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(f"sqlite:///{tmp_path / 'history.db'}")) as opened:
        yield opened


@pytest.fixture
def desk(private: PrivateEngine) -> Iterator[ProbeDesk]:
    with closing(ProbeDesk(lambda: Engine.open(private.environment()))) as made:
        yield made


@pytest.fixture
def begin(desk: ProbeDesk, store: Store, tmp_path: Path) -> Callable[[ContainerFacts, str], None]:
    def ask(container: ContainerFacts, service: str) -> None:
        asked = Asked(service, "get_model", 3, 60.0)
        assert desk.begin(container.name, asked, home=tmp_path, store=store, actor="ann") == ""

    return ask


def ended(desk: ProbeDesk) -> ProbeView:
    until(lambda: not desk.view().running, 60)  # type: ignore[union-attr]
    view = desk.view()
    assert view is not None
    return view


def outcomes(store: Store) -> list[tuple[str, str]]:
    return [(one.actor, one.outcome) for one in reversed(store.actions())]


def processes(containers: Containers, container: ContainerFacts) -> list[str]:
    return containers.private.client("top", container.name, "-eo", "pid,args").stdout.strip().splitlines()[1:]


def test_a_probe_is_judged_and_recorded_with_who_asked(
    containers: Containers, desk: ProbeDesk, begin: Callable[..., None], store: Store
) -> None:
    begin(containers.python(SLEEP, *ALLOWED, *SERVICES), "no_lock")
    judged = ended(desk).judged
    assert judged is not None
    assert judged.verdict.verdict == "red"
    assert outcomes(store) == [("ann", "started"), ("ann", "red")]


def test_a_container_on_nobody_s_list_is_told_with_what_to_do(
    containers: Containers, desk: ProbeDesk, begin: Callable[..., None]
) -> None:
    begin(containers.python(SLEEP, *SERVICES), "no_lock")
    assert "loadonce.target=true" in ended(desk).problem


@pytest.mark.parametrize("how", ["stop", "close"])
def test_a_probe_that_is_stopped_leaves_no_process_and_no_verdict(
    containers: Containers, desk: ProbeDesk, begin: Callable[..., None], store: Store, how: str
) -> None:
    container = containers.python(SLEEP, *ALLOWED, *SERVICES)
    begin(container, "never_back")
    until(lambda: len(processes(containers, container)) == 2, 30)
    getattr(desk, how)()
    view = ended(desk)
    assert (view.judged, "nothing is proven" in view.problem) == (None, True)
    assert len(processes(containers, container)) == 1
    assert outcomes(store) == [("ann", "started"), ("ann", "stopped")]
