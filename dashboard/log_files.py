"""A log in a file or on standard input, read in blocks of whole lines, in bounded memory."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final, Protocol

__all__ = ["UnreadableLog", "blocks_of", "is_no_text"]

_BLOCK: Final = 1024 * 1024
"""As long as the longest line that is kept whole."""
_PACKED: Final = {
    b"\x1f\x8b": ("gzip", "zcat"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstdcat"),
    b"\xfd7zXZ\x00": ("xz", "xzcat"),
    b"BZh": ("bzip2", "bzcat"),
}
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE: Final = 4096
_FEWEST: Final = 16
_SOME: Final = 0.05
_SPACE: Final = 0x20
_IN_TEXTS: Final = b"\t\n\r\f\b\x1b"
_MANY: Final = 0.3  # of the bytes of a text in UTF-16; a log of another kind holds hardly any zero


class UnreadableLog(ValueError):
    """The bytes are no text that could be judged. The message says what they are and how to read them."""


class Bytes(Protocol):
    """A binary file: of it only this is needed."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


def blocks_of(log: Bytes, name: str) -> Iterator[bytes]:
    """Yield a log in blocks that end where a line ends, without that newline; `name` is for messages.

    A line longer than a block is cut, and nothing of it is lost.

    Raises:
        UnreadableLog: it is packed, or in UTF-16: searched as it is, it would seem to hold no load at all.
        OSError: it cannot be read.
    """
    block = log.read(_BLOCK)
    _check(block, name)
    rest = b""
    while block:
        data = rest + block if rest else block
        end = data.rfind(b"\n")
        if end >= 0:
            yield data[:end]
            rest = data[end + 1 :]
        else:
            rest = data
        if len(rest) > _BLOCK:
            yield rest
            rest = b""
        block = log.read(_BLOCK)
    if rest:
        yield rest


def _check(begin: bytes, name: str) -> None:
    for magic, (kind, tool) in _PACKED.items():
        if begin.startswith(magic):
            raise UnreadableLog(
                f"The log {name} is packed ({kind}). Unpack it on the way: {tool} {_file(name)} | "
                "python -m dashboard verdict --file -"
            )
    # Line ends, spaces and digits of a log in UTF-16 hold zeros: with few of them it is a log of another kind
    sample = begin[:_SAMPLE]
    marked = begin.startswith(_WIDE_MARKS) and sample.count(b"\x00") > len(sample) * _SOME
    wide = "UTF-16" if marked else _without_mark(sample)
    if wide is not None:
        raise UnreadableLog(
            f"The log {name} is in {wide}, and logs are read in UTF-8. Convert it on the way: "
            f"iconv -f {wide} -t UTF-8 {_file(name)} | python -m dashboard verdict --file -"
        )


def is_no_text(begin: bytes) -> bool:
    """Whether the first bytes are those of a picture, a program or the like, and not of a log.

    A log may begin with zeros, as one does that was emptied while it was written, and may be in no UTF-8.
    """
    sample = begin.lstrip(b"\0")[:_SAMPLE]
    odd = sum(byte < _SPACE and byte not in _IN_TEXTS for byte in sample)
    return len(sample) >= _FEWEST and odd > len(sample) * _SOME


def _file(name: str) -> str:
    return "FILE" if name == "-" else shlex.quote(name)


def _without_mark(sample: bytes) -> str | None:
    """Tell UTF-16 by its zero bytes, every other byte of Latin text; None for anything else."""
    pairs = len(sample) // 2
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if pairs < _FEWEST:
        return None
    if odd > pairs * _MANY and even == 0:
        return "UTF-16LE"
    return "UTF-16BE" if even > pairs * _MANY and odd == 0 else None
