"""A probe in a container as somebody's action: allowed or refused, made, judged, and recorded each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.probing.container import NoRoom, NotAllowed, check_allowed, check_room, probe_container
from dashboard.probing.judgement import judge_probe
from dashboard.probing.report import Asked
from dashboard.probing.result import ProbeVerdict
from dashboard.probing.source import with_source_in_container
from dashboard.probing.watch import Stop
from dashboard.store import Store, StoreError
from dashboard.target_settings import TargetSettings

__all__ = ["Declined", "Stopped", "probe_as"]

_MOST = 500  # characters of an outcome that are kept


class Declined(Exception):
    """Whoever was asked said no."""


class Stopped(Exception):
    """Somebody ended the probe before it had come to its end: nothing is proven."""


def probe_as(
    actor: str,
    engine: Engine,
    name: str,
    asked: Asked,
    settings: TargetSettings,
    store: Store,
    *,
    force: bool = False,
    agree: Callable[[ContainerFacts], bool] = lambda container: True,
    stop: Stop | None = None,
) -> ProbeVerdict:
    """Probe in the container `name` for `actor`, who is asked by `agree` when nothing else is in the way.

    What was asked for, and what came of it, is recorded among the actions. Blocks until the probe has ended.

    Raises:
        NotAllowed, NoRoom: as `check_allowed` and `check_room`; nothing was touched.
        Declined: `agree` said no. Stopped: `stop` was said meanwhile.
        EngineError: the engine or the container is out of reach.
    """
    target = f"container:{name}"
    with _recorded(store, actor, target) as outcome:
        container = engine.container(name)
        target = outcome.target = f"container:{container.name}"
        check_allowed(container, settings)
        if not force:
            check_room(engine, container)
        if not agree(container):
            raise Declined
        _note(store, actor, target, "started")
        report = probe_container(engine, container, asked, stop)
        if stop is not None and stop.said:
            raise Stopped
        judged = with_source_in_container(judge_probe(report, beside_service=True), engine, container)
        outcome.text = judged.verdict.verdict
        return judged


class _Outcome:
    def __init__(self, target: str) -> None:
        self.target, self.text = target, "stopped"


@contextmanager
def _recorded(store: Store, actor: str, target: str) -> Iterator[_Outcome]:
    outcome = _Outcome(target)
    try:
        yield outcome
    except (NotAllowed, NoRoom) as error:
        outcome.text = f"refused: {error}"
        raise
    except Declined:
        outcome.text = "declined"
        raise
    except EngineError as error:
        outcome.text = f"failed: {error}"
        raise
    finally:
        _note(store, actor, outcome.target, outcome.text)


def _note(store: Store, actor: str, target: str, outcome: str) -> None:
    with suppress(StoreError):  # the probe counts, whatever the history says
        store.note_action(actor=actor, action="probe", target=target, outcome=outcome[:_MOST])
