"""The trigger that is rows, against a real PostgreSQL and a real service process that the rows wake."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dashboard.evidence import Variant
from dashboard.target_settings import PostgresTrigger, check_text
from dashboard.triggers.base import TriggerError, TriggerUnreachable, plan_variants
from dashboard.triggers.naming import Secrets
from dashboard.triggers.rows import RowTrigger
from tests.dashboard.target_settings.full_example import example
from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer
from tests.engine.private_engine import until

TABLES = """
DROP TABLE IF EXISTS jobs_variants, jobs;
CREATE TABLE jobs (id serial PRIMARY KEY, job_id text UNIQUE);
CREATE TABLE jobs_variants (id serial, job_id text, variant_id text UNIQUE, status text, current_step text,
                            number int, changed timestamptz);
CREATE OR REPLACE FUNCTION wake() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_notify('woken', NEW.variant_id); RETURN NULL; END $$;
CREATE TRIGGER woken AFTER UPDATE ON jobs_variants FOR EACH ROW WHEN (NEW.status = 'running')
  EXECUTE FUNCTION wake();
"""
CREATE = (
    "INSERT INTO jobs (job_id) VALUES (%(job_id)s)",
    "INSERT INTO jobs_variants (job_id, variant_id, status, number) "
    "VALUES (%(job_id)s, %(variant_id)s, 'pending', %(n)s)",
)
EACH = (
    "UPDATE jobs_variants SET status = 'running', current_step = 'vlm_analyze' "
    "WHERE variant_id = %(variant_id)s"
)
ALL = "UPDATE jobs_variants SET status = 'running' WHERE variant_id = ANY(%(variant_ids)s)"
DONE = (
    "SELECT variant_id, CASE status WHEN 'failed' THEN 'the row says failed' END FROM jobs_variants "
    "WHERE job_id = ANY(%(job_ids)s) AND status IN ('done', 'failed')"
)
COUNT = "SELECT count(*) FROM jobs_variants WHERE job_id = ANY(%(job_ids)s) AND status = 'done'"

Make = Callable[..., RowTrigger]


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with postgres.connect() as connection:
        connection.execute(TABLES)
        yield connection


def started(postgres: PostgresServer) -> subprocess.Popen[str]:
    address = f"{postgres.address} password={PASSWORD}"
    program = str(Path(__file__).with_name("row_service.py"))
    process = subprocess.Popen([sys.executable, program, address], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


def said(process: subprocess.Popen[str]) -> str:
    process.kill()
    return process.communicate()[0]


@pytest.fixture(scope="module", name="service")
def _service(postgres: PostgresServer) -> Iterator[None]:
    process = started(postgres)
    yield
    said(process)


@pytest.fixture
def nobody_wakes(database: psycopg.Connection) -> None:
    """No service hears of the rows, though one may run."""
    database.execute("DROP TRIGGER woken ON jobs_variants")


@pytest.fixture
def settings(postgres: PostgresServer) -> PostgresTrigger:
    return PostgresTrigger(
        dsn=f"{postgres.address} password=${{DB_PASSWORD}}",
        create=CREATE,
        trigger=(EACH,),
        done=DONE,
        poll_s=0.1,
    )


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[RowTrigger] = []

    def begin(
        settings: PostgresTrigger, variants: tuple[Variant, ...] | None = None, timeout_s: float = 20
    ) -> RowTrigger:
        secrets = Secrets({"DB_PASSWORD": PASSWORD})
        made.append(RowTrigger(variants or plan_variants(1, 3), settings, secrets, timeout_s=timeout_s))
        return made[-1]

    yield begin
    for trigger in made:
        trigger.close()


def released(trigger: RowTrigger) -> RowTrigger:
    trigger.arm(20)
    trigger.release()
    assert trigger.wait(30)
    return trigger


def test_the_service_is_woken_and_every_variant_is_done(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(settings, plan_variants(2, 6)))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_one_statement_wakes_the_service_for_all(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(replace(settings, trigger=(ALL,)), plan_variants(2, 5)))
    assert {variant.state for variant in trigger.variants} == {"answered"}
    assert trigger.skew_ms == 0


def test_the_example_of_the_documentation_works(
    service: None, database: psycopg.Connection, postgres: PostgresServer, make: Make
) -> None:
    found = check_text(example()).settings
    assert found is not None
    written = found.targets["yh"].trigger
    assert isinstance(written, PostgresTrigger)
    here = replace(written, dsn=f"{postgres.address} password=${{DB_PASSWORD}}", poll_s=0.1)
    assert {variant.state for variant in released(make(here)).variants} == {"answered"}


def test_the_service_loads_once_for_all(
    postgres: PostgresServer, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    service = started(postgres)
    released(make(settings, plan_variants(2, 6)))
    assert said(service).count("Loading LLaVa model") == 1


def test_a_row_that_says_why_it_failed_fails_its_variant(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(settings, plan_variants(1, 13)))
    assert [variant.error for variant in trigger.variants if variant.state == "failed"] == [
        "the row says failed"
    ]


def test_a_number_of_the_done_is_enough(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(replace(settings, done=None, done_count=COUNT)))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_keys_that_the_database_gives_are_known_by_them(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    by_key = replace(
        settings,
        create=(
            "INSERT INTO jobs (job_id) VALUES (%(job_id)s) RETURNING id",
            "INSERT INTO jobs_variants (job_id, variant_id, status) "
            "VALUES (%(job_row)s, 'its own ' || %(n)s, 'pending') RETURNING id",
        ),
        trigger=("UPDATE jobs_variants SET status = 'running' WHERE id = %(row)s",),
        done="SELECT id FROM jobs_variants WHERE id = ANY(%(rows)s) AND status = 'done'",
    )
    assert {variant.state for variant in released(make(by_key)).variants} == {"answered"}


def test_nothing_is_triggered_before_the_release(
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    make(settings).arm(20)
    assert database.execute("SELECT DISTINCT status FROM jobs_variants").fetchall() == [("pending",)]


def test_a_second_trial_has_names_of_its_own(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    released(make(settings))
    assert {variant.state for variant in released(make(settings)).variants} == {"answered"}


def test_statements_before_the_last_are_executed_first(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    mark = "UPDATE jobs_variants SET current_step = 'marked' WHERE job_id = %(job_id)s"
    released(make(replace(settings, trigger=(mark, ALL))))
    assert database.execute("SELECT DISTINCT current_step FROM jobs_variants").fetchall() == [("marked",)]


def test_the_connections_share_the_triggers_of_many_variants(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(replace(settings, connections=3), plan_variants(1, 10)))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_what_is_never_done_fails_by_the_timeout(
    nobody_wakes: None, settings: PostgresTrigger, make: Make
) -> None:
    trigger = released(make(settings, timeout_s=0.3))
    assert {variant.error for variant in trigger.variants} == {"not done within 0.3 s"}


def test_a_trigger_that_changes_no_row_is_a_failure(
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
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
    database: psycopg.Connection, settings: PostgresTrigger, make: Make, statements: tuple[str, ...]
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
    database: psycopg.Connection, settings: PostgresTrigger, make: Make, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(TriggerError, match=said):
        make(replace(settings, **changed)).arm(20)


def test_rows_are_made_all_or_none(
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    with pytest.raises(TriggerError):
        make(replace(settings, create=(*CREATE, "INSERT INTO nowhere VALUES (1)"))).arm(20)
    assert database.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_database_that_is_not_there_is_unreachable(settings: PostgresTrigger, make: Make) -> None:
    with pytest.raises(TriggerUnreachable, match=r"cannot be connected to \(.*refused.*\). Look at dsn"):
        make(replace(settings, dsn="host=127.0.0.1 port=1 user=tester")).arm(20)


def test_a_password_that_is_wrong_is_told_and_not_shown(settings: PostgresTrigger) -> None:
    trigger = RowTrigger(plan_variants(1, 1), settings, Secrets({"DB_PASSWORD": "hunter22"}), timeout_s=5)
    with pytest.raises(TriggerUnreachable, match="password authentication failed") as told:
        trigger.arm(20)
    trigger.close()
    assert "hunter22" not in str(told.value)


def test_an_address_that_is_no_address_is_told_without_its_secrets(
    settings: PostgresTrigger, make: Make
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
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    with pytest.raises(TriggerError, match=r"too many clients|remaining connection slots") as told:
        make(replace(settings, connections=64), plan_variants(1, 64)).arm(20)
    assert not isinstance(told.value, TriggerUnreachable)  # it was reached, and gave some


def test_waiting_for_a_lock_ends_when_it_is_cancelled(
    database: psycopg.Connection, postgres: PostgresServer, settings: PostgresTrigger, make: Make
) -> None:
    trigger = make(settings)
    with database.transaction():
        database.execute("LOCK TABLE jobs")
        with pytest.raises(TriggerError, match="was cancelled"):
            trigger.arm(20, cancelled=lambda: True)
        trigger.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rows")]


def test_closing_cancels_a_trigger_that_waits_for_a_lock(
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
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
    database: psycopg.Connection, nobody_wakes: None, settings: PostgresTrigger, make: Make
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
    database: psycopg.Connection, settings: PostgresTrigger, make: Make
) -> None:
    trigger = make(settings)
    trigger.arm(20)
    trigger.close()
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"planned"}
