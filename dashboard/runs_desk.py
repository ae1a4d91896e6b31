"""What *History* shows and does: its filters, kept in the address, and what is done to the ticked runs.

?search=&verdict=&tag=&since=&log=&page=  <--chosen-- widgets --seed--> RunFilter --> Store --> Found
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

import streamlit as st

from dashboard import session
from dashboard.curation import all_tags, delete_runs, read_tags, tag_runs, write_note
from dashboard.evidence import LogLine
from dashboard.language import _
from dashboard.listing import run_rows
from dashboard.log_search import Found as LogFound
from dashboard.log_search import runs_that_say
from dashboard.logpack import LogPattern, PatternError
from dashboard.retold import told
from dashboard.run_index import OUTCOMES, RunFilter, RunSummary
from dashboard.store import Store, StoreError

__all__ = [
    "ANY",
    "KEYS",
    "OUTCOME_LABELS",
    "PAGE_ROWS",
    "PERIOD_LABELS",
    "Page",
    "chosen",
    "delete",
    "note",
    "page",
    "rows",
    "seed",
    "table_key",
    "tag",
    "tags",
    "told_once",
    "turn_to",
]

ANY: Final = ""
SEARCH, OUTCOME, TAGS, PERIOD, LOG = KEYS = ("search", "verdict", "tag", "since", "log")
"""Keys of the filters' widgets, and their names in the address."""
PAGE_ROWS: Final = 100
_PAGE: Final = "page"
_SEEDED: Final = "history_address"
_TOLD: Final = "history_told"
_LOG_SEARCH_S: Final = 3.0
"""How long a page may look through logs; `history grep` looks through all of them."""
_DAY_S: Final = 86_400


def _labels(*pairs: tuple[str, Callable[[], str]]) -> Mapping[str, Callable[[], str]]:
    return dict(pairs)


