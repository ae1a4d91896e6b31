"""What outlives a page: the process-wide console, and the sole door to `st.session_state` and the address.

    app.lifespan --open_console--> Console(runner, store, tokens) --console()--> pages, live routes
    browser tab  --st.session_state, ?run=…--> chosen_run(), refusal()

Not `st.cache_resource`: "Clear caches" in any browser would end the run of everybody.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st

from dashboard.console import Console, ConsoleRunner, open_parts
from dashboard.engine.faults import EngineError
from dashboard.record import RunRecord
from dashboard.runs import PreflightError, RunInProgress
from dashboard.settings import RunSettings, SettingsError
from dashboard.shown import Shown
from dashboard.store import RunSummary, StoreError
from dashboard.target_settings import SettingsText, TargetSettingsError, read_text, save_text
from dashboard.targets.container import only_looked_at

__all__ = [
    "SETTINGS_KEY",
    "TARGET_KEY",
    "Chosen",
    "Console",
    "ConsoleClosed",
    "ConsoleRunner",
    "Refusal",
    "abort",
    "actor",
    "address",
    "address_number",
    "chosen_run",
    "close_console",
    "console",
    "disturbed",
    "install",
    "launch",
    "open_console",
    "past_runs",
    "pick_run",
    "refusal",
    "run_picker_key",
    "save_settings",
    "settings_text",
    "shown_containers",
    "target_options",
    "turn_to_trial",
]


class ConsoleClosed(RuntimeError):
    """A page was asked for before the console was opened, or after it was closed."""


_lock = threading.Lock()  # guards `_console`: the lifespan, every script thread and the routes look at it
_console: Console | None = None


def console() -> Console:
    """Return the process-wide console.

    Raises:
        ConsoleClosed: there is none.
    """
    with _lock:
        if _console is None:
            raise ConsoleClosed("The console is not open. Start it with `make run`.")
        return _console


def install(new: Console | None) -> Console | None:
    """Put `new` in the place of the console and return what was there; the caller closes it."""
    global _console
    with _lock:
        old, _console = _console, new
        return old


def open_console(home: Path) -> Console:
    """Open the history, begin to warm up, and install the console. Blocks for a fraction of a second.

    Raises:
        StoreError: the history cannot be used.
    """
    opened = open_parts(home)
    install(opened)
    return opened


def close_console() -> None:
    """End the run under way and everything that was started. Idempotent; blocks for seconds at the most."""
    old = install(None)
    if old is not None:
        old.close()


# ---------------------------------------------------------------------- one browser tab

_REFUSAL: Final = "refusal"
_PICKED: Final = "picked_run"
TARGET_KEY: Final = "target"
"""Key of the list from which a launch's target is chosen."""
_SETTINGS: Final = "settings_begun"
SETTINGS_KEY: Final = "settings_typed"
"""Key of the text field in which targets.toml is edited."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a launch was refused: a sentence for each field of `RunSettings`, or one for the whole."""

    settings: RunSettings
    errors: Mapping[str, str]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run to look at; without one, `problem` says why, and is empty when there is none yet."""

    record: RunRecord | None
    problem: str = ""


def actor() -> str:
    """Return who acts: without a login, `local`."""
    return "local"


def launch(settings: RunSettings) -> str | None:
    """Launch a run and return its id. When it is refused, `refusal` tells why and None comes back."""
    st.session_state.pop(_REFUSAL, None)
    try:
        return console().runner.launch(settings, actor=actor())
    except SettingsError as error:
        st.session_state[_REFUSAL] = Refusal(settings, error.errors)
    except (PreflightError, RunInProgress, StoreError) as error:
        st.session_state[_REFUSAL] = Refusal(settings, {}, str(error))
    return None


def refusal(settings: RunSettings | None = None) -> Refusal | None:
    """Return why the last launch was refused; with `settings`, only if it was these that were."""
    kept: Refusal | None = st.session_state.get(_REFUSAL)
    return kept if kept is not None and settings in (None, kept.settings) else None


def abort(run_id: str) -> None:
    """Ask a run to end; what it has seen is kept. A run that has ended already stays as it is."""
    console().runner.abort(run_id, actor=actor())


def address_number(name: str) -> int | None:
    """Return a number of the address; None when it is missing or no number."""
    text = st.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def address(**values: str | int) -> None:
    """Put values into the address, so that a reload, a second tab and a colleague see the same."""
    for name, value in values.items():
        if st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)


def turn_to_trial(place: int) -> None:
    """Put another trial of the run into the address; a line or a moment of the one before goes out of it."""
    for name in ("line", "at"):
        st.query_params.pop(name, None)
    address(trial=place)


def pick_run() -> None:
    """Follow the run picker: its run goes into the address, and the trial of the old one out of it."""
    st.query_params.from_dict({"run": st.session_state[_PICKED]})


def run_picker_key(run_id: str) -> str:
    """Return the key of the run picker, which shows `run_id`; only before the picker is drawn."""
    st.session_state[_PICKED] = run_id
    return _PICKED


def chosen_run() -> Chosen:
    """Return the run that the address names, else the one under way, else the newest."""
    try:
        named = st.query_params.get("run")
        if named:
            record = console().record(named)
            problem = f"Run {named} is not in this console’s history. Open History to see the runs that are."
            return Chosen(record, "" if record is not None else problem)
        active = console().runner.active()
        if active is not None:
            return Chosen(active)
        newest = console().store.list(limit=1)
        return Chosen(console().record(newest[0].run_id) if newest else None)
    except StoreError as error:
        return Chosen(None, str(error))


def shown_containers() -> Shown:
    """Return the containers of this machine's engine, as targets.toml lets them be seen."""
    return console().shown()


