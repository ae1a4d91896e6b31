"""Two threads in one object of the real tokenizers library, after a load that went well."""

from __future__ import annotations

import threading
from typing import Any

from tokenizers import PreTokenizedString

from tests.field_errors.said import at_once, begin, end

begin()
end()
text, inside, refused = PreTokenizedString("one image, one prompt"), threading.Event(), threading.Event()


def slowly(_index: int, piece: Any) -> list[Any]:
    inside.set()
    refused.wait(60)
    return [piece]


def second() -> None:
    inside.wait(60)
    try:
        text.split(lambda _index, piece: [piece])
    finally:
        refused.set()


at_once(lambda: text.split(slowly), second)
