"""The rules for single values in `targets.toml`: each returns the value, or raises ValueError with why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from dashboard.profiles import check_expression
from dashboard.target_settings.templates import (
    EACH_JOB,
    EACH_VARIANT,
    has_reference,
    parameters,
    placeholders,
    unknown_placeholder,
)

__all__ = [
    "command",
    "dsn",
    "expression",
    "headers",
    "is_secret_name",
    "json_body",
    "method",
    "names_one",
    "one_or_more",
    "path",
    "statement",
    "template",
]

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SECRET: Final = re.compile(r"authorization|cookie|token|secret|passw|api[-_]?key|credential", re.IGNORECASE)
_PASSWORD: Final = re.compile(
    r"(?:^|[\s?&])password\s*=\s*(?P<words>[^\s&]+)|://[^/@\s]*?:(?P<url>[^@/\s]+)@"
)
_EXAMPLE: Final = '["python3", "make_jobs.py", "--jobs", "{jobs}"]'


def expression(text: str) -> str:
    """A regular expression for RE2, which takes linear time and knows no back-references."""
    check_expression(text)
    return text


def template(text: str) -> str:
    """A text with placeholders."""
    complaint = unknown_placeholder(text)
    if complaint is not None:
        raise ValueError(complaint)
    return text


def statement(text: str) -> str:
    """An SQL statement with named parameters."""
    parameters(text)
    return text


def names_one(query: str) -> bool:
    """Whether an SQL statement is about a single variant or job."""
    return bool(parameters(query) & (EACH_VARIANT | EACH_JOB))


def one_or_more(given: object) -> object:
    """One statement or a list of them."""
    return (given,) if isinstance(given, str) else given


def path(text: str) -> str:
    """The path of a URL."""
    if not text.startswith("/") or _CONTROL.search(text):
        raise ValueError('is no path: it begins with a slash, as "/healthz"')
    return text


def method(text: str) -> str:
    """An HTTP method."""
    if not _TOKEN.fullmatch(text):
        raise ValueError("is no HTTP method, as GET, POST, PUT, PATCH and DELETE are")
    return text.upper()


def is_secret_name(name: str) -> bool:
    """Whether a header or variable of that name carries what nobody else should read."""
    return _SECRET.search(name) is not None


def headers(given: Mapping[str, str]) -> Mapping[str, str]:
    """Headers: names as HTTP has them, and no secret in the clear."""
    for name, value in given.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"has {name!r}, which is no name of a header")
        if _CONTROL.search(value) or not value.isascii():
            raise ValueError(f"has a value for {name} that no header can carry: one line of ASCII")
        if is_secret_name(name) and not has_reference(value):
            raise ValueError(
                f"has a secret in the clear for {name}. Put it into an environment variable of the console "
                'and write "${ITS_NAME}" here'
            )
    return given


def json_body(value: Any) -> Any:
    """Something that JSON can say, with placeholders in its texts."""
    if isinstance(value, Mapping):
        for part in value.values():
            json_body(part)
    elif isinstance(value, list):
        for part in value:
            json_body(part)
    elif isinstance(value, str):
        template(value)
    elif not isinstance(value, bool | int | float | None):
        raise ValueError(f"holds {value}, a date or time, which JSON does not know. Write it as text")
    elif value in (float("inf"), float("-inf")) or value != value:
        raise ValueError(f"holds {value}, a number that JSON does not know")
    return value


def command(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command: for each variant, or for all, and not for both."""
    used = frozenset().union(*(placeholders(word) for word in words))
    if used & (EACH_VARIANT | {"job_id"}) and used & {"jobs", "variants_per_job", "variants"}:
        raise ValueError(
            "mixes {n}, {variant_id} or {job_id} (one command for each variant) with {jobs}, "
            "{variants_per_job} or {variants} (one for all)"
        )
    return words


def dsn(text: str) -> str:
    """The address of a database, without a password in the clear."""
    found = _PASSWORD.search(text)
    if found is not None and not has_reference(found["words"] or found["url"]):
        raise ValueError(
            "has a password in the clear. Put it into an environment variable of the console and write "
            '"${ITS_NAME}" in its place, or leave it to ~/.pgpass'
        )
    return text
