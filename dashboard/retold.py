"""What was said in English far from any page, in the viewer's language: verdicts' reasons, errors, notes.

    "The worker in web-1 was replaced by another process during the trial."
      = "The worker in {source} was replaced by another process during the trial."    found by its words
      -> its translation, with what stood in the places, which is looked up likewise

Such a sentence is made where nobody knows who will read it (on a run's thread, in a record of last year, for
the command line and JSON, whose English is a contract), so it is kept in English and read back here. Tests
read the sentences off the source, so each that the source can say has its translation. A sentence that is
not known is returned whole, in English: never half of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Any, Final

from dashboard.language import ENGLISH, TOLD, catalogue, filled, language

__all__ = ["COUNT", "Sentence", "Sentences", "sentences", "told", "told_all", "told_in", "told_rows"]

COUNT: Final = "count"
"""A place whose name begins so holds digits only, so that `{count} loads` is not any two words."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_DIGITS: Final = re.compile(r"\d[\d,]*")
_EDGES: Final = re.compile(r"([\s*✓✕?!…–●○‖↻·▶]*)(.*?)([\s*]*)", re.DOTALL)
"""Marks and spaces round the words of a text: `✓ Green`."""
_JOINT: Final = re.compile(r"(?<=[.?!]) | · ")
_SPACE: Final = re.compile(r" ")
_TWO_WORDS: Final = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")
_FEW: Final = 12
"""With fewer letters of its own a sentence is known only by words or names in its places."""
_LETTERS: Final = 3
_MOST_JOINTS: Final = 12
"""A text of more sentences is somebody else's, and read as a whole or not at all."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the catalogue: its words with the places between them, and its translation.

    Attributes:
        words: what stands before, between and behind the places; one more than there are places.
        places: their names, in the order of the English sentence; several where nothing stands between.
    """

    words: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]
    translation: str

    @classmethod
    def read(cls, english: str, translation: str) -> Sentence:
        """Take a message of the catalogue apart."""
        parts = _PLACE.split(english)
        words, places = [parts[0]], list[tuple[str, ...]]()
        for place, behind in zip(parts[1::2], parts[2::2], strict=True):
            if places and not words[-1]:
                places[-1] = (*places[-1], place)
                words[-1] = behind
            else:
                places.append((place,))
                words.append(behind)
        return cls(tuple(words), tuple(places), translation)

    @property
    def weight(self) -> int:
        """How much of the sentence is fixed."""
        return sum(map(len, self.words))

    def match(self, text: str) -> dict[tuple[str, ...], str] | None:
        """Return what stands in the places of `text`, in linear time, or None if it is another sentence."""
        first, last = self.words[0], self.words[-1]
        if not self.places:
            return {} if text == first else None
        if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last):
            return None
        end = len(text) - len(last)
        at, values = len(first), []
        for words in self.words[1:-1]:
            found = text.find(words, at, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(words)
        values.append(text[at:end])
        held = dict(zip(self.places, values, strict=True))
        counts = (value for places, value in held.items() if places[0].startswith(COUNT))
        return held if all(map(_DIGITS.fullmatch, counts)) else None


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of a language, by their first letters where they have some: few have to be tried."""

    plain: Mapping[str, Sentence]
    beginning: Mapping[str, tuple[Sentence, ...]]
    others: tuple[Sentence, ...]

    def like(self, text: str) -> Iterator[Sentence]:
        """Yield the sentences that `text` may be."""
        if text in self.plain:
            yield self.plain[text]
        if " " in text:  # between a place and a word there is one; a name or a number is none of them
            yield from self.beginning.get(text[:_LETTERS], ())
            yield from self.others


@cache
def sentences(name: str) -> Sentences:
    """Return the sentences of a language's catalogue."""
    messages = [each for each in catalogue(name) if each.context == TOLD and each.string]
    beginning: dict[str, list[Sentence]] = {}
    plain, others = {}, []
    for message in messages:
        made = Sentence.read(str(message.id), str(message.string))
        if not made.places:
            plain[str(message.id)] = made
        elif len(made.words[0]) >= _LETTERS:
            beginning.setdefault(made.words[0][:_LETTERS], []).append(made)
        else:
            others.append(made)
    return Sentences(plain, {key: tuple(found) for key, found in beginning.items()}, tuple(others))


def told(text: str) -> str:
    """Return a text that was made in English in the viewer's language, or as it is where it is not known.

    What stands in the places of a sentence and is none itself stays as it is: a name, a line of a log, an
    error of another library.
    """
    name = language()
    return text if name == ENGLISH or not text else told_in(name, text)


def told_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table with their headings and texts told."""
    return [{told(name): told_all(value) for name, value in row.items()} for row in rows]


def told_all(value: Any) -> Any:
    """Return a component's data with every text in it told; names of its fields stay."""
    if language() == ENGLISH:
        return value
    if isinstance(value, str):
        return told(value)
    if isinstance(value, Mapping):
        return {name: told_all(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [told_all(each) for each in value]
    return value


def told_in(name: str, text: str) -> str:
    """Return `text` in the language `name`; as it is if nobody knows it."""
    return _reading(name, text)[1]


@lru_cache(maxsize=32_768)  # a live view says the same again several times a second
def _reading(name: str, text: str) -> tuple[int, str]:
    """Return how much of a text is words that are known, and its translation: of all readings the fullest."""
    found = _EDGES.fullmatch(text)
    if found is None:
        return 0, text
    before, core, behind = found.groups()
    known, said = _best(name, core)
    return known, f"{before}{said}{behind}"


def _best(name: str, text: str) -> tuple[int, str]:
    best = 0, text
    for sentence in sentences(name).like(text):
        values = sentence.match(text)
        if values is not None:
            read: dict[str, tuple[int, str]] = {}
            for places, value in values.items():
                read |= _side_by_side(name, places, value)
            if sentence.weight < _FEW and any(_TWO_WORDS.search(said) for _known, said in read.values()):
                continue  # `{name} is {state}.` is not whatever has an `is` in it
            known = sentence.weight + sum(weight for weight, _said in read.values())
            if known > best[0]:
                held = {place: said for place, (_known, said) in read.items()}
                best = known, filled(sentence.translation, held)
    for between in _joints(text):
        first, rest = _reading(name, text[: between.start()]), _reading(name, text[between.end() :])
        if first[0] and rest[0] and first[0] + rest[0] > best[0]:
            best = first[0] + rest[0], f"{first[1]}{between[0]}{rest[1]}"
    if not best[0] and text.startswith("(") and text.endswith(")"):
        known, said = _reading(name, text[1:-1])
        return known, f"({said})"
    return best


def _side_by_side(name: str, places: tuple[str, ...], text: str) -> dict[str, tuple[int, str]]:
    """Read what stands in places with nothing between them: parted before a space, where most is known."""
    if len(places) == 1:
        return {places[0]: _reading(name, text)}
    cuts = [found.start() for found in islice(_SPACE.finditer(text), _MOST_JOINTS)]
    parted = [
        {places[0]: _reading(name, text[:cut]), **_side_by_side(name, places[1:], text[cut:])}
        for cut in (len(text), *cuts, 0)
    ]
    return max(parted, key=lambda read: sum(weight for weight, _said in read.values()))


def _joints(text: str) -> list[re.Match[str]]:
    joints = list(islice(_JOINT.finditer(text), _MOST_JOINTS + 1))
    return joints if len(joints) <= _MOST_JOINTS else []
