"""Checks the text of `targets.toml`: settings, or every fault with its line and what would be right."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dashboard.profiles import PROFILES
from dashboard.target_settings import shape
from dashboard.target_settings.places import lines_of
from dashboard.target_settings.rules import is_secret_name
from dashboard.target_settings.shape import TargetSettings
from dashboard.target_settings.templates import near

__all__ = ["Checked", "Fault", "check_text"]

_ADAPTER: Final = TypeAdapter(TargetSettings)
_KINDS: Final[Mapping[str, type]] = {
    "worker": shape.WorkerTrigger,
    "http": shape.HttpTrigger,
    "command": shape.CommandTrigger,
    "postgres": shape.PostgresTrigger,
}
_OUR_OWN: Final = "loadonce"
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_WANTED: Final = {
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list in brackets",
    "dict": "a table",
    "model": "a table",
    "dataclass": "a table",
    "mapping": "a table",
}
_GIVEN: Final = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as a sentence; `line` counts from 1, None where no line is to blame."""

    line: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a text says: `settings` if it has no `faults`."""

    settings: TargetSettings | None
    faults: tuple[Fault, ...] = ()


def check_text(text: str) -> Checked:
    """Read the text of a `targets.toml`. Never raises for what stands in it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Checked(None, (_unreadable(str(error), text),))
    except RecursionError:
        return Checked(None, (Fault(None, "It is nested too deeply to be read."),))
    faults: tuple[tuple[tuple[str, ...], str], ...]
    try:
        settings = _ADAPTER.validate_python(document)
    except ValidationError as error:
        faults = tuple(_told(detail, document) for detail in error.errors() if not _follows(detail))
    else:
        faults = tuple(_contradictions(settings))
        if not faults:
            return Checked(settings)
    lines = lines_of(text)
    placed = (Fault(_line(lines, path), text if text.endswith("?") else f"{text}.") for path, text in faults)
    return Checked(None, tuple(sorted(placed, key=lambda fault: fault.line or 0)))


def _unreadable(said: str, text: str) -> Fault:
    found = _PLACE.search(said)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    what = _PLACE.sub("", said)
    return Fault(
        line, f"this is no TOML: {what[:1].lower()}{what[1:]}. Texts stand in quotes, lists in brackets."
    )


def _line(lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> int | None:
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _told(detail: ErrorDetails, document: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Put one complaint of pydantic's into words of this file."""
    path, position = _path(detail["loc"])
    table, key = path[:-1], (path[-1] if path else "") + position
    kind, context = detail["type"], detail.get("ctx") or {}
    given = _shown(path, detail["input"])
    match kind:
        case "unexpected_keyword_argument":
            return path, f"{_name(table)} has no key {key!r}; {_known(key, _keys(table, document))}"
        case "missing":
            return table, f"{_name(table)} lacks the key {key!r}"
        case "union_tag_not_found":
            return path, f"{_name(path)} lacks the key 'kind': one of {', '.join(_KINDS)}"
        case "union_tag_invalid":
            tag = str(context["tag"])
            return (*path, "kind"), f"{_name(path)} kind = {tag!r} is not known; {_known(tag, _KINDS)}"
        case "literal_error":
            return path, f"{_name(table)} {key} = {given} is not one of {context['expected']}"
        case "value_error":
            said = str(context["error"])
            # A rule for a whole table begins with its verb, one for a value is about that value
            return path, f"{_at(path, document)}{position} {said}"
        case "too_short" | "string_too_short":
            return path, f"{_name(table)} {key} is empty"
        case "greater_than_equal" | "less_than_equal" | "greater_than":
            sign, bound = next(iter(context.items()))
            words = {"ge": "at least", "le": "at most", "gt": "more than"}[sign]
            return path, f"{_name(table)} {key} = {given} is out of range: it must be {words} {bound:g}"
    wanted = next((words for start, words in _WANTED.items() if kind.startswith(start)), None)
    if wanted is None:
        return path, f"{_name(table)} {key} = {given} is wrong: {detail['msg']}"
    was = _GIVEN.get(type(detail["input"]), "a date or time")
    return path, f"{_name(table)} {key} = {given} is {was}, and must be {wanted}"


def _follows(detail: ErrorDetails) -> bool:
    """Whether a list is only called too short because something in it is wrong, which is told besides."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _path(loc: tuple[int | str, ...]) -> tuple[tuple[str, ...], str]:
    """The keys as they stand in the text, without the kind that pydantic adds to a trigger's, and which
    one of a list it is."""
    if len(loc) > 3 and loc[0] == "targets" and loc[2] == "trigger":
        loc = (*loc[:3], *loc[4:])
    keys = tuple(part for part in loc if isinstance(part, str))
    return keys, f" (number {loc[-1] + 1})" if loc and isinstance(loc[-1], int) else ""


def _name(table: tuple[str, ...]) -> str:
    return f"[{'.'.join(table)}]" if table else "the file"


def _at(path: tuple[str, ...], document: Mapping[str, Any]) -> str:
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and path[-1] not in ("headers", "body"):
        return _name(path)
    return f"{_name(path[:-1])} {path[-1]}"


def _known(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    meant = near(word, known)
    return f"did you mean {meant!r}?" if meant else f"there are {', '.join(known)}"


def _keys(table: tuple[str, ...], document: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that a table may have."""
    match table:
        case ():
            holder: type = TargetSettings
        case ("containers",):
            holder = shape.Containers
        case ("profiles", _):
            holder = shape.ProfileSettings
        case ("targets", _):
            holder = shape.TargetEntry
        case ("targets", _, "ready"):
            holder = shape.Ready
        case ("targets", name, "trigger"):
            holder = _KINDS[document["targets"][name]["trigger"]["kind"]]
        case _:
            return ()
    return tuple(one.name for one in fields(holder))


def _shown(path: tuple[str, ...], value: object) -> str:
    """A value as it may be shown: nothing of what may be secret, and not too much of anything."""
    if any(is_secret_name(part) or part in ("headers", "environment", "dsn") for part in path):
        return "(not shown)"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _contradictions(settings: TargetSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What each table allows, and the tables together do not."""
    known = (_OUR_OWN, *PROFILES, *settings.profiles)
    for name in settings.profiles:
        if name in (_OUR_OWN, *PROFILES):
            path = ("profiles", name)
            yield path, f"{_name(path)} has the name of a profile that is built in; give it another"
    owners: dict[tuple[str | None, ...], str] = {}
    for name, entry in settings.targets.items():
        path = ("targets", name)
        if entry.profile is not None and entry.profile not in known:
            told = f"{_name(path)} profile = {entry.profile!r} is not known; {_known(entry.profile, known)}"
            yield (*path, "profile"), told
        other = owners.setdefault((entry.container, entry.service, entry.project), name)
        if other != name:
            yield path, f"{_name(path)} is the same container or service as [targets.{other}]; keep one"
        if any(entry.container == key != name for key in settings.targets):
            told = (
                f"{_name(path)} is the container {entry.container!r}, which is also the name of another entry"
            )
            yield (*path, "container"), f"{told}; rename that one"
