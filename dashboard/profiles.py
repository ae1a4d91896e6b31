"""Profiles: the patterns by which a family of services shows its loads in a log, found in linear time.

    line --> UTF-8 bytes, once as they are and once in ASCII lower case (same positions)
    fixed byte strings (`anchors`) are looked for first; an expression runs only where one was found

Every expression is matched at a given place and bounded in length, so that no line, however long or odd,
costs more than its length. Patterns are in lower case: case never matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from loader.events import EventKind

__all__ = [
    "FEEDLYAI",
    "PROFILES",
    "SIGNS",
    "Mark",
    "Pattern",
    "Profile",
    "Sighting",
    "find_marks",
    "may_tell",
    "without_colours",
]

_S: Final = rb"\s{0,4}"  # words may be wrapped or lose their space where a line was cut
_LLAVA: Final = rb"llava(?:[-\s]?(?:next|onevision|v?\d[\w.]{0,8})){0,2}"
_ANSI: Final = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[@-Z\\^_])"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing that a profile recognises: `expression` is tried wherever the bytes `anchor` stand.

    `only_during_load`: counts only while a load of the same process is under way, because the words alone
    may come from anywhere (a process that is killed, memory that runs out).
    """

    kind: EventKind
    anchor: bytes
    expression: re.Pattern[bytes]
    fields: Mapping[str, str] = field(default_factory=dict)
    only_during_load: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """An occurrence of a pattern: bytes `start` to `end` of the line."""

    pattern: Pattern
    start: int
    end: int
    model: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named family of patterns. Where two overlap, the one that is listed first stands."""

    name: str
    patterns: tuple[Pattern, ...]

    def find(self, data: bytes) -> tuple[Sighting, ...]:
        """Return every occurrence in `data`, a line in UTF-8 without colours, in the order of places."""
        low = data.lower()
        found: list[Sighting] = []
        for pattern in self.patterns:
            if pattern.anchor not in low:
                continue
            for match in _matches(pattern, low):
                if pattern.kind == "started" and _is_no_start(data, match.start()):
                    continue
                found.append(Sighting(pattern, match.start(), match.end()))
        if not found:
            return ()
        return tuple(_described(_without_overlaps(found), data))


def without_colours(text: str) -> str:
    """Return `text` without the escape sequences of a terminal."""
    return _ANSI.sub("", text) if "\x1b" in text else text


SIGNS: Final = {
    "load": rb"load(?:ing|ed|[\t-\r ])",
    "cannot": rb"cannot[\t-\r ]{0,4}copy",
    "process [": rb"process \[\d",
    "pid: ": rb"pid: \d",
    "starting gunicorn": rb"starting gunicorn",
    "quantization failed": rb"quantization failed",
    "out of memory": rb"out of memory",
    "exited with code": rb"exited with code",
    "segmentation fault": rb"segmentation fault",
    "sent sigkill": rb"sent sigkill",
}
"""One of these stands in whatever a pattern or a mark below matches: words, and with what goes on there."""


def may_tell(text: str) -> bool:
    """Return False for text in which no pattern and no mark can be: nearly all lines, at once."""
    low = text.lower()
    for stem in SIGNS:  # noqa: SIM110 - any() over a generator takes three times as long
        if stem in low:
            return True
    return False


def _matches(pattern: Pattern, low: bytes) -> Iterator[re.Match[bytes]]:
    at = low.find(pattern.anchor)
    while at >= 0:
        match = pattern.expression.match(low, at)
        if match is not None:
            yield match
        at = low.find(pattern.anchor, match.end() if match is not None and match.end() > at else at + 1)


# Words before a start's own that make it something else. They count only before a small "loading": threads
# join their lines without a space, and then whatever stands before a capital belongs to another message.
_NO_START: Final = re.compile(
    rb"(?:un|down|up|off|downloading/|(?:error|failed|failure|exception|while|when|after|before|during|finished"
    rb"|done|completed|stopped|not|skipped|skipping|instead of)[\s:,.]{1,3})$"
)
_SEARCHES: Final = re.compile(rb"grep\s[^|]{0,24}$")  # the guide's own command line, echoed by a shell


def _is_no_start(data: bytes, at: int) -> bool:
    before = data[max(0, at - 40) : at].lower()
    if _SEARCHES.search(before):
        return True
    return data[at : at + 1] == b"l" and _NO_START.search(before) is not None


def _without_overlaps(found: list[Sighting]) -> list[Sighting]:
    kept: list[Sighting] = []
    for sighting in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or sighting.start >= kept[-1].end:
            kept.append(sighting)
    return kept


_MODEL: Final = re.compile(rb"\s{0,4}(?:[:=(]|from\s)[\s\"'\[(]{0,4}([^\s\"'\])]{1,256})(\s)?")
_MESSAGE: Final = re.compile("downloading|loading|✓|⚠|traceback|info:|error:".encode(), re.IGNORECASE)
_BAR: Final = re.compile(rb"[^\d|]{0,3}\d{1,3}%\|[^|]{0,2000}\|\s{0,4}(\d{1,9})/(\d{1,9})")


def _described(found: list[Sighting], data: bytes) -> Iterator[Sighting]:
    for index, sighting in enumerate(found):
        stop = found[index + 1].start if index + 1 < len(found) else len(data)
        fields = dict(sighting.pattern.fields)
        model = None
        if sighting.pattern.kind == "started":
            match = _MODEL.match(data, sighting.end, stop)
            if match is not None:
                model, whole = _model_name(match[1]), match[2] is not None
                if model is not None and not whole:
                    fields["cut"] = "1"  # the line ended, or another began, right behind the name
        elif sighting.pattern.kind == "progress":
            bar = _BAR.match(data, sighting.end, stop)
            if bar is not None:
                fields |= {"done": bar[1].decode(), "total": bar[2].decode()}
        yield Sighting(sighting.pattern, sighting.start, sighting.end, model, fields)


def _model_name(name: bytes) -> str | None:
    joined = _MESSAGE.search(name, 1)
    if joined is not None:
        name = name[: joined.start()]
    return name.decode("utf-8", "replace").rstrip(".,;:…") or None


def _pattern(
    kind: EventKind, anchor: str, expression: bytes, *, only_during_load: bool = False, **fields: str
) -> Pattern:
    return Pattern(kind, anchor.encode(), re.compile(expression), fields, only_during_load)


FEEDLYAI: Final = Profile(
    "feedlyai",
    (
        # The guide's service tries eight bits first; when that does not fit, the same load goes on without.
        _pattern("progress", "quantization failed", rb"quantization failed(?:[^\r\n]{0,400}?out of memory)?"),
        _pattern("failed", "failed", rb"failed to load (?:the )?" + _LLAVA, error="LoadFailed"),
        _pattern("failed", "error", rb"error loading (?:the )?" + _LLAVA, error="LoadFailed"),
        _pattern(
            "progress",
            "downloading/loading",
            rb"downloading/loading" + _S + rb"(?:processor|model)" + _S + rb"from",
        ),
        _pattern("started", "loading", rb"loading" + _S + _LLAVA + _S + rb"model"),
        _pattern(
            "progress",
            "loading",
            rb"loading" + _S + rb"(?:checkpoint" + _S + rb"shards|weights)(?=\s{0,4}[:\d])",
        ),
        _pattern("completed", "model", rb"model" + _S + rb"loaded" + _S + rb"successfully"),
        _pattern("progress", "model", rb"model" + _S + rb"loaded" + _S + rb"(?:with|on)\b"),
        _pattern(
            "meta_tensor_error",
            "cannot",
            rb"cannot" + _S + rb"copy" + _S + rb"out" + _S + rb"of" + _S + rb"meta" + _S + rb"tensor",
            error="MetaTensorError",
        ),
        _pattern("failed", "out of memory", rb"out of memory", only_during_load=True, error="OutOfMemory"),
        _pattern(
            "failed",
            "exited with code",
            rb"exited with code (?:137|-9)\b",
            only_during_load=True,
            error="OutOfMemory",
        ),
        _pattern(
            "failed",
            "child process [",
            rb"child process \[\d{1,9}\] died",
            only_during_load=True,
            error="WorkerDied",
        ),
        _pattern(
            "failed", "segmentation fault", rb"segmentation fault", only_during_load=True, error="WorkerDied"
        ),
        _pattern("failed", "sent sigkill", rb"sent sigkill", only_during_load=True, error="WorkerDied"),
    ),
)
"""The service of the guide that this console grew from, and what uvicorn, gunicorn and Docker say of it."""

PROFILES: Final[Mapping[str, Profile]] = {FEEDLYAI.name: FEEDLYAI}
"""Profiles of strangers by name. `loadonce`, our own lines, is no pattern: `loader.events` reads those."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A server process that began (`begin`), ended (`end`), or a whole new service (`reset`)."""

    kind: Literal["begin", "end", "reset"]
    pid: int


