"""What the program of a probe has told: read from its stdout as it comes, whole or cut short by its end."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = [
    "CALLABLE_HELP",
    "MOST_THREADS",
    "Asked",
    "Call",
    "Load",
    "ProbeReport",
    "Reading",
    "callable_named",
]

CALLABLE_HELP: Final = "Write MODULE:FUNCTION, as in services.llava_service:get_llava_model."
MOST_THREADS: Final = 1000

IMPORT_LIMIT_S: Final = 600.0
"""How long an import may take before the probe is given up."""
GRACE_S: Final = 10.0
"""After the timeout: for the program to tell its end, before it is ended from outside."""

# The working folder is kept off the path while the program imports what it needs: it may hold a `json.py`.
_BOOT: Final = (
    "import sys; sys.path[:] = [place for place in sys.path if place]; "
    "exec(compile(sys.argv.pop(1), 'probe', 'exec'))"
)
_CALLABLE: Final = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_PROGRAM: Final = Path(__file__).with_name("program.py")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be probed. `timeout_s` runs from the release. `token` marks the program's own lines."""

    module: str
    name: str
    threads: int
    timeout_s: float
    token: str = field(default_factory=lambda: f"probe-{secrets.token_hex(12)}")

    @property
    def limit_s(self) -> float:
        """The longest that the process may live, in seconds."""
        return IMPORT_LIMIT_S + self.timeout_s + GRACE_S

    def command(self, python: str) -> list[str]:
        """Return the command that runs the program; it needs no file."""
        asked = {
            "module": self.module,
            "name": self.name,
            "threads": self.threads,
            "timeout": self.timeout_s,
            "limit": self.limit_s,
        }
        return [python, "-c", _BOOT, _PROGRAM.read_text("utf-8"), self.token, json.dumps(asked)]


def callable_named(text: str) -> tuple[str, str] | None:
    """Return the module and the name in it that `text` means; None when it means none."""
    found = _CALLABLE.fullmatch(text.strip())
    return None if found is None else (found[1], found[2])


@dataclass(frozen=True, slots=True)
class Call:
    """One thread's call that came back.

    Attributes:
        entered, returned: seconds of the process's own clock.
        after: how many bytes had been printed when it came back.
        model, others: numbers of the objects that it was given; None where that was None.
        inside: the number of the one object that the model itself holds, as a proxy does.
    """

    thread: int
    entered: float
    returned: float
    after: int
    error: str | None
    model: int | None
    others: tuple[int | None, ...]
    inside: int | None = None


@dataclass(slots=True)
class Load:
    """An outermost call of `from_pretrained`: by which thread (`import`: while imported), of what, when."""

    caller: int | str
    model: str
    began: float
    ended: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All that a probe told.

    Attributes:
        greeted: whether the program ran at all. python: the version that it ran on.
        output: what the service printed. stamps: how many bytes of it had come by when, on the process's
            clock. cut: there was more. released_at: bytes of it before the release.
        calls: those that came back. ended: whether the program came to its end, or was lost.
        stopped: what kept it from calling (`import`, `attribute`, `threads`), with the `error`.
        held: it had to be ended from outside, because its own end never came.
        status: exit status of the process, negative for a signal; None where it is not known.
        outside: what came on its stdout without its mark, for when the program never ran.
    """

    asked: Asked
    greeted: bool
    python: str | None
    output: bytes
    stamps: tuple[tuple[int, float], ...]
    cut: bool
    released_at: int | None
    calls: tuple[Call, ...]
    loads: tuple[Load, ...]
    ended: bool
    held: bool
    stopped: str | None
    error: str | None
    status: int | None
    outside: str


class Reading:
    """Puts a report together.

    Threading: one thread feeds; another may read `pid`, `released` and `ended`, and set `held`.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked, self._mark = asked, asked.token.encode() + b" "
        self._rest, self._outside = b"", b""
        self._output: list[bytes] = []
        self._stamps: list[tuple[int, float]] = []
        self._calls: list[Call] = []
        self._loads: dict[int, Load] = {}
        self._facts: dict[str, Any] = {}
        self.pid: int | None = None
        self.released = self.held = False

    def feed(self, data: bytes) -> None:
        """Take more of what the process wrote, however it is cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(self._mark):
                self._take(json.loads(line[len(self._mark) :]))
            else:
                self._outside = (self._outside + line + b"\n")[-2000:]

    @property
    def token(self) -> str:
        """What marks the program's own lines, and stands in its command."""
        return self._asked.token

    @property
    def ended(self) -> bool:
        """Whether the program has told its end."""
        return "ended" in self._facts

    def report(self, status: int | None) -> ProbeReport:
        """Return what was told by now."""
        facts = self._facts
        outside = (self._outside + self._rest).decode("utf-8", "replace").strip()
        return ProbeReport(
            asked=self._asked,
            greeted=self.pid is not None,
            python=facts.get("python"),
            output=b"".join(self._output),
            stamps=tuple(self._stamps),
            cut="cut" in facts,
            released_at=facts.get("size"),
            calls=tuple(self._calls),
            loads=tuple(self._loads.values()),
            ended=self.ended,
            held=self.held,
            stopped=facts.get("stopped"),
            error=facts.get("error"),
            status=status,
            outside=outside,
        )

    def _take(self, told: dict[str, Any]) -> None:
        said = told.pop("say")
        if said == "output":
            data = base64.b64decode(told["data"])
            self._output.append(data)
            self._stamps.append(((self._stamps[-1][0] if self._stamps else 0) + len(data), told["at"]))
        elif said == "returned":
            self._calls.append(Call(**told | {"others": _numbers(told["others"])}))
        elif said == "load":
            self._loads[told["number"]] = Load(told["caller"], told["model"], told["at"])
        elif said == "load_ended":
            load = self._loads[told["number"]]
            load.ended, load.error = told["at"], told["error"]
        elif said == "hello":
            self.pid, self._facts["python"] = told["pid"], told["python"]
        elif said == "released":
            self.released, self._facts["size"] = True, told["size"]
        elif said == "cut":
            self._facts["cut"] = True
        elif said == "end":
            self._facts |= told | {"ended": True}


def _numbers(numbers: Sequence[int | None]) -> tuple[int | None, ...]:
    return tuple(numbers)
