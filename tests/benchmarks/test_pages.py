"""The benchmark of the pages, on those that do most: what holds on a machine of any speed is asserted."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as command
from benchmarks import pages


@pytest.mark.browser
@pytest.mark.model
@pytest.mark.slow
def test_a_view_takes_one_run_of_the_script_and_a_live_update_is_small() -> None:
    looked_at = ("", "run", "timeline", "guide")  # each writes into its address when it is opened
    rows = {row.what: row for row in pages.run(rounds=1, runs=5, pages=looked_at).rows}
    assert rows["any page: script runs of a first view, at most"].value == 1
    assert 0 < (rows["live run: biggest update"].value or 0) < 20
    # Both of each page, that of a new console, and the three of all
    assert len(rows) == 2 * len(looked_at) + 4
    assert all(row.value is not None and row.value > 0 for row in rows.values())


def test_it_can_be_asked_for_by_its_name() -> None:
    assert pages.NAME in command.ON_REQUEST
