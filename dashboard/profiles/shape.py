"""What a profile is, and how its patterns are found in a line.

    line --> UTF-8 bytes, once as they are and once in ASCII lower case (same positions)
    fixed byte strings (`anchors`) are looked for first; an expression runs only where one was found

Every built-in expression is matched at a given place and bounded in length, and those of the user run on RE2,
so that no line, however long or odd, costs more than its length. Built-in patterns are in lower case: case
never matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from dashboard.profiles.echoes import echo_of
from dashboard.profiles.names import VAGUE, ModelName, name_of, named_behind
from loader.events import EventKind

__all__ = ["MODEL", "QUOTED", "Pattern", "Profile", "Sighting", "pattern", "without_colours"]

MODEL: Final = "model"
"""The group of an expression that names the model."""
QUOTED: Final = "quoted"
"""The field of a sighting that may only repeat what a request says: the kind of event that it would be."""
_NEAR: Final = 400
"""Bytes before a sighting among which the pid of its writer stands."""
_ANSI: Final = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[@-Z\\^_])"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing that a profile recognises: `expression` is tried wherever the bytes `anchor` stand.

    Attributes:
        anchor: empty for an expression of the user's, which RE2 looks for by itself.
        only_during_load: counts only while a load of the same process is under way, because the words alone
            may come from anywhere (a process that is killed, memory that runs out).
        common: any service may print it, so that it does not tell whose log this is.
        model: number of the group that names the model, if there is one.
        tearable: whether the phrase may be torn in two by a cut in the middle of a line.
    """

    kind: EventKind
    anchor: bytes
    expression: re.Pattern[bytes]
    fields: Mapping[str, str] = field(default_factory=dict)
    only_during_load: bool = False
    common: bool = False
    model: int | None = None
    tearable: bool = True


@dataclass(frozen=True, slots=True)
class Sighting:
    """An occurrence of a pattern: bytes `start` to `end` of the line.

    `process` is the pid of whoever wrote it, where the line itself says so.
    """

    pattern: Pattern
    start: int
    end: int
    model: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    process: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A named family of patterns. Where two overlap, the one that begins first stands, then the longer one.

    Attributes:
        process: how its lines name the process that writes them; the last before a sighting counts, else the
            first behind it.
        shards: whether these processes each load a part of one model, apart from the servers.
        hushed_by: words behind which the rest of a line is somebody else's text.
        tells_ends: whether its log ever says that a load came to its end.
        blockwise: whether one search over many lines at once finds every line that its expressions match.
    """

    name: str
    patterns: tuple[Pattern, ...]
    process: re.Pattern[bytes] | None = None
    shards: bool = False
    hushed_by: re.Pattern[bytes] | None = None
    tells_ends: bool = True
    blockwise: bool = True
    _anchored: re2.Set = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_anchored", _set_of(each.anchor for each in self.patterns))

    @property
    def own(self) -> tuple[Pattern, ...]:
        """The user's expressions: those that no fixed words stand for."""
        return tuple(each for each in self.patterns if not each.anchor)

    def pid_before(self, data: bytes, at: int) -> int | None:
        """Return the pid of the process that wrote what stands at a place of a line, where that is told."""
        if self.process is None:
            return None
        pids = [found[found.lastindex or 0] for found in self.process.finditer(data, max(0, at - _NEAR), at)]
        return int(pids[-1]) if pids else None

    def _pid_of(self, data: bytes, sighting: Sighting, stop: int) -> int | None:
        """Return the pid of the process that wrote a sighting, where its line tells it."""
        before = self.pid_before(data, sighting.start)
        if before is not None or self.process is None or self.shards:
            return before
        found = self.process.search(data, sighting.end, min(stop, sighting.end + _NEAR))
        return int(found[found.lastindex or 0]) if found is not None else None

    def find(self, data: bytes) -> tuple[Sighting, ...]:
        """Return every occurrence in `data`, a line in UTF-8 without colours, in the order of places."""
        low = data.lower()
        found = self._occurrences(self._candidates(low), low, data)
        return tuple(self._described(found, data)) if found else ()

    def find_across(self, data: bytes, border: int) -> tuple[Sighting, ...]:
        """Return what begins in one line and goes on in the next: `border` is where they meet in `data`."""
        low = data.lower()
        torn = [
            each
            for each in self._candidates(low)
            if each.tearable and low.find(each.anchor, 0, border + len(each.anchor)) >= 0
        ]
        if not any(_straddles(match, border) for each in torn for match in _matches(each, low, data)):
            return ()
        found = self._described(self._occurrences(torn, low, data), data)
        return tuple(each for each in found if each.start < border < each.end)

    def _candidates(self, low: bytes) -> list[Pattern]:
        """Return the patterns whose anchors stand in a line in lower case."""
        # Of dozens hardly any do: one search for all is faster than one for each
        return [self.patterns[number] for number in sorted(self._anchored.Match(low) or ())]

    def _occurrences(self, patterns: Iterable[Pattern], low: bytes, data: bytes) -> list[Sighting]:
        """Find some patterns; of those that overlap one."""
        found: list[Sighting] = []
        for each in patterns:
            for match in _matches(each, low, data):
                echo = echo_of(each.kind, data, *match.span()) if each.anchor else "none"
                if echo != "sure":
                    fields = {QUOTED: each.kind} if echo == "doubtful" else {}
                    named = _named(each, match, data)
                    found.append(Sighting(each, match.start(), match.end(), named, fields))
        return _without_overlaps(found) if len(found) > 1 else found

    def _described(self, found: list[Sighting], data: bytes) -> Iterator[Sighting]:
        for index, sighting in enumerate(found):
            if self.hushed_by is not None and self.hushed_by.search(data, 0, sighting.start):
                return
            stop = found[index + 1].start if index + 1 < len(found) else len(data)
            model, fields = sighting.model, {**sighting.pattern.fields, **sighting.fields}
            if sighting.pattern.kind == "started" and sighting.pattern.anchor:
                name = _model(sighting, data, stop)
                model = name.text
                fields |= {"cut": "1"} if name.cut else {}
                fields |= {VAGUE: "1"} if name.vague else {}
            elif sighting.pattern.kind == "progress":
                bar = _BAR.match(data, sighting.end, stop)
                if bar is not None:
                    fields |= {"done": bar[1].decode(), "total": bar[2].decode()}
            if self.shards:
                repeated = _REPEATED.search(data, sighting.end, min(stop, sighting.end + 512))
                if repeated is not None:
                    fields["repeated"] = repeated[1].decode()
            pid = self._pid_of(data, sighting, stop)
            yield Sighting(sighting.pattern, sighting.start, sighting.end, model, fields, pid)