def target_options(shown: Shown) -> list[str]:
    """Return the targets to choose from; before their list, of the key `TARGET_KEY`, is drawn.

    The one that the address names is chosen, once; one that was chosen stays, though its container went.
    """
    options = [
        "local",
        *(f"container:{each.name}" for each in shown.containers if each.name in shown.allowed),
    ]
    named = st.query_params.pop("target", None)
    if named is not None:
        st.session_state[TARGET_KEY] = named
    chosen = st.session_state.get(TARGET_KEY)
    return options if chosen is None or chosen in options else [*options, chosen]


def disturbed(name: str) -> str:
    """Say what a restart of a container would disturb, or why nobody knows or may look."""
    shown = shown_containers()
    if name not in shown.allowed:
        if any(each.name == name for each in shown.containers):
            return only_looked_at(name)
        return shown.unseen(name) or shown.problem or f"No such container: {name}. Choose another target."
    try:
        return console().containers.disturbs(name)
    except EngineError as error:
        return str(error)


def settings_text() -> tuple[SettingsText | None, str]:
    """Return targets.toml as this tab began to edit it, and what stands against reading it, if anything does.

    What was typed is never lost: a file that changes meanwhile is shown only when nothing was typed.
    Called before the text field of the key `SETTINGS_KEY` is drawn.
    """
    home = console().home
    if home is None:
        return None, "This console has no data folder, and so no targets.toml."
    begun: SettingsText | None = st.session_state.get(_SETTINGS)
    if begun is not None and st.session_state.get(SETTINGS_KEY, begun.text) != begun.text:
        return begun, ""
    try:
        begun = read_text(home)
    except TargetSettingsError as error:
        return None, str(error)
    st.session_state[_SETTINGS], st.session_state[SETTINGS_KEY] = begun, begun.text
    return begun, ""


def save_settings(before: SettingsText, text: str) -> str:
    """Save targets.toml; return what stands against it, or nothing when it was saved."""
    outcome = "saved"
    try:
        save_text(before, text)
    except TargetSettingsError as error:
        outcome = str(error)
    else:
        st.session_state.pop(_SETTINGS, None)
    with suppress(StoreError):  # the settings count, whatever the history says
        console().store.note_action(
            actor=actor(), action="settings", target=str(before.path), outcome=outcome
        )
    return "" if outcome == "saved" else outcome


def past_runs(limit: int = 200) -> tuple[tuple[RunSummary, ...], str]:
    """Return the newest runs, and what stands against reading them, if anything does."""
    try:
        return console().store.list(limit=limit), ""
    except StoreError as error:
        return (), str(error)
