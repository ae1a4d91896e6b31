"""The trigger that is rows, when a row, a statement or the database refuses: told, and nobody waits on."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from dashboard.target_settings import PostgresTrigger
from dashboard.triggers.base import TriggerError, TriggerUnreachable, plan_variants
from dashboard.triggers.naming import Secrets
from dashboard.triggers.rows import RowTrigger
from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer
from tests.dashboard.triggers.row_jobs import ALL, CREATE, MakeTrigger, released
from tests.engine.private_engine import until


def test_what_is_never_done_fails_by_the_timeout(
    nobody_wakes: None, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(settings, timeout_s=0.3))
    assert {variant.error for variant in trigger.variants} == {"not done within 0.3 s"}


def test_a_trigger_that_changes_no_row_is_a_failure(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    nobody = "UPDATE jobs_variants SET status = 'running' WHERE variant_id = %(variant_id)s || 'x'"
    trigger = released(make(replace(settings, trigger=(nobody,))))
    assert {variant.error for variant in trigger.variants} == {"the trigger statement changed no row"}


@pytest.mark.parametrize(
    "statements",
    [("UPDATE nowhere SET a = %(variant_id)s",), ("UPDATE nowhere SET a = 1", ALL)],
    ids=["the last", "one before"],
)
def test_a_trigger_that_the_database_refuses_is_told_in_its_words(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger, statements: tuple[str, ...]
) -> None:
    trigger = released(make(replace(settings, trigger=statements)))
    told = {variant.error for variant in trigger.variants}
    assert len(told) == 1
    assert 'trigger statement failed: relation "nowhere" does not exist' in (told.pop() or "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"create": ("INSERT INTO nowhere VALUES (1)",)}, r'could not be made \(relation "nowhere" does not'),
        ({"create": ("SELECT %(row)s::int",)}, r"could not be made \(query parameter missing: row"),
        (
            {"done": "SELECT nothing"},
            r'be asked what is done \(column "nothing" does not exist\). Correct done',
        ),
        (
            {"done": "SELECT variant_id FROM jobs_variants"},
            r"calls 3 variants done before they were released",
        ),
        ({"done": None, "done_count": "SELECT 'x'"}, r"done_count returned no whole number"),
    ],
)
def test_a_statement_that_is_wrong_is_told_before_the_release(
    database: psycopg.Connection,
    settings: PostgresTrigger,
    make: MakeTrigger,
    changed: dict[str, str],
    said: str,
) -> None:
    with pytest.raises(TriggerError, match=said):
        make(replace(settings, **changed)).arm(20)


def test_rows_are_made_all_or_none(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    with pytest.raises(TriggerError):
        make(replace(settings, create=(*CREATE, "INSERT INTO nowhere VALUES (1)"))).arm(20)
    assert database.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_database_that_is_not_there_is_unreachable(settings: PostgresTrigger, make: MakeTrigger) -> None:
    with pytest.raises(TriggerUnreachable, match=r"cannot be connected to \(.*refused.*\). Look at dsn"):
        make(replace(settings, dsn="host=127.0.0.1 port=1 user=tester")).arm(20)


def test_a_password_that_is_wrong_is_told_and_not_shown(settings: PostgresTrigger) -> None:
    trigger = RowTrigger(plan_variants(1, 1), settings, Secrets({"DB_PASSWORD": "hunter22"}), timeout_s=5)
    with pytest.raises(TriggerUnreachable, match="password authentication failed") as told:
        trigger.arm(20)
    trigger.close()
    assert "hunter22" not in str(told.value)


def test_an_address_that_is_no_address_is_told_without_its_secrets(
    settings: PostgresTrigger, make: MakeTrigger
) -> None:
    with pytest.raises(TriggerUnreachable, match=r"\$\{DB_PASSWORD\}") as told:
        make(replace(settings, dsn="${DB_PASSWORD}")).arm(20)
    assert PASSWORD not in str(told.value)


def test_a_secret_that_is_not_set_is_told_by_its_name(settings: PostgresTrigger) -> None:
    with pytest.raises(
        TriggerError, match=r"variable DB_PASSWORD, to which the dsn in targets.toml refers, is not"
    ):
        RowTrigger(plan_variants(1, 1), settings, Secrets({}), timeout_s=5)


def test_more_connections_than_the_database_gives_are_told(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    with pytest.raises(TriggerError, match=r"too many clients|remaining connection slots") as told:
        make(replace(settings, connections=64), plan_variants(1, 64)).arm(20)
    assert not isinstance(told.value, TriggerUnreachable)  # it was reached, and gave some


def test_waiting_for_a_lock_ends_when_it_is_cancelled(
    database: psycopg.Connection, postgres: PostgresServer, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = make(settings)
    with database.transaction():
        database.execute("LOCK TABLE jobs")
        with pytest.raises(TriggerError, match="was cancelled"):
            trigger.arm(20, cancelled=lambda: True)
        trigger.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rows")]


def test_closing_cancels_a_trigger_that_waits_for_a_lock(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = make(settings)
    trigger.arm(20)
    with database.transaction():
        database.execute("LOCK TABLE jobs_variants IN SHARE MODE")
        trigger.release()
        until(lambda: all(variant.state == "sent" for variant in trigger.variants), 20)
        trigger.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rows")]


def test_a_server_that_ends_the_connection_fails_what_is_open(
    database: psycopg.Connection, nobody_wakes: None, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = make(settings)
    trigger.arm(20)
    trigger.release()
    until(lambda: all(variant.state == "sent" for variant in trigger.variants), 20)
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loadonce'"
    )
    assert trigger.wait(20)
    assert all("it could not be asked what is done" in (each.error or "") for each in trigger.variants)


def test_closing_twice_is_one_close(
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = make(settings)
    trigger.arm(20)
    trigger.close()
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"planned"}
