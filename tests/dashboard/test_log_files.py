"""Logs in files: blocks of whole lines, and a sentence for what is no text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import log_files
from dashboard.log_files import UnreadableLog, blocks_of

TEXT = "INFO:     Application startup complete.\r\nLoading LLaVa model: a/b on cuda\r\n"


@given(data=st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\xff", b"x" * 9])).map(b"".join))
def test_the_blocks_of_a_file_hold_its_lines(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "_BLOCK", 16)
        joined = b"\n".join(blocks_of(io.BytesIO(data), "f"))
    assert joined.replace(b"\n", b"") == data.replace(b"\n", b"")  # a line too long is cut, and nothing lost
    if all(len(line) <= 16 for line in data.split(b"\n")):
        assert joined == data.removesuffix(b"\n")


def test_a_line_of_many_megabytes_is_read_piece_by_piece() -> None:
    sizes = [len(block) for block in blocks_of(io.BytesIO(b"x" * 9_000_000 + b"\nend"), "f")]
    assert (sum(sizes), max(sizes) <= 2 * 1024 * 1024) == (9_000_003, True)


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (
            gzip.compress(b"x"),
            "gzip). Unpack it on the way: zcat 'my log' | python -m dashboard verdict --file -",
        ),
        (bz2.compress(b"x"), "bzip2). Unpack it on the way: bzcat"),
        (lzma.compress(b"x"), "xz). Unpack it on the way: xzcat"),
        (b"\x28\xb5\x2f\xfd\x20\x01", "zstd). Unpack it on the way: zstdcat"),
        (
            TEXT.encode("utf-16"),
            "is in UTF-16, and logs are read in UTF-8. Convert it on the way: iconv -f UTF-16",
        ),
        (
            TEXT.encode("utf-16-le"),
            "iconv -f UTF-16LE -t UTF-8 'my log' | python -m dashboard verdict --file -",
        ),
        (TEXT.encode("utf-16-be"), "iconv -f UTF-16BE -t UTF-8"),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "utf-16", "utf-16-le", "utf-16-be"],
)
def test_what_is_packed_or_wide_is_told_with_the_way_to_read_it(data: bytes, command: str) -> None:
    with pytest.raises(UnreadableLog) as told:
        list(blocks_of(io.BytesIO(data), "my log"))
    assert command in str(told.value)


@pytest.mark.parametrize(
    "data", [TEXT.encode(), b"\x00" * 500, bytes(range(256)) * 8, b"\x00x", b"ab\x00" * 200, b""]
)
def test_a_log_with_zero_bytes_in_it_is_read_nonetheless(data: bytes) -> None:
    assert b"\n".join(blocks_of(io.BytesIO(data), "f")) == data.removesuffix(b"\n")
