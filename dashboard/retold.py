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
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Final

from dashboard.language import ENGLISH, FOLDER, TOLD, filled, language

__all__ = ["COUNT", "Sentence", "sentences", "told", "told_in"]

COUNT: Final = "count"
"""A place whose name begins so holds digits only, so that `{count} loads` is not any two words."""
_PLACE: Final = re.compile(r"\{(\w+)\}")
_DIGITS: Final = re.compile(r"\d[\d,]*")
_END: Final = re.compile(r"[.?!] ")
_MOST_ENDS: Final = 12
"""A text of more sentences is somebody else's, and read as a whole or not at all."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the catalogue: its words with the places between them, and its translation.

    Attributes:
        words: what stands before, between and behind the places; one more than there are places.
        places: their names, in the order of the English sentence.
    """

    words: tuple[str, ...]
    places: tuple[str, ...]
    translation: str

    @classmethod
    def read(cls, english: str, translation: str) -> Sentence:
        """Take a message of the catalogue apart."""
        parts = _PLACE.split(english)
        return cls(tuple(parts[::2]), tuple(parts[1::2]), translation)

    @property
    def weight(self) -> int:
        """How much of the sentence is fixed: what says more is tried first."""
        return sum(map(len, self.words))

    def match(self, text: str) -> dict[str, str] | None:
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
        counts = (value for place, value in held.items() if place.startswith(COUNT))
        return held if all(map(_DIGITS.fullmatch, counts)) else None


@cache
def sentences(name: str) -> tuple[Sentence, ...]:
    """Return the sentences of a language's catalogue, those that say most first."""
    from babel.messages.pofile import read_po

    with (FOLDER / f"{name}.po").open("rb") as file:
        messages = [each for each in read_po(file, locale=name) if each.context == TOLD and each.string]
    made = (Sentence.read(str(each.id), str(each.string)) for each in messages)
    return tuple(sorted(made, key=lambda each: -each.weight))


def told(text: str) -> str:
    """Return a text that was made in English in the viewer's language, or as it is where it is not known.

    What stands in the places of a sentence and is none itself stays as it is: a name, a line of a log, an
    error of another library.
    """
    name = language()
    return text if name == ENGLISH or not text else told_in(name, text)


def told_in(name: str, text: str) -> str:
    """Return `text` in the language `name`; as it is if nobody knows it."""
    return _reading(name, text)[1]


@lru_cache(maxsize=8192)  # a live view says the same again several times a second
def _reading(name: str, text: str) -> tuple[int, str]:
    """Return how much of a text is words that are known, and its translation: of all readings the fullest."""
    best = 0, text
    for sentence in sentences(name):
        values = sentence.match(text)
        if values is not None:
            read = {place: _reading(name, value) for place, value in values.items()}
            known = sentence.weight + sum(weight for weight, _ in read.values())
            if known > best[0]:
                best = known, filled(sentence.translation, {place: said for place, (_, said) in read.items()})
    for end in _ends(text):
        first, rest = _reading(name, text[:end]), _reading(name, text[end + 1 :])
        if first[0] and rest[0] and first[0] + rest[0] > best[0]:
            best = first[0] + rest[0], f"{first[1]} {rest[1]}"
    return best


def _ends(text: str) -> list[int]:
    ends = [found.start() + 1 for found in islice(_END.finditer(text), _MOST_ENDS + 1)]
    return ends if len(ends) <= _MOST_ENDS else []
