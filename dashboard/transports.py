"""What carries a log puts something before each line, or wraps it: the line itself is found here.

    docker logs -t, Kubernetes   2026-11-23T07:10:47.123456789Z …      compose   llava-1  | …
    CRI                          2026-11-23T07:10:47.1Z stdout F …      pods      [pod/llava-0/app] …
    journald, syslog             Nov 23 07:10:47 host llava[812]: …     Docker    {"log":"…\\n","stream":…}

Only what stands before everything else is taken off: a line that merely quotes another stays what it is.
"""

from __future__ import annotations

import json
import re
from typing import Final

__all__ = ["unwrapped"]

_STAMP: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_PREFIX: Final = re.compile(
    rf"(?:{_STAMP} (?:std(?:out|err) [FP] )?(?=\d{{4}}-)"  # another time follows: that of the line
    r"|[\w.@-]{1,160} {2,80}\| (?=\S)"
    r"|\[pod/[\w./-]{1,200}\] "
    rf"|(?:[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d|{_STAMP}) [\w.-]{{1,80}} "
    r"[\w./@-]{1,80}(?:\[\d{1,9}\])?: "
    rf"|<\d{{1,3}}>1 {_STAMP} \S{{1,80}} \S{{1,80}} \S{{1,80}} \S{{1,80}} (?:-|\[[^\]]{{0,400}}\]) )"
)
_MOST: Final = 3
"""Wrappings of one line: compose puts its prefix before Docker's time."""


def unwrapped(text: str) -> str:
    """Return a line without what its transport has put round it; the line itself where that is nothing."""
    for _ in range(_MOST):
        if text.startswith('{"log":'):
            inner = _of_docker(text)
        else:
            match = _PREFIX.match(text)
            inner = text[match.end() :] if match is not None else text
        if inner == text:
            break
        text = inner
    return text


def _of_docker(text: str) -> str:
    """Return the line in a record of Docker's json-file."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return text
    told = record.get("log")
    known = record.keys() <= {"log", "stream", "time", "attrs"}
    return told.rstrip("\r\n") if known and isinstance(told, str) else text
