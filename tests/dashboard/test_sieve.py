"""The sieve: whatever a log holds, what it picks tells the same as every line of it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.engine.records import FrameCutter, LineCutter
from dashboard.evidence import LogEvent, LogLine, Stream
from dashboard.logs import shown_lines
from dashboard.profiles import PROFILES, Profile, may_tell, own_profile
from dashboard.profiles.marks import MARKS
from dashboard.sieve import _SIGN, _TORN_SIGN, Sieve
from dashboard.timeline import Timeline
from tests.dashboard.worker_log import WorkerLog

Entry = tuple[Stream, bytes]
BEGAN = datetime(2026, 11, 23, 7, 10, 47, tzinfo=UTC)
PHRASES = (
    "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda",
    "✓ LLaVa model loaded successfully on cuda",
    "Loading checkpoint shards:  67%|██████▋   | 2/3 [00:09<00:04]",
    "NotImplementedError: Cannot copy out of meta tensor; no data!",
    "Failed to load LLaVA",
    "INFO:     Started server process [8]",
    "[7] [INFO] Booting worker with pid: 9",
    "[7] [INFO] Starting gunicorn 20.1.0",
    "Downloading/loading model from Hugging Face...",
    "8-bit quantization failed: CUDA out of memory",
    "app exited with code 137",
    "Child process [9] died",
    "Segmentation fault",
    "Worker (pid:9) was sent SIGKILL!",
    "(Worker_TP0 pid=52) INFO [gpu_model_runner.py:1531] Starting to load model a/b...",
    "INFO [gpu_model_runner.py:1549] Model loading took 3.3466 GiB and 1.677846 seconds",
    "INFO [parallel_state.py:1064] rank 0 in world size 2 is assigned as DP rank 0",
    "Load pretrained SentenceTransformer: a/b",
    "loading whisper large",
    "whisper ready",
)
OWN = own_profile(
    "whisper", {"started": ["loading whisper (?P<model>large|medium)"], "completed": ["^whisper ready$"]}
)
WHOLE = own_profile("whole", {"started": [r"\Aloading whisper"], "completed": [r"whisper.ready\z"]})
NAMED = (None, "loadonce", "feedlyai", "vllm", OWN, WHOLE)
OURS = tuple(WorkerLog().ask("a", "b").load().lines)
NOISE = ("", "x", "GET /jobs/7 200 OK", "payload downloaded", "모델 로딩 중", "processing worker", "l", "Lo")
COLOURS = ("\x1b[32m", "\x1b[0m", "\x1b]0;loading\x07", "\x1b[")


@st.composite
def spelled(draw: st.DrawFn, phrases: Sequence[str] = PHRASES) -> str:
    """A phrase in some spelling, perhaps with a colour in the middle of a word."""
    text = draw(st.sampled_from(phrases))
    text = draw(st.sampled_from([str, str.lower, str.upper]))(text)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(COLOURS)) + text[at:]
    return text


PIECES = st.one_of(
    spelled(),
    st.sampled_from(NOISE),
    st.sampled_from(("\r", "\n", "\n", "\n", " ")),
    st.sampled_from((*OURS, "event=")),
    st.text(max_size=20),
).map(lambda text: text.encode("utf-8", "replace"))
BROKEN = st.sampled_from(
    (b"\xff", b"\xc3", b"\xed\xa0\x80", b"x" * 300, "é".encode() * 80, b"\x1b]" + b"y" * 300)
)
TEXTS = st.lists(st.one_of(PIECES, PIECES, PIECES, BROKEN), max_size=30).map(b"".join)


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    """What a container wrote, cut into lines at newlines and, perhaps, in the middle of a word."""
    text = draw(TEXTS)
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=6))
    for cut in sorted(cuts, reverse=True):
        text = text[:cut] + b"\n" + text[cut:]
    lines = text.split(b"\n")
    streams = draw(st.lists(st.sampled_from(("stdout", "stdout", "stderr")), min_size=1, max_size=5))
    return [(streams[at % len(streams)], line) for at, line in enumerate(lines)]


def told_by_all(entries: Sequence[Entry], profile: Profile | str | None = None) -> tuple[LogEvent, ...]:
    timeline, number = Timeline(profile), 0
    for stream, text in entries:
        for shown in shown_lines(text):
            timeline.feed(LogLine("s", number, stream, 0.0, shown))
            number += 1
    return timeline.events()


def told_by_sieve(
    entries: Sequence[Entry], size: int, profile: Profile | str | None = None
) -> tuple[LogEvent, ...]:
    timeline, sieve = Timeline(profile), Sieve("s", profile)
    for at in range(0, len(entries), size):
        block = entries[at : at + size]
        for line, before in sieve.sift([each for each, _ in block], [text for _, text in block]).telling:
            timeline.feed(line, before=before)
    return timeline.events()


def told_by_blocks(lines: Sequence[bytes], size: int, profile: Profile | str | None) -> tuple[LogEvent, ...]:
    """As the lines of a file are told, some at a time."""
    timeline, sieve = Timeline(profile), Sieve("s", profile)
    blocks = (b"\n".join(lines[at : at + size]) for at in range(0, len(lines), size))
    for sifted in sieve.sift_blocks(blocks):
        for line, before in sifted.telling:
            timeline.feed(line, before=before)
    return timeline.events()


@given(entries=logs(), size=st.integers(1, 40), profile=st.sampled_from(NAMED))
@example(
    entries=[("stdout", b"Loa"), ("stderr", b"x"), ("stdout", b"ding LLaVa model")], size=1, profile=None
)
@example(
    entries=[("stdout", b"Loading LLaVa"), ("stdout", b"x" * 99), ("stdout", b" model")], size=9, profile=None
)
@settings(max_examples=600, deadline=None)
def test_what_is_picked_tells_the_same_as_every_line(
    entries: list[Entry], size: int, profile: Profile | str | None
) -> None:
    assert told_by_sieve(entries, size, profile) == told_by_all(entries, profile)


@given(entries=logs(), size=st.integers(1, 40), profile=st.sampled_from(NAMED))
@example(entries=[("stdout", b"Lo"), ("stdout", b""), ("stdout", b"ading LLaVa model")], size=1, profile=None)
@example(entries=[("stdout", b"Load\r"), ("stdout", b"ing LLaVa model\r")], size=2, profile=None)
@example(
    entries=[
        ("stdout", b"\xa9" * 300),
        ("stdout", "é".encode() * 200 + b"load"),
        ("stdout", b"ing LLaVa model"),
    ],
    size=3,
    profile=None,
)
@example(entries=[("stdout", b"\xe2\x9c"), ("stdout", b"\x93loading whisper large")], size=2, profile=OWN)
@settings(max_examples=600, deadline=None)
def test_what_is_picked_from_blocks_of_a_file_tells_the_same(
    entries: list[Entry], size: int, profile: Profile | str | None
) -> None:
    lines = [text for _, text in entries]
    assert told_by_blocks(lines, size, profile) == told_by_all([("stdout", text) for text in lines], profile)


@given(
    cuts=st.sets(st.integers(1, 90), max_size=6),
    colour=st.sampled_from(("", *COLOURS[:2])),
    size=st.integers(1, 7),
)
@settings(max_examples=200, deadline=None)
def test_a_load_that_is_torn_anywhere_is_picked_whole(cuts: set[int], colour: str, size: int) -> None:
    whole = "Loading LLaVa model: a on cuda ✓ LLaVa model loaded successfully on cuda"
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[a:b] + colour for a, b in itertools.pairwise(edges)]
    entries: list[Entry] = [("stdout", piece.encode()) for piece in pieces]
    events = told_by_sieve(entries, size)
    assert [event.kind for event in events] == ["started", "completed"]
    assert events == told_by_all(entries)
    assert events == told_by_blocks([text for _, text in entries], size, None)


def test_lines_that_tell_nothing_are_counted_and_left_out() -> None:
    texts = [b"GET /jobs/%d 200 OK" % number for number in range(1000)]
    sifted = Sieve("s").sift(["stdout"] * 1000, texts)
    assert (sifted.count, sifted.size, sifted.telling) == (1000, sum(map(len, texts)), ())


@pytest.mark.parametrize(
    "texts",
    [
        [b"loading " * 20_000, *[b""] * 400_000, b"x"],
        [b"loading", b"\x1b[0m", b"", b"x"] * 50_000,
        [b"\rload", b"ing\r"] * 50_000,
        [b"load"] * 200_000,
    ],
    ids=["one line of signs", "hardly any text", "carriage returns", "nothing but signs"],
)
def test_a_hostile_log_is_sifted_in_its_length(texts: list[bytes]) -> None:
    # Anything worse than linear would meet the suite's own timeout here
    sieve = Sieve("s")
    sieve.sift(["stdout"] * len(texts), texts)
    (line, _), *_ = sieve.sift(["stdout"], [b"Loading LLaVa model"]).telling
    assert line.text == "Loading LLaVa model"


@pytest.mark.parametrize(
    "block",
    [
        b"loading model " * 70_000 + b"\n" * 400_000 + b"x",
        b"load\ning\n\n\nmodel\n" * 50_000,
        b"l\no\na\nd\ni\nn\ng\n" * 50_000,
        (b"x" * 300 + b"\n" * 3000 + b"loading model\n") * 100,
    ],
    ids=["one line of signs", "nothing but signs", "letters", "gaps"],
)
def test_a_hostile_file_is_sifted_in_its_length(block: bytes) -> None:
    sieve = Sieve("s")
    sifted = sieve.sift_block(block)
    assert (sifted.count, sifted.size) == (block.count(b"\n") + 1, len(block) - block.count(b"\n"))
    (line, _), *_ = sieve.sift_block(b"Loading LLaVa model").telling
    assert line.number == sifted.count


def test_a_picked_line_keeps_its_number_its_stream_and_its_time() -> None:
    sieve = Sieve("s")
    sieve.sift(["stdout"] * 2, [b"one", b"a\rb\rc"])
    texts = [b"x" * 99, b"\r1%\r2%", b"Loading LLaVa model"]
    (line, _), *others = sieve.sift(
        ["stdout", "stdout", "stderr"], texts, [1.0, 2.0, 3.0].__getitem__
    ).telling
    assert (line, others) == (LogLine("s", 7, "stderr", 3.0, "Loading LLaVa model"), [])


EXPRESSIONS = {
    expression.pattern: expression
    for expression in (
        *(pattern.expression for profile in PROFILES.values() for pattern in profile.patterns),
        *(expression for _, _, expression in MARKS),
    )
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=lambda each: each.pattern[:30].decode())
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_a_pattern_matches_holds_a_sign(expression, data: st.DataObject) -> None:
    found = expression.search(data.draw(st.from_regex(expression)))
    assert found is not None
    assert _SIGN.search(found[0])
    assert _TORN_SIGN.search(b"\n\n".join(found[0][at : at + 1] for at in range(len(found[0]))))
    assert may_tell(found[0].decode("utf-8", "replace"))


# -- the same through the engine's frames -----------------------------------------------------------------


def stamped(number: int) -> bytes:
    stamp = BEGAN + timedelta(microseconds=number)
    return stamp.strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode()


def framed(entries: Sequence[Entry], piece: int) -> bytes:
    """A log as an engine sends it, with lines over `piece` bytes in pieces that share a stamp."""
    data = []
    for number, (stream, text) in enumerate(entries):
        for at in range(0, len(text) + 1, piece):
            body = stamped(number) + (text + b"\n")[at : at + piece]
            data.append(struct.pack(">BxxxL", 1 if stream == "stdout" else 2, len(body)) + body)
    return b"".join(data)


@given(entries=logs(), piece=st.integers(1, 400), size=st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_frames_that_are_only_cut_are_those_that_are_read(
    entries: list[Entry], piece: int, size: int
) -> None:
    data, cutter = framed(entries, piece), FrameCutter()
    raws = [raw for at in range(0, len(data), size) for raw in cutter.cut(data[at : at + size])]
    assert [
        (each.stream, each.text) for each in (FrameCutter.read(*raw) for raw in [*raws, *cutter.rest()])
    ] == entries


@pytest.mark.parametrize("cutter", [FrameCutter(), LineCutter()])
def test_a_last_line_without_its_newline_is_left_at_the_end(cutter: FrameCutter | LineCutter) -> None:
    body = stamped(0) + b"no end"
    cutter.feed(body if isinstance(cutter, LineCutter) else struct.pack(">BxxxL", 1, len(body)) + body)
    assert [record.text for record in cutter.finish()] == [b"no end"]
