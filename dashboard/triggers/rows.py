"""The trigger that is rows in PostgreSQL: made before the release, changed at it, then asked after.

arm      one connection: `create`; more of them stand at the barrier
release  … `trigger` on all of them at once
then     the first one asks `done`, now and then
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import Connection

from dashboard.evidence import Variant
from dashboard.printable import printable
from dashboard.target_settings import PostgresTrigger
from dashboard.triggers.base import TriggerError, TriggerUnreachable
from dashboard.triggers.board import Board, OnBoard
from dashboard.triggers.naming import Secrets, name_variants
from dashboard.triggers.statements import Execution, Statements
from dashboard.waiting import Cancelled, never, wait_for

__all__ = ["RowTrigger"]

_CONNECT_S: Final = 5
_CANCEL_S: Final = 2.0
_LATE_S: Final = 5.0  # how long after the timeout a statement may still be executed
_END_S: Final = 8.0
_MOST: Final = 500  # characters of what the database says
_CHANGES: Final = ("UPDATE", "INSERT", "DELETE", "MERGE")


class RowTrigger(OnBoard):
    """One release by rows in a database. See `base.Trigger`.

    When a variant was answered is known as closely as it is asked for: `poll_s`.

    Raises:
        TriggerError: a secret is not set.
    """

    def __init__(
        self,
        variants: tuple[Variant, ...],
        settings: PostgresTrigger,
        secrets: Secrets,
        *,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._secrets, self._timeout_s = settings, secrets, timeout_s
        self._dsn = secrets.resolve(settings.dsn, "the dsn in targets.toml")
        self._board = Board(variants, on_change)
        self._statements = Statements(variants, name_variants(variants))
        self._ready, self._go, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._refused: TriggerError | None = None
        together = self._statements.executions(settings.trigger[-1])
        self._width = min(settings.connections, len(together))
        self._barrier = threading.Barrier(self._width + 1)
        self._connections: list[Connection] = []
        self._threads = [threading.Thread(target=self._work, name="rows", daemon=True)]

    def arm(self, timeout: float, *, cancelled: Cancelled = never) -> None:
        """Connect, execute the `create` statements, and stand at the barrier.

        Raises:
            TriggerUnreachable: the database cannot be connected to.
            TriggerError: a statement failed, it took longer than `timeout` seconds, or `cancelled()`
                became true.
        """
        self._threads[0].start()
        if not wait_for(self._ready, timeout, cancelled):
            if cancelled():
                raise TriggerError("The release of the variants was cancelled.")
            raise TriggerError(
                f"The rows of the variants were not made within {timeout:g} s. "
                "Look whether somebody holds a lock on their tables."
            )
        if self._refused is not None:
            raise self._refused

    def release(self) -> None:
        """Execute the `trigger` statements."""
        self._go.set()

    def close(self) -> None:
        """Cancel what is being executed, and hang up. The rows stay. Idempotent; blocks for some seconds."""
        self._closing.set()
        self._go.set()
        self._barrier.abort()
        for connection in tuple(self._connections):
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=_CANCEL_S)
        deadline = time.monotonic() + _END_S
        for thread in tuple(self._threads):
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        try:
            try:
                first = self._connect()
                self._create(first)
                self._look(first)
                self._spread()
            except TriggerError as error:
                self._refused = error
                return
            finally:
                self._ready.set()
            self._go.wait()
            if not self._closing.is_set() and self._lead(first):
                with suppress(threading.BrokenBarrierError):  # closed meanwhile
                    self._barrier.wait()
                self._ask_until_done(first, time.monotonic() + self._timeout_s)
        finally:
            if self._connections:
                self._connections[0].close()  # the others belong to their threads

    def _connect(self) -> Connection:
        try:
            connection = psycopg.connect(
                self._dsn, autocommit=True, connect_timeout=_CONNECT_S, application_name="loadonce"
            )
            self._connections.append(connection)
            # A statement that waits for a lock for ever must not outlive the trial
            limit = f"{(self._timeout_s + _LATE_S) * 1000:.0f}"
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [limit])
        except psycopg.Error as error:
            if self._connections:
                raise TriggerError(
                    f"The database gave {len(self._connections)} of {self._width + 1} connections "
                    f"({self._said(error)}). Lower connections in targets.toml, or let it give more."
                ) from error
            raise TriggerUnreachable(
                f"The database of the trigger cannot be connected to ({self._said(error)}). "
                "Look at dsn in targets.toml, and whether the database is up."
            ) from error
        return connection

    def _create(self, first: Connection) -> None:
        try:
            with first.transaction():
                for statement in self._settings.create:
                    for execution in self._statements.executions(statement):
                        cursor = first.execute(_sql(statement), execution.values)
                        if cursor.description is not None and (row := cursor.fetchone()) is not None:
                            self._statements.returned(execution, row[0])
        except psycopg.Error as error:
            raise TriggerError(
                f"The rows of the variants could not be made ({self._said(error)}). "
                "Correct the create statements in targets.toml."
            ) from error

    def _look(self, first: Connection) -> None:
        """Ask once before anything is done: an answer now means that the query asks for something else."""
        try:
            ended = self._ask(first)
        except psycopg.Error as error:
            raise TriggerError(
                f"It cannot be asked what is done ({self._said(error)}). "
                "Correct done or done_count in targets.toml."
            ) from error
        if ended:
            raise TriggerError(
                f"The database calls {len(ended):,} variants done before they were released. Let done or "
                "done_count in targets.toml ask for those of this trial that have ended."
            )

    def _spread(self) -> None:
        """Give each connection its part of the last `trigger` statement, and a thread that stands ready."""
        together = self._statements.executions(self._settings.trigger[-1])
        for start in range(self._width):
            part = together[start :: self._width]
            thread = threading.Thread(
                target=self._send, args=(self._connect(), part), name="rows-trigger", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:
                raise TriggerError(
                    f"The system gave no more threads for {self._width} connections ({error}). "
                    "Lower connections in targets.toml."
                ) from error
            self._threads.append(thread)

    def _lead(self, first: Connection) -> bool:
        """Execute the statements before the last; False, with all variants failed, if one of them fails."""
        try:
            for statement in self._settings.trigger[:-1]:
                for execution in self._statements.executions(statement):
                    first.execute(_sql(statement), execution.values)
        except psycopg.Error as error:
            self._board.fail_open(f"a trigger statement failed: {self._said(error)}")
            return False
        return True

    def _send(self, connection: Connection, part: list[Execution]) -> None:
        try:
            self._barrier.wait()
            for execution in part:
                self._board.sent(execution.ids, time.time())
                try:
                    cursor = connection.execute(_sql(execution.statement), execution.values)
                except psycopg.Error as error:
                    self._board.failed(execution.ids, f"the trigger statement failed: {self._said(error)}")
                    continue
                if cursor.rowcount == 0 and (cursor.statusmessage or "").startswith(_CHANGES):
                    self._board.failed(execution.ids, "the trigger statement changed no row")
        except threading.BrokenBarrierError:
            return
        finally:
            connection.close()

    def _ask_until_done(self, first: Connection, deadline: float) -> None:
        while not self._closing.is_set() and not self._board.ended.is_set():
            try:
                ended = self._ask(first)
            except psycopg.Error as error:
                if not self._closing.is_set():
                    self._board.fail_open(f"it could not be asked what is done: {self._said(error)}")
                return
            now = time.time()
            for name, wrong in ended.items():
                if wrong is None:
                    self._board.answered([name], now)
                else:
                    self._board.failed([name], self._secrets.hide(printable(wrong)[:_MOST]))
            if time.monotonic() > deadline:
                self._board.fail_open(f"not done within {self._timeout_s:g} s")
                return
            self._closing.wait(self._settings.poll_s)

    def _ask(self, first: Connection) -> dict[str, str | None]:
        """Return the variants that have ended, each with what went wrong with it."""
        query = self._settings.done or self._settings.done_count
        assert query is not None  # one of the two is there: `PostgresTrigger`
        values = self._statements.executions(query)[0].values
        answers = first.execute(_sql(query), values).fetchall()
        if self._settings.done_count is not None:
            if not answers or not isinstance(answers[0][0], int):
                raise psycopg.DataError("done_count returned no whole number")
            still_open = self._board.open
            before = len(self._board.variants) - len(still_open)
            return dict.fromkeys(still_open[: max(0, int(answers[0][0]) - before)])
        told = ((self._statements.variant_of(row[0]), row) for row in answers)
        return {
            name: str(row[1]) if len(row) > 1 and row[1] is not None else None
            for name, row in told
            if name is not None
        }

    def _said(self, error: psycopg.Error) -> str:
        words = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
        return self._secrets.hide(printable(words))[:_MOST]


def _sql(statement: str) -> bytes:
    # Bytes: the user's own statement is no literal, which psycopg would have of a text
    return statement.encode()
