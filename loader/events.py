"""Load events and the log line that carries one: the single module that the loader and the console both read.

A line is time, level, logger, a phrase for people, then logfmt pairs for programs:

    2026-11-23T07:10:47.123456Z INFO loader Loading LLaVa model event=started boot=3f9c1a load=1 …

Standard library only, because it is imported by strangers' services and by every process of the console.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, cast, get_args

__all__ = ["EventKind", "LoadEvent", "format_line", "parse_line"]

EventKind = Literal[
    "requested",  # a caller asked for a model that was not ready
    "waiting",  # … and waits for somebody else's load
    "started",  # a load began
    "progress",  # it told how far it is
    "completed",  # the model is whole and verified
    "failed",  # the load ended in an error
    "meta_tensor_error",  # … because tensors had no data
    "released",  # the model was given up; the next load is a new generation
]
_KINDS: Final = frozenset(get_args(EventKind))
_OWN_KEYS: Final = ("event", "boot", "seq", "load", "model", "pid", "thread")


@dataclass(frozen=True, slots=True)
class LoadEvent:
    """One thing that happened to a model in one worker process.

    Attributes:
        kind: what happened; the `event=` pair.
        time: when, in UTC, by the worker's clock.
        boot: identity of the worker process, random, made when it starts (and again after a fork).
        seq: place of the event among all events of this boot: 1, 2, 3, … without holes.
        model: hub id or folder of the model.
        pid: process id of the worker.
        thread: name of the thread, or of the variant on whose behalf it works.
        load: number of the load attempt, unique within a boot; None for an event that belongs to none.
        level: INFO, WARNING or ERROR.
        phrase: words for people. Programs read only the pairs.
        fields: further pairs, such as `seconds` or `error`.
    """

    kind: EventKind
    time: datetime
    boot: str
    seq: int
    model: str
    pid: int
    thread: str
    load: int | None = None
    level: str = "INFO"
    phrase: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


_BARE: Final = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONE: Final = re.compile(r"[\ud800-\udfff]")  # halves of a character, which UTF-8 cannot write
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"\\]")
_SHORT_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_LINE: Final = re.compile(
    # Only years that every clock on the way to the screen can show, in whatever time zone.
    r"(?P<time>(?:19[7-9]\d|2\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<level>[A-Z]+) "
    r"(?P<logger>[\w.]+) (?P<phrase>[^=]*?) ?(?P<pairs>event=.*)"
)
_NUMBER: Final = re.compile(r"[0-9]{1,15}")  # what every reader of JSON holds exactly
_LONGEST: Final = 64 * 1024
_PAIR: Final = re.compile(r'(?P<key>[A-Za-z_]\w*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]*))(?: |$)')
_ESCAPE: Final = re.compile(r"\\(u[0-9a-f]{4}|.)")
_UNESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}


def _quote(value: str) -> str:
    value = _LONE.sub("\ufffd", value)
    if _BARE.fullmatch(value):
        return value
    return '"' + _UNSAFE.sub(lambda m: _SHORT_ESCAPES.get(m[0], f"\\u{ord(m[0]):04x}"), value) + '"'


def _unquote(value: str) -> str:
    def char(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _UNESCAPES.get(code, code)

    return _LONE.sub("\ufffd", _ESCAPE.sub(char, value))


def _count(value: str) -> int:
    if _NUMBER.fullmatch(value) is None:
        raise ValueError(f"{value[:40]!r} is no count")
    return int(value)


def format_line(event: LoadEvent, *, logger: str = "loader") -> str:
    """Return the one log line of `event`, without a newline at its end.

    Values that hold spaces, quotes, `=` or control characters are quoted and escaped, so that no value can
    end the line or add a pair; what UTF-8 cannot write becomes U+FFFD. The phrase is the caller's own text
    and must not hold `=` or control characters.

    Raises:
        ValueError: the phrase could be mistaken for a pair or would break the line.
    """
    if "=" in event.phrase or _UNSAFE.search(event.phrase):
        raise ValueError(
            f"the phrase of a load event may hold no '=', quote or control character: {event.phrase!r}"
        )
    stamp = event.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    pairs = {"event": event.kind, "boot": event.boot, "seq": str(event.seq)}
    if event.load is not None:
        pairs["load"] = str(event.load)
    pairs |= {"model": event.model, "pid": str(event.pid), "thread": event.thread}
    pairs |= {key: value for key, value in event.fields.items() if key not in _OWN_KEYS}
    text = " ".join(f"{key}={_quote(value)}" for key, value in pairs.items())
    return f"{stamp} {event.level} {logger} {event.phrase} {text}"


def parse_line(text: str) -> LoadEvent | None:
    """Return the event that `text` carries, or None when it is not a well-formed line of ours.

    The line must be ours from its first to its last character: a line of another program that merely
    quotes one of ours, and one with a damaged pair, are None. So is one that is longer than any of ours, or
    whose numbers no worker counts to: whoever can write to the log must not be able to break its readers.
    """
    if len(text) > _LONGEST:
        return None
    match = _LINE.fullmatch(_LONE.sub("\ufffd", text.rstrip("\r\n")))
    if match is None:
        return None
    pairs: dict[str, str] = {}
    rest, at = match["pairs"], 0
    while at < len(rest):
        pair = _PAIR.match(rest, at)
        if pair is None or pair["key"] in pairs:
            return None
        pairs[pair["key"]] = _unquote(pair["quoted"]) if pair["quoted"] is not None else pair["bare"]
        at = pair.end()
    try:
        kind, load = pairs["event"], pairs.get("load")
        if kind not in _KINDS:
            return None
        return LoadEvent(
            kind=cast(EventKind, kind),  # checked against the literal's own values one line above
            time=datetime.strptime(match["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
            boot=pairs["boot"],
            seq=_count(pairs["seq"]),
            model=pairs["model"],
            pid=_count(pairs["pid"]),
            thread=pairs["thread"],
            load=_count(load) if load is not None else None,
            level=match["level"],
            phrase=match["phrase"],
            fields={key: value for key, value in pairs.items() if key not in _OWN_KEYS},
        )
    except (KeyError, ValueError):
        return None