# Asked for when they are shown: each viewer has a language of their own
OUTCOME_LABELS: Final = _labels(
    (ANY, lambda: _("All")),
    ("green", lambda: _("✓ Green")),
    ("red", lambda: _("✕ Red")),
    ("inconclusive", lambda: _("? Inconclusive")),
    ("running", lambda: _("… Running")),
    ("interrupted", lambda: _("! Interrupted")),
    ("failed", lambda: _("! Not made")),
    ("aborted", lambda: _("! Aborted")),
)
PERIOD_LABELS: Final = _labels(
    (ANY, lambda: _("Any time")),
    ("1d", lambda: _("The last 24 hours")),
    ("7d", lambda: _("The last 7 days")),
    ("30d", lambda: _("The last 30 days")),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list.

    Attributes:
        runs: newest first. hits: for which line of its log a run was found.
        matching, all: how many runs match, and how many there are.
        number, last: this page and the last one, from 1.
        problem: what stands against reading them, as a sentence. partly: only so many runs' logs were read.
    """

    runs: tuple[RunSummary, ...] = ()
    hits: Mapping[str, LogLine] = field(default_factory=dict)
    matching: int = 0
    all: int = 0
    number: int = 1
    last: int = 1
    problem: str = ""
    partly: int | None = None


def seed() -> None:
    """Give the widgets what the address says, before they are drawn, when it is another than theirs."""
    address = _address()
    if st.session_state.get(_SEEDED) == address and SEARCH in st.session_state:
        return
    st.session_state[_SEEDED] = address
    given = dict(address)
    st.session_state[SEARCH], st.session_state[LOG] = given[SEARCH], given[LOG]
    st.session_state[OUTCOME] = given[OUTCOME] if given[OUTCOME] in OUTCOME_LABELS else ANY
    st.session_state[PERIOD] = given[PERIOD] if given[PERIOD] in PERIOD_LABELS else ANY
    st.session_state[TAGS] = given[TAGS].split()


def _address() -> tuple[tuple[str, str], ...]:
    return tuple((key, st.query_params.get(key, "")) for key in KEYS)


def chosen() -> None:
    """Put what the widgets say into the address, at its first page; for their `on_change`."""
    state = st.session_state
    values = {key: state[key] or "" for key in (SEARCH, OUTCOME, PERIOD, LOG)} | {TAGS: " ".join(state[TAGS])}
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in (*KEYS, _PAGE)}
    st.query_params.from_dict(others | {name: value for name, value in values.items() if value})
    st.session_state[_SEEDED] = _address()


def turn_to(number: int) -> None:
    """Go to another page of the list."""
    st.query_params[_PAGE] = str(number)


def tags() -> list[str]:
    """Return the tags to choose from, those that are chosen among them."""
    try:
        known = all_tags(session.console().store)
    except StoreError:
        known = ()
    return list(dict.fromkeys((*known, *st.session_state.get(TAGS, ()))))


def page() -> Page:
    """Return what the address asks for."""
    store = session.console().store
    given = dict(_address())
    days = {"1d": 1, "7d": 7, "30d": 30}.get(given[PERIOD])
    wanted = RunFilter(
        given[SEARCH],
        next((each for each in OUTCOMES if each == given[OUTCOME]), None),
        tuple(given[TAGS].split()),
        None if days is None else time.time() - days * _DAY_S,
    )
    number = session.address_number(_PAGE) or 1
    try:
        return _said(store, wanted, given[LOG], number) if given[LOG] else _listed(store, wanted, number)
    except PatternError as error:
        return Page(all=store.count(), problem=str(error))
    except StoreError as error:
        return Page(problem=str(error))


def _listed(store: Store, wanted: RunFilter, number: int) -> Page:
    total = store.count()
    matching = total if wanted.everything else store.count(wanted)
    last = max(1, -(-matching // PAGE_ROWS))
    number = min(max(number, 1), last)
    runs = store.list(wanted, limit=PAGE_ROWS, skip=(number - 1) * PAGE_ROWS)
    return Page(runs, {}, matching, total, number, last)


def _said(store: Store, wanted: RunFilter, text: str, number: int) -> Page:
    found = _looked_up(store, wanted, text)
    runs = [run for run in store.list(wanted, limit=None) if run.run_id in found.first]
    last = max(1, -(-len(runs) // PAGE_ROWS))
    number = min(max(number, 1), last)
    shown = tuple(runs[(number - 1) * PAGE_ROWS : number * PAGE_ROWS])
    partly = None if found.whole else found.looked_at
    return Page(shown, found.first, len(runs), store.count(), number, last, partly=partly)


def _looked_up(store: Store, wanted: RunFilter, text: str) -> LogFound:
    """Look through the logs, once for each search: a click on a row is no new one."""
    newest = store.list(wanted, limit=1)
    key = (text, dict(_address())[PERIOD], wanted.text, wanted.outcome, wanted.tags)
    seen = (key, newest[0].run_id if newest else None, newest[0].size_bytes if newest else 0)
    kept = st.session_state.get("history_log_search")
    if kept is not None and kept[0] == seen:
        found: LogFound = kept[1]
        return found
    found = runs_that_say(store, LogPattern(text), wanted, within_s=_LOG_SEARCH_S)
    st.session_state["history_log_search"] = (seen, found)
    return found


def rows(found: Page) -> list[dict[str, Any]]:
    """Return the rows of the table in the viewer's language; what operators wrote stays as it is."""
    return [
        row | {"Verdict": told(row["Verdict"]), "Guard": row["Guard"] and told(row["Guard"])}
        for row in run_rows(found.runs, found.hits)
    ]


def table_key(run_ids: Sequence[str]) -> str:
    """Return the key of the table of these runs: of another list the ticks, which are places, mean others."""
    return f"runs-{crc32(' '.join(run_ids).encode()):08x}"


def told_once() -> tuple[str, str]:
    """Return what was done to runs last, and what stood against it; once, and one of them at the most."""
    told_last: tuple[str, str] = st.session_state.pop(_TOLD, ("", ""))
    return told_last


def tag(run_ids: Sequence[str], before: Sequence[str], after: Sequence[str]) -> str:
    """Change the tags that runs have in common; return what stands against it, or nothing when done."""
    try:
        typed = read_tags(" ".join(after))
        tag_runs(
            session.console().store,
            run_ids,
            add=[each for each in typed if each not in before],
            remove=[each for each in before if each not in typed],
            actor=session.actor(),
        )
    except StoreError as error:
        return str(error)
    return ""


def note(run_id: str, text: str) -> str:
    """Write a run's note; return what stands against it, or nothing when it was done."""
    try:
        write_note(session.console().store, run_id, text, actor=session.actor())
    except StoreError as error:
        return str(error)
    return ""


def delete(run_ids: Sequence[str]) -> None:
    """Delete runs; `told_once` tells how it went."""
    store = session.console().store
    try:
        delete_runs(store, run_ids, actor=session.actor())
        store.give_back_space()
    except StoreError as error:
        st.session_state[_TOLD] = ("", str(error))
        return
    done = (
        _("Run {run_id} was deleted.", run_id=run_ids[0])
        if len(run_ids) == 1
        else _("{count} runs were deleted.", count=len(run_ids))
    )
    st.session_state[_TOLD] = (done, "")