_MARKS: Final[tuple[tuple[Literal["begin", "end", "reset"], bytes, re.Pattern[bytes]], ...]] = (
    ("reset", b"started parent process", re.compile(rb"started parent process \[(\d{1,9})\]")),
    ("reset", b"started reloader process", re.compile(rb"started reloader process \[(\d{1,9})\]")),
    ("reset", b"] [info] starting gunicorn", re.compile(rb"\] \[info\] starting gunicorn()")),
    ("begin", b"started server process", re.compile(rb"started server process \[(\d{1,9})\]")),
    ("begin", b"booting worker with pid", re.compile(rb"booting worker with pid: (\d{1,9})")),
    ("end", b"finished server process", re.compile(rb"finished server process \[(\d{1,9})\]")),
    ("end", b"worker exiting (pid", re.compile(rb"worker exiting \(pid: (\d{1,9})\)")),
)


def find_marks(data: bytes) -> tuple[Mark, ...]:
    """Return what a line of uvicorn's or gunicorn's, in UTF-8, says about server processes."""
    low = data.lower()
    found: list[tuple[int, Mark]] = []
    for kind, anchor, expression in _MARKS:
        at = low.find(anchor)
        while at >= 0:
            match = expression.match(low, at)
            if match is not None:
                found.append((at, Mark(kind, int(match[1] or 0))))
            at = low.find(anchor, at + 1)
    return tuple(mark for _, mark in sorted(found, key=lambda each: each[0]))
