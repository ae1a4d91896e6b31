"""The trigger that is a command in the container: one for all variants, or one for each, started together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError, said_by_engine
from dashboard.evidence import Variant
from dashboard.target_settings import CommandTrigger as CommandSettings
from dashboard.target_settings.templates import EACH_JOB, EACH_VARIANT, fill, placeholders
from dashboard.triggers.base import TriggerError, TriggerUnreachable
from dashboard.triggers.board import Board, OnBoard
from dashboard.triggers.naming import Secrets, name_variants
from dashboard.waiting import Cancelled, never

__all__ = ["CommandTrigger"]

_MOST_AT_ONCE: Final = 200
"""Commands at once: each is a process in the container, and another of the engine's."""
_KEPT: Final = 16 * 1024  # bytes of what a command prints last
_RUNTIME: Final = "OCI runtime"
"""How the engine's own words begin in place of a command's, where there was no process to speak."""
_ASK_S: Final = 0.2
_END_S: Final = 5.0


class CommandTrigger(OnBoard):
    """One release by commands in `container`. See `base.Trigger`.

    Docker cannot end a command: after `close` or the timeout it goes on in the container, unheard.

    Raises:
        TriggerError: there would be too many commands at once, or a secret is not set.
    """

    def __init__(
        self,
        variants: tuple[Variant, ...],
        settings: CommandSettings,
        secrets: Secrets,
        *,
        engine: Engine,
        container: ContainerFacts,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._secrets, self._timeout_s = settings, secrets, timeout_s
        self._engine, self._container = engine, container
        self._board = Board(variants, on_change)
        self._environment = {
            name: secrets.resolve(value, f"the variable {name} of the command in targets.toml")
            for name, value in settings.environment.items()
        }
        self._commands = _commands(variants, settings)
        if len(self._commands) > _MOST_AT_ONCE:
            raise TriggerError(
                f"{len(self._commands):,} commands at once are more than a container should bear; at most "
                f"{_MOST_AT_ONCE} are started. Release fewer variants, or give the command {{jobs}} and "
                "{variants_per_job}, so that one starts them all."
            )
        self._barrier = threading.Barrier(len(self._commands) + 1)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._watch = threading.Timer(timeout_s, self._time_out)
        self._watch.daemon = True
        self._absent: list[str] = []  # a sentence for each command that the container could not start
        self._streams: list[Any] = []
        self._lock = threading.Lock()  # guards the streams: none may be added once they are being closed

    @property
    def unreached(self) -> str | None:
        """Why the container started not one of the commands, once all were tried; None if it did."""
        return self._absent[0] if len(self._absent) == len(self._commands) else None

    def arm(self, timeout: float, *, cancelled: Cancelled = never) -> None:
        """Announce every command to the engine, and let a thread for each stand at the barrier.

        Raises:
            TriggerUnreachable: the engine or the container is gone, or the container does not run.
            TriggerError: it took longer than `timeout` seconds, or `cancelled()` became true.
        """
        deadline = time.monotonic() + timeout
        for words, ids in self._commands:
            if cancelled():
                raise TriggerError("The release of the variants was cancelled.")
            if time.monotonic() > deadline:
                raise TriggerError(
                    f"The engine had not taken {len(self._commands):,} commands after {timeout:g} s. "
                    "Release fewer variants at once, or look whether the machine is overloaded."
                )
            try:
                begun = self._announce(words)
            except EngineError as error:
                raise TriggerUnreachable(str(error)) from error
            self._threads.append(
                threading.Thread(target=self._run, args=(begun, words[0], ids), name="command", daemon=True)
            )
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError as error:
            raise TriggerError(
                f"The system gave no more threads for {len(self._commands):,} commands ({error}). "
                "Release fewer variants at once."
            ) from error

    def release(self) -> None:
        """Start the commands."""
        self._watch.start()
        with suppress(threading.BrokenBarrierError):  # closed meanwhile
            self._barrier.wait()

    def close(self) -> None:
        """Listen no longer. Idempotent; blocks for some seconds at the longest."""
        self._closing.set()
        self._barrier.abort()
        self._watch.cancel()
        self._hang_up()
        deadline = time.monotonic() + _END_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _announce(self, words: tuple[str, ...]) -> str:
        with said_by_engine(self._engine.host, f"The command {words[0]} in {self._container.name}"):
            begun = self._engine.api().exec_create(
                self._container.id,
                list(words),
                environment=self._environment or None,
                workdir=self._settings.workdir,
                user=self._settings.user or "",
            )
        return str(begun["Id"])

    def _run(self, begun: str, program: str, ids: tuple[str, ...]) -> None:
        try:
            self._barrier.wait()
        except threading.BrokenBarrierError:
            return
        self._board.sent(ids, time.time())
        try:
            said = self._listen(begun)
            code = self._exit_code(begun)
        except ContainerGone:
            self._board.failed(ids, f"{self._container.name} ended before the command did")
            return
        except EngineError as error:
            self._board.failed(ids, f"the end of the command was not seen. {error}")
            return
        if code == 0:
            self._board.answered(ids, time.time())
        elif code is not None:
            if _RUNTIME in said:
                self._absent.append(self._secrets.hide(self._never_ran(program, said)))  # atomic
            self._board.failed(ids, self._secrets.hide(self._failure(program, code, said)))

    def _listen(self, begun: str) -> str:
        """Return the end of what the command complains of, or else prints, once it prints no more."""
        written, complained = b"", b""
        with said_by_engine(self._engine.host, f"The command in {self._container.name} failed"):
            stream = self._engine.api().exec_start(begun, stream=True, demux=True)
            with self._lock:
                self._streams.append(stream)
            if self._closing.is_set():
                self._hang_up()
            try:
                # ValueError: the stream was closed between two looks at it
                with suppress(ValueError):
                    for out, err in stream:
                        written = (written + (out or b""))[-_KEPT:]
                        complained = (complained + (err or b""))[-_KEPT:]
            finally:
                # By its reader alone; the stream's own close hangs up, and leaves the connection open
                stream._response.close()  # type: ignore[attr-defined]  # not public
        return (complained or written).decode("utf-8", "replace")

    def _exit_code(self, begun: str) -> int | None:
        """Wait until the command has ended, which may be after its last word; None once nobody waits."""
        while not self._closing.is_set() and not self._board.ended.is_set():
            with said_by_engine(self._engine.host, f"The command in {self._container.name} was asked after"):
                found = self._engine.api().exec_inspect(begun)
            if not found["Running"] and found["ExitCode"] is not None:
                return int(found["ExitCode"])
            self._closing.wait(_ASK_S)
        return None

    def _never_ran(self, program: str, said: str) -> str:
        return (
            f"The command {program!r} of the trigger could not be started in {self._container.name} "
            f"({_last_of(said)}). Correct command, workdir or user in targets.toml, or put it into the image."
        )

    def _failure(self, program: str, code: int, said: str) -> str:
        last = _last_of(said)
        told = f": {last}" if last else ""
        if code in (126, 127):
            return (
                f"the command {program!r} is not in {self._container.name}, or may not be executed there "
                f"(exit status {code}){told}"
            )
        return f"the command {program!r} ended with exit status {code}{told}"

    def _time_out(self) -> None:
        self._board.fail_open(f"the command had not ended after {self._timeout_s:g} s")
        self._hang_up()

    def _hang_up(self) -> None:
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            with suppress(OSError):  # ended by itself
                stream.close()


def _last_of(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")[:300]


def _commands(
    variants: tuple[Variant, ...], settings: CommandSettings
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return each command with the ids of the variants that it starts."""
    named = name_variants(variants)
    used = frozenset[str]().union(*(placeholders(word) for word in settings.command))
    if used & EACH_VARIANT:
        groups: list[tuple[str, ...]] = [(variant.variant_id,) for variant in variants]
    elif used & EACH_JOB:
        jobs: dict[str, tuple[str, ...]] = {}
        for variant in variants:
            jobs[variant.job_id] = (*jobs.get(variant.job_id, ()), variant.variant_id)
        groups = list(jobs.values())
    else:
        groups = [tuple(named)]
    return [(tuple(fill(word, named[ids[0]]) for word in settings.command), ids) for ids in groups]
