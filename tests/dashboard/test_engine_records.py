"""The pieces that a log is read with, without an engine: stamps, frames, second deliveries, sizes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engine.facts import facts_of
from dashboard.engine.faults import unreachable
from dashboard.engine.records import FrameCutter, LineCutter, Record
from dashboard.engine.stamps import nanoseconds, seconds
from dashboard.engine.window import Window

STAMP = "2026-11-23T07:10:47.123456789Z"
NANOS = 1_795_417_847_123_456_789


def frame(text: str, *, stream: int = 1, stamp: str = STAMP) -> bytes:
    body = f"{stamp} {text}".encode()
    return struct.pack(">BxxxL", stream, len(body)) + body


def record(text: str, nanos: int) -> Record:
    return Record("stdout", nanos, text.encode())


def inspected(**changes: object) -> dict:
    found = {
        "Id": "f" * 64,
        "Name": "/worker",
        "Image": "sha256:1",
        "Config": {"Image": "worker:1", "Env": ["A=1=2"], "Labels": {"loadonce.target": "true"}},
        "State": {"Status": "running", "StartedAt": STAMP, "FinishedAt": "0001-01-01T00:00:00Z"},
        "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {}}},
        "NetworkSettings": {"Networks": {}, "Ports": {}},
    }
    return found | changes


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (STAMP, NANOS),
        ("2026-11-23T08:10:47.123456789+01:00", NANOS),
        ("2026-11-23T02:40:47.123456789-04:30", NANOS),
        ("2026-11-23T07:10:47Z", NANOS - 123_456_789),
        ("2026-11-23T07:10:47.5Z", NANOS - 123_456_789 + 500_000_000),
    ],
)
def test_a_stamp_is_exact_to_the_nanosecond(stamp: str, expected: int) -> None:
    assert nanoseconds(stamp) == expected


@pytest.mark.parametrize("text", ["", "hello", "0001-01-01T00:00:00Z", "2026-11-23 07:10:47Z", STAMP + "x"])
def test_what_is_no_stamp_has_no_time(text: str) -> None:
    assert seconds(text) is None


@given(st.integers(1, 200))
def test_frames_may_be_cut_anywhere(size: int) -> None:
    data = frame("one\n") + frame("two\n", stream=2) + frame("\n") + frame("no end")
    cutter = FrameCutter()
    found = [one for at in range(0, len(data), size) for one in cutter.feed(data[at : at + size])]
    found += cutter.finish()
    assert [(one.stream, one.text) for one in found] == [
        ("stdout", b"one"),
        ("stderr", b"two"),
        ("stdout", b""),
        ("stdout", b"no end"),
    ]


def test_pieces_of_one_line_are_joined_though_the_other_stream_comes_between() -> None:
    data = frame("begin ") + frame("other\n", stream=2) + frame("end\n")
    assert [one.text for one in FrameCutter().feed(data)] == [b"other", b"begin end"]


def test_a_piece_with_another_stamp_begins_another_line() -> None:
    later = STAMP.replace("47", "48")
    data = frame("left behind") + frame("whole\n", stamp=later)
    assert [one.text for one in FrameCutter().feed(data)] == [b"left behind", b"whole"]


def test_a_header_that_holds_a_newline_is_no_line_end() -> None:
    text = "x" * (0x0A - len(STAMP) - 2 + 256) + "\n"
    data = frame(text)
    assert b"\n" in data[:8]
    assert [one.text for one in FrameCutter().feed(data)] == [text[:-1].encode()]


def test_the_engine_s_own_error_is_kept_apart() -> None:
    cutter = FrameCutter()
    data = struct.pack(">BxxxL", 3, 8) + b"no room!"
    assert list(cutter.feed(data)) == []
    assert cutter.complaint == "no room!"


def test_a_log_that_ends_in_the_middle_of_a_frame_is_torn() -> None:
    cutter = FrameCutter()
    data = frame("whole\n") + frame("cut\n")
    assert [one.text for one in cutter.feed(data[:-2])] == [b"whole"]
    assert cutter.torn


def test_a_terminal_s_line_ends_lose_their_carriage_return() -> None:
    assert [one.text for one in LineCutter().feed(f"{STAMP} hi\r\n".encode())] == [b"hi"]


def test_what_is_delivered_again_after_a_resume_is_dropped() -> None:
    window = Window()
    lines = [record("a", NANOS), record("b", NANOS + 1)]
    assert all(window.is_new(line) for line in lines)
    window.resume()
    assert [window.is_new(line) for line in [*lines, record("c", NANOS + 2)]] == [False, False, True]


def test_twins_are_counted_and_not_merged() -> None:
    window = Window()
    twin = record("Loading LLaVa model", NANOS)
    assert [window.is_new(twin), window.is_new(twin)] == [True, True]
    window.resume()
    assert [window.is_new(twin) for _ in range(3)] == [False, False, True]


def test_lines_that_went_back_in_one_reading_are_dropped() -> None:
    window = Window()
    lines = [record(str(n), NANOS + n) for n in range(3)]
    assert all(window.is_new(line) for line in lines)
    assert [window.is_new(line) for line in [*lines[1:], record("3", NANOS + 3)]] == [False, False, True]


def test_a_line_that_does_not_come_again_is_missed_once_the_log_is_past_it() -> None:
    window = Window()
    window.is_new(record("gone", NANOS))
    window.is_new(record("kept", NANOS + 1))
    window.resume()
    assert not window.is_new(record("kept", NANOS + 1))
    assert window.lost_before(record("near", NANOS + 2)) == 0
    assert window.lost_before(record("later", NANOS + 200_000_000)) == 1
    assert window.lost_before(None) == 0


def test_a_clock_that_is_set_back_loses_no_line() -> None:
    window = Window()
    window.is_new(record("before", NANOS))
    assert window.is_new(record("after", NANOS - 3_600_000_000_000))
    assert window.since == pytest.approx((NANOS - 3_602_000_000_000) / 1e9)


def test_the_window_forgets_what_is_older_than_its_span() -> None:
    window = Window()
    for n in range(10_000):
        window.is_new(record("x" * 100, NANOS + n * 10_000_000))
    assert window.bytes_per_second() == pytest.approx(190 * 100, rel=0.02)


@pytest.mark.parametrize(
    ("size", "expected"),
    [("50m", 50 * 1024**2), ("200k", 200 * 1024), ("1g", 1024**3), ("1000", 1000), ("-1", None), ("", None)],
)
def test_sizes_are_read_as_docker_writes_them(size: str, expected: int | None) -> None:
    log = {"LogConfig": {"Type": "json-file", "Config": {"max-size": size}}}
    assert facts_of(inspected(HostConfig=log)).log_file_bytes == expected


def test_a_container_that_never_ended_has_no_end() -> None:
    facts = facts_of(inspected())
    assert (facts.started_at, facts.finished_at) == (NANOS / 1e9, None)


def test_a_variable_may_hold_an_equals_sign() -> None:
    assert facts_of(inspected()).environment == {"A": "1=2"}


@pytest.mark.parametrize("value", ["false", "yes", ""])
def test_only_true_on_the_label_allows_to_act(value: str) -> None:
    config = {"Image": "worker:1", "Labels": {"loadonce.target": value}}
    assert not facts_of(inspected(Config=config)).labelled


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PermissionError(13, "Permission denied"), "Join the group"),
        (FileNotFoundError(2, "No such file or directory"), "Start Docker"),
        (OSError("Client sent an HTTP request to an HTTPS server."), "DOCKER_TLS_VERIFY"),
    ],
)
def test_an_engine_out_of_reach_is_one_sentence_with_the_next_step(error: OSError, advice: str) -> None:
    said = str(unreachable("unix:///run/x.sock", error))
    assert "unix:///run/x.sock" in said
    assert advice in said
