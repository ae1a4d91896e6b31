"""Jobs that are rows: the tables of a service as the field has them, and the statements that wake it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dashboard.triggers.rows import RowTrigger
from tests.dashboard.triggers.postgres_server import PASSWORD, PostgresServer

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

MakeTrigger = Callable[..., RowTrigger]


def started(postgres: PostgresServer) -> subprocess.Popen[str]:
    """The service, once it listens."""
    address = f"{postgres.address} password={PASSWORD}"
    program = str(Path(__file__).with_name("row_service.py"))
    process = subprocess.Popen([sys.executable, program, address], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


def said(process: subprocess.Popen[str]) -> str:
    """End the service, and return what it has said."""
    process.kill()
    return process.communicate()[0]


def released(trigger: RowTrigger) -> RowTrigger:
    """The trigger, once all that it set off has an end."""
    trigger.arm(20)
    trigger.release()
    assert trigger.wait(30)
    return trigger
