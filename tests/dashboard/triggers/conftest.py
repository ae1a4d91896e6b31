"""A PostgreSQL for the tests of triggers that are rows, with the tables of a service, and the service."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from dashboard.evidence import Variant
from dashboard.target_settings import PostgresTrigger
from dashboard.triggers.base import plan_variants
from dashboard.triggers.naming import Secrets
from dashboard.triggers.rows import RowTrigger
from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer, missing
from tests.dashboard.triggers.row_jobs import CREATE, DONE, EACH, TABLES, MakeTrigger, said, started


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the session."""
    why = missing()
    if why is not None and os.environ.get("CI"):
        pytest.fail(why)  # a test that never runs there is none
    if why is not None:
        pytest.skip(why)
    server = PostgresServer()
    try:
        server.up()
        yield server
    finally:
        server.down()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A connection to it, with the tables of a service, empty."""
    with postgres.connect() as connection:
        connection.execute(TABLES)
        yield connection


@pytest.fixture(scope="module", name="service")
def _service(postgres: PostgresServer) -> Iterator[None]:
    """A service that the rows wake."""
    process = started(postgres)
    yield
    said(process)


@pytest.fixture
def nobody_wakes(database: psycopg.Connection) -> None:
    """No service hears of the rows, though one may run."""
    database.execute("DROP TRIGGER woken ON jobs_variants")


@pytest.fixture
def settings(postgres: PostgresServer) -> PostgresTrigger:
    """A trigger that makes rows as the service expects them, and wakes it for each."""
    return PostgresTrigger(
        dsn=f"{postgres.address} password=${{DB_PASSWORD}}",
        create=CREATE,
        trigger=(EACH,),
        done=DONE,
        poll_s=0.1,
    )


@pytest.fixture
def make() -> Iterator[MakeTrigger]:
    """Makes triggers, and closes them."""
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
