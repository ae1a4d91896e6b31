"""What a tab's *Guide* page is about: the target of its address, and what came of the page's buttons."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Any, Final

import streamlit as st

from dashboard import session
from dashboard.audit_desk import audit_in_container
from dashboard.engine.facts import ContainerFacts
from dashboard.guide import DEFAULT_MODULE, GuideFacts, ReadSource
from dashboard.log_desk import JudgedLog, judge_container_log
from dashboard.record import RunRecord
from dashboard.settings import RunSettings
from dashboard.shown import Shown
from dashboard.store import StoreError
from dashboard.target_settings import TargetSettingsError, TriggerSettings, target_settings

__all__ = ["MODULE_KEY", "TARGET_KEY", "choose", "facts", "press", "targets"]

TARGET_KEY: Final = "guide_target"
MODULE_KEY: Final = "guide_module"
"""Keys of the page's two fields."""
_LOGS: Final = "guide_logs"
_SOURCES: Final = "guide_sources"
_NEWEST: Final = "guide_newest"
_OTHERS: Final = "guide_others"
_MOST_READ: Final = 20
"""Runs that are opened in the search for one: those of a sweep may begin warm."""
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
        trigger=_trigger(container),
        python=_python(),
    )


def _trigger(container: ContainerFacts | None) -> TriggerSettings | None:
    """Return how `targets.toml` says that a container is triggered."""
    home = session.console().home
    if container is None or home is None:
        return None
    try:
        entry = target_settings(home).entry_for(container)
    except TargetSettingsError:
        return None  # Targets says what is wrong with it
    return None if entry is None else entry.trigger


def _python() -> str:
    """Return the interpreter as one would type it in the folder in which the console runs."""
    path, here = Path(sys.executable), Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


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
    """Return the newest run that does at a target what the guide does: guarded, and begun with no model."""
    active = session.console().runner.active()
    if active is not None and active.settings.target == target and _is_like_the_guide(active):
        return active
    runs, _problem = session.past_runs()
    others: dict[str, bool] = _kept(_OTHERS)
    guarded = [run.run_id for run in runs if run.target == target and run.guard == "on"]
    for run_id in guarded[:_MOST_READ]:
        record = None if run_id in others else _read(run_id)
        if record is not None and _is_like_the_guide(record):
            return record
        others[run_id] = True
    return None


def _is_like_the_guide(record: RunRecord) -> bool:
    return record.settings.guard == "on" and not record.settings.warm


def _read(run_id: str) -> RunRecord | None:
    """Return a run of the history; one that has ended is read once."""
    kept: RunRecord | None = st.session_state.get(_NEWEST)
    if kept is None or kept.run_id != run_id or kept.running:
        console = session.console()
        try:
            kept = console.runner.record(run_id) or console.store.load(run_id)
        except StoreError:
            return None  # History says what is wrong with it
        st.session_state[_NEWEST] = kept
    return kept
