"""A log that is read from an engine which breaks off, complains, refuses, or is no engine at all."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.engine.completeness import gaps_of, may_have_lost
from dashboard.engine.ends import ends_of
from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError, EngineRefused
from dashboard.engine.reading import LogReading, open_reading
from dashboard.engine.whole_log import read_lines

API = SimpleNamespace(api_version="1.41", base_url="http+docker://localhost")
FACTS = ContainerFacts(
    id="f" * 64, name="yh", image="i", image_id="sha256:1", state="running", started_at=0.0
)
OK = b"HTTP/1.0 200 OK\r\n\r\n"


def frame(text: str, stream: int = 1) -> bytes:
    body = f"2026-11-23T07:10:47.000000001Z {text}".encode() if stream < 3 else text.encode()
    return struct.pack(">BxxxL", stream, len(body)) + body


FRAME_ONE = frame("one\n")
BEGAN = datetime(2026, 11, 23, 7, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def engine_saying(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """A socket on which somebody answers every question with the same bytes, and hangs up."""
    servers: list[tuple[socket.socket, threading.Thread]] = []

    def serve(answer: bytes) -> str:
        path = tmp_path / f"{len(servers)}.sock"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen()

        def answer_one() -> None:
            link, _ = server.accept()
            with link:
                link.recv(65536)
                link.sendall(answer)

        thread = threading.Thread(target=answer_one)
        thread.start()
        servers.append((server, thread))
        return f"unix://{path}"

    yield serve
    for server, thread in servers:
        thread.join(10)
        server.close()


def engine_with(reading: LogReading, last: str | None, *, dead: bool = False, started_at: float = 0.0) -> Any:
    """An engine with this reading of the whole log, and this line at its end."""
    readings = iter([reading, *([] if last is None else [Ended(frame(last))])])

    def container(name: str) -> ContainerFacts:
        if dead:
            raise EngineError("No Docker engine answers.")
        return replace(FACTS, started_at=started_at)

    return SimpleNamespace(read_log=lambda *_, **__: next(readings), container=container, clock_ahead_s=0.0)


class Ended:
    """A reading that has come to its end."""

    broke_off = False

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    def give_up_after(self, seconds: float) -> None:
        pass

    def gather(self) -> None:
        pass

    def close(self) -> None:
        pass


def lines_of(host: str, last: str = "one\n", **engine: Any) -> list[str]:
    reading = open_reading(API, host, FACTS.id, {"stdout": "1"})
    return [line.text for line in read_lines(engine_with(reading, last, **engine), FACTS)]


def test_a_whole_log_is_read_to_its_end(engine_saying: Callable[[bytes], str]) -> None:
    assert lines_of(engine_saying(OK + frame("one\n") + frame("two\n")), "two\n") == ["one", "two"]


def test_a_log_that_breaks_off_in_a_line_is_no_whole_log(engine_saying: Callable[[bytes], str]) -> None:
    host = engine_saying(OK + frame("one\n") + frame("two\n")[:-3])
    with pytest.raises(EngineError, match="broke off in the middle"):
        lines_of(host)


def test_a_log_whose_engine_is_gone_at_its_end_is_no_whole_log(
    engine_saying: Callable[[bytes], str],
) -> None:
    with pytest.raises(EngineError, match="No Docker engine answers"):
        lines_of(engine_saying(OK + frame("one\n")), dead=True)


def test_what_the_engine_says_in_the_middle_of_a_log_is_told(engine_saying: Callable[[bytes], str]) -> None:
    host = engine_saying(OK + frame("one\n") + frame("invalid character in the log file", stream=3))
    with pytest.raises(EngineError, match="invalid character in the log file"):
        lines_of(host)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\nNo such container: yh", ContainerGone, "No such container"),
        (b"HTTP/1.0 409 Conflict\r\n\r\ndead or marked for removal", ContainerGone, "marked for removal"),
        (b"HTTP/1.0 501 No\r\n\r\ndriver does not support reading", EngineRefused, "does not support"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", OSError, "no HTTP"),
    ],
)
def test_an_answer_that_is_no_log_is_an_error(
    engine_saying: Callable[[bytes], str], answer: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        open_reading(API, engine_saying(answer), FACTS.id, {})


def test_a_transport_that_cannot_be_read_raw_says_how_to_forward_it() -> None:
    with pytest.raises(EngineRefused, match="ssh -L"):
        open_reading(API, "ssh://ops@host", FACTS.id, {})


def test_a_log_whose_newest_line_was_not_reached_is_no_whole_log(
    engine_saying: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = frame("two\n").replace(b"000000001Z", b"900000000Z")
    monkeypatch.setattr("tests.dashboard.test_engine_reading.frame", lambda *_: later)
    with pytest.raises(EngineError, match="before its newest line"):
        lines_of(engine_saying(OK + FRAME_ONE))


def test_a_container_that_was_started_again_meanwhile_is_read_again(
    engine_saying: Callable[[bytes], str],
) -> None:
    with pytest.raises(EngineError, match="started again while its log was read"):
        lines_of(engine_saying(OK + FRAME_ONE), started_at=5.0)


@pytest.mark.parametrize(
    ("options", "size", "oldest", "count"),
    [
        ({}, 10**9, BEGAN + 1, 0),
        ({"max-size": "1m", "max-file": "3"}, 300_000, BEGAN + 1, 0),
        ({"max-size": "1m", "max-file": "3"}, 500_000, BEGAN + 1, 1),
        ({"max-size": "1m", "max-file": "3"}, 500_000, BEGAN - 1, 0),
        ({"max-size": "1m"}, 10, BEGAN + 1, 1),
        ({"max-size": "1m"}, 10, BEGAN - 1, 0),
    ],
)
def test_a_bounded_log_is_whole_when_something_older_is_kept_or_it_is_small(
    options: dict[str, str], size: int, oldest: float, count: int
) -> None:
    stamp = datetime.fromtimestamp(oldest, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z").encode()
    data = FRAME_ONE.replace(b"2026-11-23T07:10:47.000000001Z", stamp)
    engine = SimpleNamespace(read_log=lambda *_, **__: Ended(data))
    facts = replace(FACTS, log_options=options)
    assert len(may_have_lost(engine, facts, BEGAN, size)) == count


def test_a_driver_has_bounds_of_its_own() -> None:
    local = replace(FACTS, log_driver="local")
    assert (local.log_file_bytes, local.log_files) == (20 * 1024**2, 5)


def test_a_log_that_drops_lines_has_a_gap() -> None:
    assert len(gaps_of(replace(FACTS, log_options={"mode": "non-blocking"}))) == 1


@pytest.mark.parametrize(("finished", "expected"), [(None, 99.0), (99.8, 99.9), (90.0, 99.0), (120.0, 99.0)])
def test_a_life_begins_after_the_life_before_and_before_its_first_line(
    finished: float | None, expected: float
) -> None:
    facts = replace(FACTS, started_at=100.0, finished_at=finished)
    assert facts.begun_at == pytest.approx(expected)


def test_a_life_that_ended_before_its_start_was_noted_is_not_taken_for_the_life_before() -> None:
    facts = replace(FACTS, state="exited", started_at=100.0, finished_at=99.8)
    assert facts.begun_at == pytest.approx(98.8)


@pytest.mark.parametrize(
    ("code", "killed", "count"), [(0, False, 0), (143, False, 0), (137, True, 1), (1, False, 1)]
)
def test_only_a_death_is_an_end(code: int, killed: bool, count: int) -> None:
    facts = replace(FACTS, state="exited", exit_code=code, oom_killed=killed, finished_at=1.0)
    assert len(ends_of(facts)) == count
