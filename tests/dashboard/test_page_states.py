"""Every page when something that it needs is not there: a sentence with the next step, and the rest works."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.live_access import LiveTokens
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run, red_run

FRAME = Path(session.__file__).with_name("frame.py")
PAGES = sorted(set(re.findall(r'st\.Page\(\s*"app_pages/(\w+)\.py"', FRAME.read_text("utf-8"))))
NO_ENGINE = "No Docker engine answers at unix:///var/run/docker.sock. Start Docker."
READERS = ("compare", "history", "logs", "run", "sweep", "timeline")
"""The pages that show what is kept."""
FOLLOWERS = ("guide", "targets", "probe", "watch")
"""The pages that can do nothing without containers."""
UNKNOWN = "Run no-such-run is not in this console’s history."
TOLD = {
    **dict.fromkeys(("compare", "logs", "run", "timeline"), UNKNOWN),
    "history": "'(' is no pattern of RE2",
    "launch": "The address asks for x at guard, which is none of the choices here.",
}
"""What is said of an address that leads nowhere; the other pages need nothing of it."""


@pytest.fixture(autouse=True)
def _console(store: Store, tmp_path: Path) -> Iterator[None]:
    for run in (green_run(), red_run()):
        store.save(run)
    runner, shelf = RecordedRunner(), RecordedShelf(problem=NO_ENGINE)  # type: ignore[no-untyped-call]
    before = session.install(session.Console(runner, store, LiveTokens(), shelf, tmp_path / "home"))
    yield
    session.install(before)


def opened(page: str, query: Mapping[str, str] = MappingProxyType({})) -> str:
    """All that a page says; it must come to its end without a traceback."""
    tab = AppTest.from_file(str(FRAME), default_timeout=60)
    tab.run()
    if page != "launch":
        tab.switch_page(f"app_pages/{page}.py")
    tab.query_params.update(query)
    tab.run()
    assert not tab.exception, tab.exception[0].message
    said = (*tab.markdown, *tab.info, *tab.warning, *tab.error)
    return re.sub(r"\\(?=[^\w\s])", "", "\n".join(each.value for each in said))  # as Markdown shows it


@pytest.mark.parametrize("page", PAGES)
def test_a_history_that_cannot_be_read_is_told_where_it_is_needed(tmp_path: Path, page: str) -> None:
    with closing(sqlite3.connect(tmp_path / "history.db")) as other, other:  # while the console runs
        other.execute("DROP TABLE runs")
        other.execute("DROP TABLE sweeps")
    said = opened(page)
    assert ("could not be used (no such table" in said) == (page in READERS), said
    assert ("Move it away, or set LOADONCE" in said) == (page in READERS), said


@pytest.mark.parametrize("page", PAGES)
def test_an_engine_that_does_not_answer_is_told_where_it_is_needed(page: str) -> None:
    said = opened(page)
    assert (NO_ENGINE in said) == (page in FOLLOWERS), said


@pytest.mark.parametrize("page", PAGES)
def test_an_address_that_leads_nowhere_is_told_and_breaks_nothing(page: str) -> None:
    names = dict.fromkeys(("run", "sweep", "before", "after", "over"), "no-such-run")
    numbers = dict.fromkeys(("trial", "line", "begin", "end", "at", "page", "jobs", "tail"), "-1e999")
    others = {"log": "(", "verdict": "blue", "guard": "x", "latency": "x", "last": "x", "view": "x"}
    assert TOLD.get(page, "") in opened(page, names | numbers | others)
