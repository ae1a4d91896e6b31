"""Lines that an engine has cut: Docker and CRI keep at most 16 KiB in a record, and the rest in the next one.

    {"log":"… Loading LLa","stream":…}        2026-11-23T07:10:47.1Z stderr P … Loading LLa
    {"log":"Va model: …\\n","stream":…}        2026-11-23T07:10:47.2Z stderr F Va model: …

A bar that is drawn in one line of a hundred kilobytes is enough to tear what is printed in the middle of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

__all__ = ["mended"]

_STAMP: Final = rb"[0-9T:.+Z-]{20,40}"
_OF_CRI: Final = re.compile(_STAMP + rb" std(?:out|err) [FP] ")
_TORN_CRI: Final = re.compile(
    rb"^(%b (std(?:out|err)) )P (.*)\n%b \2 ([FP]) " % (_STAMP, _STAMP), re.MULTILINE
)
_CUT_CRI: Final = re.compile(_STAMP + rb" std(?:out|err) P ")
_OF_DOCKER: Final = re.compile(rb"\{\"log\": ?\"")
_TORN_DOCKER: Final = re.compile(
    rb"\"(?<!\\n\"), ?\"stream\": ?\"(std(?:out|err))\"[^\n]{0,200}\}\n\{\"log\": ?\""
    rb"(?=[^\n]*\"stream\": ?\"\1\")"
)
_CUT_DOCKER: Final = re.compile(rb"\{\"log\": ?\"[^\n]*\"(?<!\\n\"), ?\"stream\": ?\"std")
_MOST: Final = 1024 * 1024
"""Of a line that never ends so much is kept together."""


def mended(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a log, in blocks of whole lines, with those lines whole that its engine has cut.

    A log that does not begin with such a record is passed on as it is.
    """
    blocks = iter(blocks)
    first = next(blocks, b"")
    docker = _OF_DOCKER.match(first) is not None
    if not docker and _OF_CRI.match(first) is None:
        yield from chain((first,) if first else (), blocks)
        return
    cut, rest = _CUT_DOCKER if docker else _CUT_CRI, b""
    for block in chain((first,), blocks):
        data = _joined(rest + block, docker=docker)
        last, rest = data.rfind(b"\n") + 1, b""
        if len(data) - last < _MOST and cut.match(data, last):
            rest, data = data[last:] + b"\n", data[: max(0, last - 1)]
        if data:
            yield data
    if rest:
        yield rest[:-1]


def _joined(data: bytes, *, docker: bool) -> bytes:
    """Put the cut lines of a block together; one that was cut more than once takes more than one go."""
    count = 1
    while count:
        if docker:
            data, count = _TORN_DOCKER.subn(b"", data)
        else:
            data, count = _TORN_CRI.subn(rb"\1\4 \3", data) if b" P " in data else (data, 0)
    return data
