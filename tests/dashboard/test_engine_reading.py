"""A log that is read from an engine which breaks off, complains, refuses, or is no engine at all."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.faults import ContainerGone, EngineError, EngineRefused
from dashboard.engine.reading import LogReading, open_reading
from dashboard.engine.whole_log import gaps_of, read_lines

API = SimpleNamespace(api_version="1.41", base_url="http+docker://localhost")
FACTS = ContainerFacts(id="f" * 64, name="yh", image="i", image_id="sha256:1", state="running")
OK = b"HTTP/1.0 200 OK\r\n\r\n"


def frame(text: str, stream: int = 1) -> bytes:
    body = f"2026-11-23T07:10:47.000000001Z {text}".encode() if stream < 3 else text.encode()
    return struct.pack(">BxxxL", stream, len(body)) + body


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


def engine_with(reading: LogReading, *, dead: bool = False) -> Any:
    def container(name: str) -> ContainerFacts:
        if dead:
            raise EngineError("No Docker engine answers.")
        return FACTS

    return SimpleNamespace(read_log=lambda *_, **__: reading, container=container, clock_ahead_s=0.0)


def lines_of(host: str, *, dead: bool = False) -> list[str]:
    reading = open_reading(API, host, FACTS.id, {"stdout": "1"})
    return [line.text for line in read_lines(engine_with(reading, dead=dead), FACTS)]


def test_a_whole_log_is_read_to_its_end(engine_saying: Callable[[bytes], str]) -> None:
    assert lines_of(engine_saying(OK + frame("one\n") + frame("two\n"))) == ["one", "two"]


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


@pytest.mark.parametrize(
    ("options", "size", "count"),
    [
        ({}, 10**9, 0),
        ({"max-size": "1m", "max-file": "3"}, 1_000_000, 0),
        ({"max-size": "1m", "max-file": "3"}, 2_000_000, 1),
        ({"max-size": "1m"}, 1_000_000, 1),
        ({"mode": "non-blocking"}, 0, 1),
    ],
)
def test_a_log_that_may_have_lost_lines_has_a_gap(options: dict[str, str], size: int, count: int) -> None:
    assert len(gaps_of(replace(FACTS, log_options=options), size)) == count
