"""The logs that the run history keeps: exact, in order, compressed."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from dashboard.evidence import LogLine
from dashboard.store import Store, StoreError
from tests.dashboard import sample_records as sample


def test_a_log_comes_back_exactly(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    texts = [
        "",
        "  two spaces ",
        "\ttab",
        "na\u00efve \U0001f600",
        "\x00\x1b[31m\u2028\x85",
        "\ufffd",
        "a\\n",
        "\ud800",
    ]
    lines = [
        LogLine("trial-1", number, "stderr" if number % 2 else "stdout", 1e9 + number / 3, text)
        for number, text in enumerate(texts, 5)
    ]
    store.save_log(record.run_id, "trial-1", lines)
    assert store.log(record.run_id, "trial-1") == tuple(lines)


def test_a_log_is_replaced_and_the_sources_keep_their_order(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    for source in ("trial-2", "control-1", "trial-1", "trial-2"):
        store.save_log(record.run_id, source, [LogLine(source, 0, "stdout", 1.0, source)])
    assert store.sources(record.run_id) == ("trial-2", "control-1", "trial-1")
    assert [line.text for line in store.log(record.run_id, "trial-2")] == ["trial-2"]


def test_a_log_that_was_not_kept_is_empty(store: Store) -> None:
    assert store.log("nobody", "trial-1") == ()


def test_a_log_of_an_unsaved_run_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"run nobody is not in the history .* Save the run first"):
        store.save_log("nobody", "trial-1", [])


def test_a_log_is_kept_compressed(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    lines = [LogLine("s", n, "stdout", 1e9 + n, f"Loading weights {n}/20000") for n in range(20_000)]
    store.save_log(record.run_id, "s", lines)
    with store._engine.connect() as connection:
        size = connection.scalar(text("select length(lines) from log_parts"))
    assert size is not None
    assert size < sum(len(line.text) for line in lines) / 2


def test_a_damaged_log_is_said_to_be_damaged(store: Store) -> None:
    record = sample.run("green")
    store.save(record)
    store.save_log(record.run_id, "s", [LogLine("s", 0, "stdout", 1.0, "x")])
    with store._engine.begin() as connection:
        connection.execute(text("update log_parts set lines = x'00'"))
    with pytest.raises(StoreError, match=r"log of s in run .* is damaged"):
        store.log(record.run_id, "s")
