"""The Probe page: what is asked before a probe, and what is shown of it; without an engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.audit_desk import AuditView, audit_in_container
from dashboard.auditing.reading import audit_source
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import EngineError
from dashboard.live_access import LiveTokens
from dashboard.printable import as_it_is
from dashboard.probe_desk import ProbeDesk, ProbeView, asked_for
from dashboard.probing.folder import probe_folder
from dashboard.probing.judgement import judge_probe
from dashboard.probing.report import Asked
from dashboard.store import Store
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf
from tests.dashboard.records import green_run

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
SERVICES = Path(__file__).parents[1] / "services"
YH = ContainerFacts("1", "yh", "image", "sha256:1", "running", labels={"loadonce.target": "true"})
DB = ContainerFacts("2", "db", "image", "sha256:1", "running")
ASKED = Asked("double_checked", "get_model", 3, 30.0)

Open = Callable[..., AppTest]


class RecordedDesk:
    """A desk that holds this view, and notes what it was asked."""

    def __init__(self, view: ProbeView | None = None, refuses: str = "") -> None:
        self._view, self._refuses = view, refuses
        self.begun: list[tuple[str, str, int, bool, str]] = []
        self.stopped = 0

    def view(self) -> ProbeView | None:
        return self._view

    def begin(self, container: str, asked: Asked, *, actor: str, force: bool, **_: object) -> str:
        self.begun.append((container, f"{asked.module}:{asked.name}", asked.threads, force, actor))
        return self._refuses

    def stop(self) -> None:
        self.stopped += 1

    def close(self) -> None:
        pass


@pytest.fixture
def open_page(store: Store, tmp_path: Path) -> Iterator[Open]:
    before = session.install(None)

    def begin(desk: RecordedDesk, *containers: ContainerFacts, problem: str = "", **query: str) -> AppTest:
        console = session.Console(
            RecordedRunner(green_run()),  # type: ignore[no-untyped-call,arg-type]
            store,
            LiveTokens(),
            containers=RecordedShelf(*containers, problem=problem),  # type: ignore[arg-type]
            home=tmp_path,
            probes=desk,  # type: ignore[arg-type]
        )
        session.install(console)
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page("app_pages/probe.py")
        tab.query_params.update(query)
        tab.run()
        assert not tab.exception
        return tab

    yield begin
    session.install(before)


def words(tab: AppTest) -> str:
    kinds = (tab.markdown, tab.info, tab.warning, tab.error, tab.success)
    return " ".join(element.value for kind in kinds for element in kind)


def test_nothing_is_probed_before_it_was_agreed_to(open_page: Open) -> None:
    desk = RecordedDesk()
    tab = open_page(desk, YH)
    assert tab.button(key="probe").disabled
    tab.text_input(key="callable").set_value("services.llava:get_model").run()
    assert "has been up for 2 hours and has 4 open connections" in words(tab)
    assert tab.button(key="probe").disabled
    tab.checkbox[0].check().run()
    tab.button(key="probe").click().run()
    assert desk.begun == [("yh", "services.llava:get_model", 3, False, "local")]


def test_want_of_memory_may_be_passed_over_on_purpose(open_page: Open) -> None:
    desk = RecordedDesk()
    tab = open_page(desk, YH)
    tab.text_input(key="callable").set_value("a:b").run()
    tab.checkbox[0].check()
    tab.checkbox[1].check().run()
    tab.button(key="probe").click().run()
    assert desk.begun[0][3] is True


def test_only_what_may_be_tested_can_be_chosen(open_page: Open) -> None:
    assert open_page(RecordedDesk(), YH, DB).selectbox(key="probe_container").options == ["yh"]


def test_the_address_names_the_container(open_page: Open) -> None:
    other = replace(YH, id="3", name="zz")
    assert open_page(RecordedDesk(), YH, other, container="zz").selectbox(key="probe_container").value == "zz"


def test_a_container_that_may_not_be_tested_says_why(open_page: Open) -> None:
    assert "db may only be looked at" in words(open_page(RecordedDesk(), YH, DB, container="db"))


def test_without_an_engine_the_page_says_why(open_page: Open) -> None:
    assert "No Docker engine answers" in words(open_page(RecordedDesk(), problem="No Docker engine answers."))


def test_what_is_no_callable_is_told_as_it_was_typed(open_page: Open) -> None:
    tab = open_page(RecordedDesk(), YH)
    tab.text_input(key="callable").set_value("get_model()").run()
    assert "names no callable" in words(tab)
    assert tab.button(key="probe").disabled


def test_a_probe_that_cannot_begin_says_why(open_page: Open) -> None:
    tab = open_page(RecordedDesk(refuses="A probe in yh is under way."), YH)
    tab.text_input(key="callable").set_value("a:b").run()
    tab.checkbox[0].check().run()
    tab.button(key="probe").click().run()
    assert "A probe in yh is under way." in words(tab)


def test_a_probe_under_way_can_be_stopped(open_page: Open) -> None:
    desk = RecordedDesk(ProbeView("yh", ASKED, 1.0))
    tab = open_page(desk, YH)
    assert "A probe is under way" in words(tab)
    tab.button(key="probe_stop").click().run()
    assert desk.stopped == 1


@pytest.mark.parametrize(
    ("service", "headline"),
    [("double_checked", "✓ Loaded exactly once"), ("no_lock", "✕ Not loaded"), ("silent_once", "? No proof")],
)
def test_a_verdict_is_shown_in_words_with_a_row_for_each_thread(
    open_page: Open, service: str, headline: str
) -> None:
    asked = replace(ASKED, module=service)
    judged = judge_probe(probe_folder(asked, SERVICES))
    tab = open_page(RecordedDesk(ProbeView("yh", asked, 1.0, running=False, judged=judged)), YH)
    assert headline in words(tab)
    assert len(tab.dataframe[0].value) == 3


def test_a_probe_that_came_to_nothing_says_why(open_page: Open) -> None:
    view = ProbeView("yh", ASKED, 1.0, running=False, problem="python3 does not run in yh (![x](http://x)).")
    assert r"\!\[x\]\(http\://x\)" in words(open_page(RecordedDesk(view), YH))


def test_words_of_a_service_are_no_markdown() -> None:
    assert as_it_is("**no**\n# [a](b)") == r"\*\*no\*\* \# \[a\]\(b\)"


@pytest.mark.parametrize(
    ("name", "threads", "timeout", "said"),
    [
        ("a:b", 0, 1.0, "threads from 1"),
        ("a:b", None, 1.0, "threads from 1"),
        ("a:b", 1001, 1.0, "threads from 1"),
        ("a:b", 1, None, "a timeout in seconds"),
        ("a:b", 1, 0.0, "a timeout in seconds"),
        ("", 1, 1.0, "names no callable"),
    ],
)
def test_what_was_typed_wrongly_is_told(name: str, threads: int, timeout: float, said: str) -> None:
    assert said in asked_for(name, threads, timeout)[1]


# -- its source ------------------------------------------------------------------------------------------


@pytest.fixture
def in_container(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """An audit that reads the services of these tests, whatever container it is asked for; what was asked."""
    asked = list[tuple[str, str]]()

    def audit(container: str, text: str, home: Path | None) -> AuditView:
        asked.append((container, text))
        path = SERVICES / f"{text.partition(':')[0]}.py"
        if not path.exists():
            return AuditView(problem=f"yh has no module {text} in /app.")
        return AuditView(audit_source(path.read_bytes(), "/app/service.py", "get_model"))

    monkeypatch.setattr("dashboard.audit_desk.audit_in_container", audit)
    return asked


def test_a_source_is_read_of_any_container_that_can_be_seen(
    open_page: Open, in_container: list[tuple[str, str]]
) -> None:
    tab = open_page(RecordedDesk(), YH, replace(DB, state="exited"))
    assert tab.selectbox(key="audit_container").options == ["yh", "db"]
    tab.selectbox(key="audit_container").set_value("db")
    tab.text_input(key="audit_module").set_value("lock_per_call:get_model")
    next(each for each in tab.button if each.label == "Read the source").click().run()
    assert in_container == [("db", "lock_per_call:get_model")]
    assert "1 certain finding in get" in words(tab)
    assert "Line 11" in words(tab)
    assert "▶ 11      with threading.Lock():" in tab.code[0].value


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("double_checked", "Nothing is wrong with"),
        ("some_errors", "1 doubt in"),
        ("nothing", "yh has no module"),
    ],
)
def test_what_came_of_it_is_said(
    open_page: Open, in_container: list[tuple[str, str]], module: str, said: str
) -> None:
    assert said in words(open_page(RecordedDesk(), YH, source="yh", module=module))


def test_nothing_is_read_before_it_was_asked_for(
    open_page: Open, in_container: list[tuple[str, str]]
) -> None:
    open_page(RecordedDesk(), YH)
    assert in_container == []


@pytest.mark.parametrize(
    ("home", "asked", "said"), [(True, " ", "names no module"), (False, "a", "no data folder")]
)
def test_an_audit_that_cannot_begin_says_why(tmp_path: Path, home: bool, asked: str, said: str) -> None:
    view = audit_in_container("yh", asked, tmp_path if home else None, no_engine)  # type: ignore[arg-type]
    assert (view.audit, said in view.problem, view.headline, view.findings) == (None, True, "", ())


def test_an_audit_without_an_engine_says_so(tmp_path: Path) -> None:
    view = audit_in_container("yh", "a", tmp_path, no_engine)  # type: ignore[arg-type]
    assert view.problem == "No Docker engine answers at here."


# -- the desk itself -------------------------------------------------------------------------------------


def ended(desk: ProbeDesk) -> ProbeView:
    assert desk._thread is not None
    desk._thread.join(20)
    view = desk.view()
    assert view is not None
    return view


def no_engine() -> None:
    raise EngineError("No Docker engine answers at here.")


def test_without_an_engine_the_desk_says_so_and_takes_the_next(store: Store, tmp_path: Path) -> None:
    desk = ProbeDesk(no_engine)  # type: ignore[arg-type]
    for _ in range(2):
        assert desk.begin("yh", ASKED, home=tmp_path, store=store, actor="local") == ""
        view = ended(desk)
        assert (view.running, view.problem) == (False, "No Docker engine answers at here.")


def test_broken_settings_allow_no_probe(store: Store, tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text("[containers\n")
    desk = ProbeDesk(no_engine)  # type: ignore[arg-type]
    desk.begin("yh", ASKED, home=tmp_path, store=store, actor="local")
    assert "line 1" in ended(desk).problem


def test_one_probe_at_a_time(store: Store, tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow() -> None:
        go_on.wait(20)
        no_engine()

    desk = ProbeDesk(slow)  # type: ignore[arg-type]
    desk.begin("yh", ASKED, home=tmp_path, store=store, actor="local")
    assert "under way" in desk.begin("db", ASKED, home=tmp_path, store=store, actor="local")
    go_on.set()
    assert ended(desk).container == "yh"


def test_a_closed_desk_takes_none(store: Store, tmp_path: Path) -> None:
    desk = ProbeDesk(no_engine)  # type: ignore[arg-type]
    desk.close()
    assert "closing" in desk.begin("yh", ASKED, home=tmp_path, store=store, actor="local")
    assert "no data folder" in ProbeDesk().begin("yh", ASKED, home=None, store=store, actor="local")
