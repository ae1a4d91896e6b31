"""The trigger that is rows, against a real PostgreSQL and a real service process that the rows wake."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from dashboard.target_settings import PostgresTrigger, check_text
from dashboard.triggers.base import plan_variants
from tests.dashboard.target_settings.full_example import example
from tests.dashboard.triggers.postgres_server import PostgresServer
from tests.dashboard.triggers.row_jobs import ALL, COUNT, MakeTrigger, released, said, started


def test_the_service_is_woken_and_every_variant_is_done(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(settings, plan_variants(2, 6)))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_one_statement_wakes_the_service_for_all(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(replace(settings, trigger=(ALL,)), plan_variants(2, 5)))
    assert {variant.state for variant in trigger.variants} == {"answered"}
    assert trigger.skew_ms == 0


def test_the_example_of_the_documentation_works(
    service: None, database: psycopg.Connection, postgres: PostgresServer, make: MakeTrigger
) -> None:
    found = check_text(example()).settings
    assert found is not None
    written = found.targets["yh"].trigger
    assert isinstance(written, PostgresTrigger)
    here = replace(written, dsn=f"{postgres.address} password=${{DB_PASSWORD}}", poll_s=0.1)
    assert {variant.state for variant in released(make(here)).variants} == {"answered"}


def test_the_service_loads_once_for_all(
    postgres: PostgresServer, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    service = started(postgres)
    released(make(settings, plan_variants(2, 6)))
    assert said(service).count("Loading LLaVa model") == 1


def test_a_row_that_says_why_it_failed_fails_its_variant(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(settings, plan_variants(1, 13)))
    assert [variant.error for variant in trigger.variants if variant.state == "failed"] == [
        "the row says failed"
    ]


def test_a_number_of_the_done_is_enough(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(replace(settings, done=None, done_count=COUNT)))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_keys_that_the_database_gives_are_known_by_them(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
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
    database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    make(settings).arm(20)
    assert database.execute("SELECT DISTINCT status FROM jobs_variants").fetchall() == [("pending",)]


def test_a_second_trial_has_names_of_its_own(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    released(make(settings))
    assert {variant.state for variant in released(make(settings)).variants} == {"answered"}


def test_statements_before_the_last_are_executed_first(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    mark = "UPDATE jobs_variants SET current_step = 'marked' WHERE job_id = %(job_id)s"
    released(make(replace(settings, trigger=(mark, ALL))))
    assert database.execute("SELECT DISTINCT current_step FROM jobs_variants").fetchall() == [("marked",)]


def test_the_connections_share_the_triggers_of_many_variants(
    service: None, database: psycopg.Connection, settings: PostgresTrigger, make: MakeTrigger
) -> None:
    trigger = released(make(replace(settings, connections=3), plan_variants(1, 10)))
    assert {variant.state for variant in trigger.variants} == {"answered"}
