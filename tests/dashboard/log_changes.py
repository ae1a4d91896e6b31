"""What may happen to a log on its way, as strategies: none of it may turn a red log green."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.corpus.judged import NAMES, TRUTH, content

RED = [name for name in NAMES if TRUTH[name]["verdict"] == "red"]
GREEN = [name for name in NAMES if TRUTH[name]["verdict"] == "green"]
CORPUS_LINES = sorted({line for name in NAMES for line in content(name).split(b"\n") if line})
PREFIXES = (
    b"2026-11-23T07:10:47.123456789Z stdout F ",
    b"2026-11-23 07:10:47,123 INFO services.llava: ",
    b"Nov 23 07:10:47 gpu-04 llava[812]: ",
    b"llava-api-1  | ",
    b"[Thread-3 (process_request)] ",
    b"(ServeReplica:default:llava pid=4242) ",
    "모델 | ".encode(),
    b"\x1b[36mapi\x1b[0m ",
)
UNRELATED = (
    b"",
    b'INFO:     172.18.0.1:40112 - "GET /healthz HTTP/1.1" 200 OK',
    "이미지 평가 중".encode(),
    b"Fetching 9 files: 100%|##########| 9/9 [00:00<00:00]",
    b"UserWarning: `do_sample` is set to `False`",
    b'{"level": "info", "message": "tick"}',
    b"\xff\xfe\x00",
    b"\r\r\r",
    b"\x1b[",
)
ANY_LINE = st.one_of(
    st.sampled_from(UNRELATED), st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" "))
)
PIECES = st.one_of(
    st.sampled_from(CORPUS_LINES),
    st.sampled_from(CORPUS_LINES).flatmap(lambda line: st.integers(0, len(line)).map(lambda at: line[at:])),
    st.sampled_from(PREFIXES),
    st.binary(max_size=40),
    st.sampled_from((b"\n", b"\n", b"\r", b"\r\n", b"\x1b[31m", b" ", b'"', b"\x00")),
    st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace")),
)
ANY_LOG = st.lists(PIECES, max_size=40).map(b"".join)
"""Bytes that hold much of what the parser looks at: lines of the corpus, whole and cut, glued at random."""
