"""A PostgreSQL for the tests of triggers that are rows."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.dashboard.triggers.postgres_server import PostgresServer, missing


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
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
