"""Signs: words of which one stands in whatever a built-in pattern or a mark matches."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ERRORS", "SIGNS", "may_tell", "names_error", "torn"]

_W: Final = rb"[\t-\r ]*"
_PARTS: Final = rb"llava|checkpoint|weights|processor|model|took|drafter|safetensors|pt|np_?cache|pretrained"

SIGNS: Final = {
    "load": rb"load(?:ed%b(?:successfully|with|on)|(?:ing)?%b(?:the%b)?(?:%b))" % (_W, _W, _W, _PARTS),
    "cannot": rb"cannot (?:allocate memory|be called on meta)|cannot%bcopy" % _W,
    "on device meta": rb"on device meta",
    "process [": rb"process \[\d",
    "pid: ": rb"pid: \d",
    "serving flask": rb"serving flask app",
    "starting gunicorn": rb"starting gunicorn",
    "quantization failed": rb"quantization failed",
    "out of memory": rb"out of memory",
    "enough memory": rb"not enough memory",
    "bad_alloc": rb"std::bad_alloc",
    "killed": rb"killed",
    "bus error": rb"bus error",
    "aborted (core": rb"aborted \(core",
    "in from_pretrained": rb", in from_pretrained",
    "in get_llava_model": rb", in get_llava_model",
    "failed to load": rb"failed to load",
    "load failed": rb"load failed",
    "loading failed": rb"loading failed",
    "unloaded": rb"model unloaded",
    "fatal python": rb"fatal python error",
    "worker timeout": rb"worker timeout \(pid",
    "로딩 실패": "모델 로딩 실패".encode(),
    "exited with code": rb"exited with code",
    "code=": rb"code=(?:killed|dumped)",
    "by the oom": rb"by the oom killer",
    "oom-kill": rb"result 'oom-kill'",
    "by signal": rb"died, killed by signal",
    "startup failed": rb"application startup failed",
    "uwsgi": rb"uwsgi (?:worker|\d)",
    "spawning worker": rb"spawning worker-\d",
    "could not load": rb"could not load",
    "unable to load": rb"unable to load",
    "cannot load": rb"cannot load",
    "be loaded": rb"could not be loaded",
    "error loading": rb"(?:error|exception|failure) (?:while |when |in )?loading",
    "로드 실패": "모델 로드 실패".encode(),
    "segmentation fault": rb"segmentation fault",
    "sent sigkill": rb"sent sigkill",
    "failed to start": rb"failed to start",
    "initialization failed": rb"initialization failed",
    "modules.json": rb"modules\.json found",
    "transformer": rb"transformer%bmodel" % _W,
    "encoder": rb"encoder%bmodel" % _W,
    "no sentence-": rb"no sentence-transformers",
    "vllm api server": rb"vllm api server",
    "in world size": rb"in world size \d",
    "tensor_parallel_size": rb"tensor_parallel_size=\d",
}
"""A stem, and an expression of RE2 with what goes on there, in lower case."""


ERRORS: Final = {
    words: words.encode()
    for words in (
        "partially initialized module",
        "already borrowed",
        "cuda in forked subprocess",
        "attached to a different loop",
        "bound to a different event loop",
        "no running event loop",
        "no current event loop",
        "from a running event loop",
        "event loop is closed",
        "deserializing header",
        "error no file named",
        "does not appear to have a file named",
        "no such file or directory",
        "acquire lock",
        "could not be acquired",
        "cannot copy out of meta",
        "out of memory",
        "enough memory",
        "allocate memory",
    )
}
"""Words of errors that a diagnosis knows, as signs: they are no events."""


def names_error(text: str) -> bool:
    """Return whether a line holds one of the errors that a diagnosis knows."""
    low = text.lower()
    return any(words in low for words in ERRORS)


def may_tell(text: str) -> bool:
    """Return False for text in which no built-in pattern and no mark can be: nearly all lines, at once."""
    low = text.lower()
    for stem in SIGNS:  # noqa: SIM110 - any() over a generator takes three times as long
        if stem in low:
            return True
    return False


_PIECE: Final = re.compile(rb"(\\.|\[[^\]]*\])(\*|\{\d+,\d+\}|\?)?|\(\?:|[()|]|([^\\\[()|?])(\?)?|\?")


def torn(expression: bytes) -> bytes:
    """Return an expression that finds a sign although newlines stand within its words.

    It may find a little more: a bounded repetition becomes an unbounded one.
    """

    def loosened(piece: re.Match[bytes]) -> bytes:
        several, repeat, letter, may = piece.groups()
        if several is not None:
            if repeat not in (None, b"?"):
                return b"(?:%b|\n)*" % several
            return b"(?:%b\n*)%b" % (several, repeat or b"")
        if letter is not None:
            return b"(?:%b\n*)?" % letter if may else letter + b"\n*"
        return piece[0]

    return _PIECE.sub(loosened, expression)