def _set_of(anchors: Iterable[bytes]) -> re2.Set:
    """Return what tells by their numbers which of some words, in lower case, stand in a text."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    found = re2.Set.SearchSet(options)
    for anchor in anchors:
        found.Add(re2.escape(anchor))
    found.Compile()
    return found


def pattern(
    kind: EventKind,
    anchor: str,
    expression: bytes,
    *,
    only_during_load: bool = False,
    common: bool = False,
    **fields: str,
) -> Pattern:
    """Return a built-in pattern; `expression` is in lower case and begins with `anchor`."""
    compiled = re.compile(expression)
    model = compiled.groupindex.get(MODEL)
    return Pattern(kind, anchor.encode(), compiled, fields, only_during_load, common, model)


def without_colours(text: str) -> str:
    """Return `text` without the escape sequences of a terminal."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def _matches(each: Pattern, low: bytes, data: bytes) -> Iterator[re.Match[bytes]]:
    if not each.anchor:
        for match in each.expression.finditer(data):
            if match.end() > match.start():
                yield match
        return
    at = low.find(each.anchor)
    while at >= 0:
        found = each.expression.match(low, at)
        if found is not None:
            yield found
        at = low.find(each.anchor, found.end() if found is not None and found.end() > at else at + 1)


def _straddles(match: re.Match[bytes], border: int) -> bool:
    return match.start() < border < match.end()


def _named(each: Pattern, match: re.Match[bytes], data: bytes) -> str | None:
    if each.model is None or match.start(each.model) < 0:
        return None
    begin, end = match.span(each.model)  # in lower case the places are the same
    return data[begin:end].decode("utf-8", "replace").strip() or None


def _without_overlaps(found: list[Sighting]) -> list[Sighting]:
    kept: list[Sighting] = []
    for sighting in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or sighting.start >= kept[-1].end:
            kept.append(sighting)
    return kept


_BAR: Final = re.compile(
    rb"[^\d|]{0,3}\d{1,3}%(?: completed )?\|(?:[^|]{0,2000}\|)?\s{0,4}(\d{1,9})/(\d{1,9})", re.IGNORECASE
)
_REPEATED: Final = re.compile(rb"\[repeated (\d{1,4})x across cluster\]")


def _model(sighting: Sighting, data: bytes, stop: int) -> ModelName:
    """Return the model that a start names."""
    if sighting.model is not None:
        return name_of(sighting.model, at_the_end=sighting.end == stop)
    return named_behind(data, sighting.end, stop)
