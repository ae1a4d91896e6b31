"""Profiles of the user: expressions of RE2, which takes linear time whatever they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast, get_args

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from dashboard.profiles.built_in import COMMON
from dashboard.profiles.shape import MODEL, Pattern, Profile
from loader.events import EventKind

__all__ = ["ProfileError", "check_expression", "own_profile"]

_ANCHORED: Final = re.compile(r"(?<!\[)\^|\$|\\[AzbB]")
# These hold at the ends of a whole text only, so that many lines cannot be searched as one
_WHOLE_TEXT: Final = re.compile(r"\\[Az]|\(\?[a-zA-Z]*(?:-[a-zA-Z]*)?m|\(\?[a-zA-Z]*-")
_ERRORS: Final[Mapping[str, str]] = {"failed": "LoadFailed", "meta_tensor_error": "MetaTensorError"}


class ProfileError(ValueError):
    """An expression cannot be used. The message is what follows its name in a sentence."""


def check_expression(text: str) -> None:
    """Look whether `text` is an expression of RE2 that finds something.

    Raises:
        ProfileError: it is none, or it matches where nothing stands.
    """
    compiled = compile_own(text)
    if compiled.search(b"") is not None:
        raise ProfileError("matches an empty line, and so every line: write what must stand there")
    unknown = [name for name in _groups(compiled) if name != MODEL]
    if unknown:
        raise ProfileError(f"has a group named {unknown[0]!r}; the one that is read is (?P<{MODEL}>…)")


def compile_own(text: str) -> re.Pattern[bytes]:
    """Compile an expression of the user's for bytes in UTF-8; case never matters.

    Raises:
        ProfileError: RE2 cannot read it.
    """
    options = re2.Options()
    options.log_errors, options.case_sensitive = False, False
    try:
        # Typed as the standard library's, which it mirrors
        return cast("re.Pattern[bytes]", re2.compile(text.encode(), options))
    except re2.error as error:
        why = error.args[0] if error.args else error
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise ProfileError(f"is no expression that RE2 can read: {said}") from error


def _groups(compiled: re.Pattern[bytes]) -> dict[str, int]:
    """Return the named groups; given bytes, RE2 names them in bytes."""
    groups = cast("Mapping[bytes, int]", compiled.groupindex)
    return {name.decode(): number for name, number in groups.items()}


def own_profile(name: str, expressions: Mapping[str, Sequence[str]]) -> Profile:
    """Return the profile of a user's expressions, by kinds of event.

    What any service may print (transformers' progress, a meta tensor error, memory that runs out during a
    load) belongs to it, too: leaving it out would let a failed load pass.

    Raises:
        ProfileError: an expression cannot be used.
    """
    patterns = tuple(
        Pattern(
            kind,
            b"",
            compiled := compile_own(text),
            {"error": _ERRORS[kind]} if kind in _ERRORS else {},
            model=_groups(compiled).get(MODEL),
            tearable=_ANCHORED.search(text) is None,
        )
        for kind in get_args(EventKind)
        for text in expressions.get(kind, ())
    )
    whole = all(_WHOLE_TEXT.search(text) is None for texts in expressions.values() for text in texts)
    tells_ends = bool(expressions.get("completed"))
    return Profile(name, (*patterns, *COMMON), tells_ends=tells_ends, blockwise=whole)
