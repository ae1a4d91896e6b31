"""Run histories as earlier versions of Loadonce left them, made by the statements that they used."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, create_engine, text

from dashboard.evidence import LogLine
from dashboard.record import RunRecord, to_json
from tests.dashboard import sample_records as sample

LINES = tuple(
    LogLine("trial-1", number, "stdout", sample.START + number / 7, said)
    for number, said in enumerate(
        ("Loading LLaVa model", "half \ud800 of it", "", "Model loaded successfully")
    )
)

_RUNS = """CREATE TABLE runs (
    run_id VARCHAR(64) NOT NULL, created_at {double} NOT NULL, finished_at {double},
    status VARCHAR(16) NOT NULL, verdict VARCHAR(16), target TEXT NOT NULL, guard VARCHAR(32) NOT NULL,
    jobs INTEGER NOT NULL, variants_per_job INTEGER NOT NULL, repeat INTEGER NOT NULL, actor TEXT NOT NULL,
    load_started INTEGER, {latency} owner TEXT NOT NULL, document TEXT NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (run_id))"""
_OTHERS = (
    "CREATE INDEX ix_runs_created_at_run_id ON runs (created_at, run_id)",
    "CREATE INDEX ix_runs_status ON runs (status)",
    """CREATE TABLE logs (
    run_id VARCHAR(64) NOT NULL, source VARCHAR(255) NOT NULL, position INTEGER NOT NULL,
    line_count INTEGER NOT NULL, lines {bytes} NOT NULL, CONSTRAINT pk_logs PRIMARY KEY (run_id, source),
    CONSTRAINT fk_logs_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (run_id) ON DELETE CASCADE)""",
    """CREATE TABLE actions (
    id {serial} NOT NULL, time {double} NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
    target TEXT NOT NULL, outcome TEXT NOT NULL, run_id VARCHAR(64),
    CONSTRAINT pk_actions PRIMARY KEY (id))""",
    "CREATE INDEX ix_actions_run_id ON actions (run_id)",
    """CREATE TABLE schema_version (
    id INTEGER NOT NULL, version INTEGER NOT NULL, checked_at {double},
    CONSTRAINT pk_schema_version PRIMARY KEY (id))""",
)
_SWEEPS = (
    """CREATE TABLE sweeps (
    sweep_id VARCHAR(64) NOT NULL, created_at {double} NOT NULL, document TEXT NOT NULL,
    CONSTRAINT pk_sweeps PRIMARY KEY (sweep_id))""",
    "CREATE INDEX ix_sweeps_created_at ON sweeps (created_at)",
)


def make_older(url: str, version: int | None, records: Iterable[RunRecord] = ()) -> None:
    """Make a history of `version` with these runs; None is one whose maker was killed before it was whole."""
    engine = create_engine(url)
    postgres = engine.dialect.name == "postgresql"
    words = {
        "double": "DOUBLE PRECISION" if postgres else "DOUBLE",
        "bytes": "BYTEA" if postgres else "BLOB",
        "serial": "SERIAL" if postgres else "INTEGER",
        "latency": "" if version == 1 else "latency_p95_s DOUBLE PRECISION,",
    }
    statements = [_RUNS, *_OTHERS, *(() if version in (1, 2) else _SWEEPS)]
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement.format_map(words)))
        for record in records:
            _keep(connection, record, latency=version != 1)
        if version is not None:
            connection.execute(text("INSERT INTO schema_version VALUES (1, :v, NULL)"), {"v": version})
    engine.dispose()


def _keep(connection: Connection, record: RunRecord, *, latency: bool) -> None:
    verdict = record.verdict
    values: dict[str, Any] = {
        "run_id": record.run_id, "created_at": record.created_at, "finished_at": record.finished_at,
        "status": record.status, "verdict": verdict and verdict.verdict, "target": "local", "guard": "on",
        "jobs": 1, "variants_per_job": 3, "repeat": 1, "actor": "local", "load_started": 1,
        "owner": "elsewhere:1:1", "document": to_json(record).decode(),
    }  # fmt: skip
    if latency:
        values["latency_p95_s"] = verdict.latency_s.p95 if verdict and verdict.latency_s else None
    _insert(connection, "runs", values)
    rows = "".join(f"{json.dumps((line.number, line.stream, line.time, line.text))}\n" for line in LINES)
    log = {"run_id": record.run_id, "source": "trial-1", "position": 0, "line_count": len(LINES)}
    _insert(connection, "logs", log | {"lines": zlib.compress(rows.encode("ascii"))})


def _insert(connection: Connection, table: str, values: Mapping[str, Any]) -> None:
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)
