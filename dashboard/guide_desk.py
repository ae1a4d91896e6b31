"""What a tab's *Guide* page is about: the target of its address, and what came of the page's buttons."""

from __future__ import annotations

import time
from typing import Any, Final

import streamlit as st

from dashboard import session
from dashboard.audit_desk import audit_in_container
from dashboard.guide import DEFAULT_MODULE, GuideFacts, ReadSource
from dashboard.log_desk import JudgedLog, judge_container_log
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.shown import Shown
from dashboard.store import StoreError

__all__ = ["MODULE_KEY", "TARGET_KEY", "choose", "facts", "press", "targets"]

TARGET_KEY: Final = "guide_target"
MODULE_KEY: Final = "guide_module"
"""Keys of the page's two fields."""
_LOGS: Final = "guide_logs"
_SOURCES: Final = "guide_sources"
_NEWEST: Final = "guide_newest"
_CONTAINER: Final = "container:"


def targets(shown: Shown) -> list[str]:
    """Return the targets to choose from, and give the fields what the address says; before they are drawn."""
    allowed = [f"{_CONTAINER}{each.name}" for each in shown.containers if each.name in shown.allowed]
    options = ["local", *allowed]
    named = st.query_params.get("target") or (allowed[0] if len(allowed) == 1 else "local")
    if TARGET_KEY not in st.session_state:
        st.session_state[TARGET_KEY] = named
        st.session_state[MODULE_KEY] = st.query_params.get("module") or DEFAULT_MODULE
    chosen = st.session_state[TARGET_KEY]
    session.address(target=chosen)
    return options if chosen in options else [*options, chosen]


def choose() -> None:
    """Follow the fields: what they say goes into the address."""
    session.address(target=st.session_state[TARGET_KEY], module=st.session_state[MODULE_KEY])


def facts() -> GuideFacts:
    """Return what is known of the chosen target at this moment."""
    shown, target = session.shown_containers(), st.session_state[TARGET_KEY]
    name = target.removeprefix(_CONTAINER)
    module = st.session_state[MODULE_KEY].strip() or DEFAULT_MODULE
    container = next((each for each in shown.containers if each.name == name), None)
    logs: dict[str, JudgedLog] = _kept(_LOGS)
    sources: dict[str, ReadSource] = _kept(_SOURCES)
    return GuideFacts(
        target=target,
        module=module,
        record=_newest(target),
        container=container,
        allowed=target == "local" or name in shown.allowed,
        log=logs.get(target),
        source=sources.get(f"{target} {module}"),
        probe=session.console().probes.view(),
    )


def press(key: str) -> None:
    """Do what a button says; what came of it is among the facts from then on."""
    target, module = st.session_state[TARGET_KEY], st.session_state[MODULE_KEY].strip() or DEFAULT_MODULE
    name, home = target.removeprefix(_CONTAINER), session.console().home
    what, _dash, detail = key.partition("-")
    if what == "release":
        session.launch(RunSettings(target=target, variants_per_job=int(detail)))
    elif what == "judge":
        _kept(_LOGS)[target] = judge_container_log(name, home)
    elif what == "read":
        seen = audit_in_container(name, module, home)
        exit_code = None if seen.audit is None else seen.audit.exit_code
        read = ReadSource(time.time(), exit_code, seen.headline or seen.problem)
        _kept(_SOURCES)[f"{target} {module}"] = read


def _kept(key: str) -> dict[str, Any]:
    """Return what this tab keeps under a key, by what it is about."""
    if key not in st.session_state:
        st.session_state[key] = {}
    kept: dict[str, Any] = st.session_state[key]
    return kept


def _newest(target: str) -> RunRecord | None:
    """Return the newest run at a target; one that has ended is read from the history once."""
    console = session.console()
    active = console.runner.active()
    if active is not None and active.settings.target == target:
        return active
    runs, _problem = session.past_runs()
    newest = next((run.run_id for run in runs if run.target == target), None)
    if newest is None:
        return None
    kept: RunRecord | None = st.session_state.get(_NEWEST)
    if kept is None or kept.run_id != newest or kept.running:
        try:
            kept = console.runner.record(newest) or console.store.load(newest)
        except StoreError:
            return None  # History says what is wrong with it
        st.session_state[_NEWEST] = kept
    return kept
