"""The *Compare* page: which two runs it shows, what it says of them, and what it says when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import session
from dashboard.comparison_charts import latencies_figure
from dashboard.live_access import LiveTokens
from dashboard.record import RunRecord
from dashboard.store import Store
from tests.dashboard import sample_records as sample
from tests.dashboard.recorded_runner import RecordedRunner
from tests.dashboard.recorded_shelf import RecordedShelf

FRAME = Path(__file__).parents[2] / "dashboard" / "frame.py"
Open = Callable[..., AppTest]


@pytest.fixture
def compare_page(store: Store) -> Iterator[Open]:
    """Open the page over these runs, the oldest first, at an address."""
    before = session.install(None)

    def begin(*records: RunRecord, **address: str) -> AppTest:
        for record in records:
            store.save(record)
        shelf = RecordedShelf()
        session.install(session.Console(RecordedRunner(), store, LiveTokens(), shelf))  # type: ignore[no-untyped-call,arg-type]
        tab = AppTest.from_file(str(FRAME), default_timeout=20).run()
        tab.switch_page("app_pages/compare.py")
        tab.query_params.update(address)
        tab.run()
        assert not tab.exception
        return tab

    yield begin
    session.install(before)


def run(name: str, at: float, *colours: str, **settings: int) -> RunRecord:
    made = sample.run(*colours, run_id=name, created_at=sample.START + at)  # type: ignore[arg-type]  # colours
    return replace(made, settings=replace(made.settings, **settings))  # type: ignore[arg-type]


def told(tab: AppTest) -> str:
    return "\n".join(
        each.value for each in [*tab.markdown, *tab.info, *tab.error, *tab.success, *tab.warning]
    )


def test_a_regression_stands_at_the_top_in_words(compare_page: Open) -> None:
    tab = compare_page(run("old", 0, "green"), run("new", 1, "red"))
    assert "**✕ Worse than before**" in tab.error[0].value
    assert "The verdict was green and is red now" in tab.error[0].value
    counts = {row["Count"]: (row["Before"], row["After"], row["Changed"]) for row in rows(tab, 0)}
    assert counts["Load starts"] == (1, 3, "≠")
    assert counts["Variants"] == (3, 3, "=")


def address(tab: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in tab.query_params.items()}


def rows(tab: AppTest, place: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = tab.dataframe[place].value.to_dict("records")
    return found


def test_without_an_address_it_is_the_newest_and_the_last_that_was_like_it(compare_page: Open) -> None:
    tab = compare_page(
        run("like", 0, "green"), run("other", 1, "red", variants_per_job=50), run("newest", 2, "green")
    )
    assert [box.value for box in tab.selectbox] == ["like", "newest"]
    assert "✓ Not worse than before" in tab.success[0].value


def test_the_address_names_the_runs_and_picking_another_changes_it(compare_page: Open) -> None:
    tab = compare_page(run("a", 0, "red"), run("b", 1, "green"), run("c", 2, "green"), before="a", after="b")
    assert [box.value for box in tab.selectbox] == ["a", "b"]
    tab.selectbox[1].set_value("c").run()
    assert address(tab) == {"before": "a", "after": "c"}
    assert tab.selectbox[1].value == "c"


def test_a_run_that_is_not_kept_is_said(compare_page: Open) -> None:
    tab = compare_page(run("a", 0, "green"), run("b", 1, "green"), before="gone", after="b")
    assert "Run gone is not in this console" in told(tab)


def test_a_run_under_way_is_said(compare_page: Open) -> None:
    running = replace(run("b", 1, "green"), status="running", verdict=None)
    tab = compare_page(run("a", 0, "green"), running)
    assert "b is still under way" in told(tab)


@pytest.mark.parametrize("records", [[], [run("only", 0, "green")]])
def test_it_takes_two_runs(records: list[RunRecord], compare_page: Open) -> None:
    assert "It takes two runs to compare." in told(compare_page(*records))


def test_what_changed_is_listed(compare_page: Open) -> None:
    after = replace(run("new", 1, "green"), versions={"python": "3.11", "transformers": "5.24.0"})
    tab = compare_page(run("old", 0, "green"), after)
    assert rows(tab, 2) == [{"What": "transformers", "Before": "5.23.0", "After": "5.24.0"}]


def test_a_thousand_answers_are_drawn_by_five_hundred_steps_and_the_last_is_the_slowest() -> None:
    one = sample.run("green")
    many = tuple(
        replace(one.trials[0].variants[0], answered=sample.START + 2 + n / 1000) for n in range(1000)
    )
    after = replace(one, trials=(replace(one.trials[0], variants=many),))
    figure = latencies_figure(one, after)
    assert [len(trace.x) for trace in figure.data] == [3, 500]
    assert (figure.data[1].x[-1], figure.data[1].y[-1]) == (1.999, 1.0)


def test_runs_without_answers_are_drawn_as_such() -> None:
    nothing = replace(sample.run("green"), trials=())
    figure = latencies_figure(nothing, nothing)
    assert figure.layout.annotations[0].text == "No answers"
