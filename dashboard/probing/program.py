"""What runs in the fresh process of a probe: stdlib only, Python 3.8 or newer, sent there as text.

    import the module --> N threads at a barrier --> the callable --> end

It tells what it sees while it goes on, as lines of `token JSON` on the stdout that it was started with.
Whatever the service prints goes to a file of its own instead, whose size is the clock of its lines: how
large it was when a thread went in, or came back, says which lines stood there by then.
"""

from __future__ import annotations

import base64
import contextlib
import faulthandler
import functools
import importlib
import inspect
import io
import json
import os
import sys
import tempfile
import threading
import time
import types
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from typing import Any

MOST_OUTPUT = 16 * 1024 * 1024
PUMP_S = 0.05
HELD: list[Any] = []  # generators and the like: what they gave ends with them
PLAIN = (str, bytes, int, float, type(None), type, types.ModuleType, types.FunctionType)
MODELS = "transformers.modeling_utils"


class Report:
    """Tells the console one fact at a time. Threading: any thread."""

    def __init__(self, descriptor: int, token: str) -> None:
        self._descriptor, self._token = descriptor, token
        self._lock = threading.Lock()  # guards the descriptor: lines must not mix

    def say(self, said: str, **facts: Any) -> None:
        data = ("%s %s\n" % (self._token, json.dumps(dict(facts, say=said)))).encode("ascii")  # noqa: UP031
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]


class Output:
    """Whatever the process prints, by Python or below it, in the order in which it was printed."""

    def __init__(self, report: Report) -> None:
        self._report, self._sent = report, 0
        self._lock = threading.Lock()  # guards `_sent`: every byte is told once
        if hasattr(os, "memfd_create"):
            self._file = os.memfd_create("probe")  # a container's file system may be read-only
        else:
            self._file = os.dup(tempfile.TemporaryFile().fileno())  # noqa: SIM115
        os.dup2(self._file, 1)
        os.dup2(self._file, 2)
        self._pid = os.getpid()
        sys.stdout, sys.stderr = self._stream(1), self._stream(2)

    def _stream(self, descriptor: int) -> io.TextIOWrapper:
        raw = io.BufferedWriter(Written(descriptor, self))
        return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def size(self) -> int:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()  # the service may have put anything in its place
        return os.fstat(self._file).st_size

    def tell(self) -> None:
        """Tell what is new, with the time. A process that the service forks leaves that to this one."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            while self._sent < MOST_OUTPUT:
                data = os.pread(self._file, 256 * 1024, self._sent)
                if not data:
                    return
                self._sent += len(data)
                text = base64.b64encode(data).decode("ascii")
                self._report.say("output", data=text, at=time.monotonic())
            if self._sent < os.fstat(self._file).st_size:
                self._report.say("cut")

    def keep_telling(self) -> None:
        while self._sent < MOST_OUTPUT:
            time.sleep(PUMP_S)
            self.tell()


class Written(io.FileIO):
    """A stream of Python's: what goes through it is told at once, so that not even a crash takes it away."""

    def __init__(self, descriptor: int, output: Output) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._output = output

    def write(self, data: Any) -> int:
        count = super().write(data)
        self._output.tell()
        return count


class Loads(MetaPathFinder):
    """Counts outermost calls of `PreTrainedModel.from_pretrained`, once the service imports it."""

    def __init__(self, report: Report) -> None:
        self._report, self._count = report, 0
        self._lock = threading.Lock()  # guards the count
        self.here = threading.local()

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        if MODELS in sys.modules:
            self.wrap(sys.modules[MODELS])

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != MODELS:
            return None
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None:
                if found.loader is not None:
                    found.loader = Wrapping(found.loader, self)
                return found
        return None

    def wrap(self, module: Any) -> None:
        original = module.PreTrainedModel.__dict__["from_pretrained"].__func__

        @functools.wraps(original)
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(self.here, "inside", False):
                return original(cls, *args, **kwargs)
            name = args[0] if args else kwargs.get("pretrained_model_name_or_path")
            number = self._begin(str(name))
            error = None
            self.here.inside = True
            try:
                return original(cls, *args, **kwargs)
            except BaseException as raised:
                error = words(raised)
                raise
            finally:
                self.here.inside = False
                self._report.say("load_ended", number=number, at=time.monotonic(), error=error)

        module.PreTrainedModel.from_pretrained = classmethod(from_pretrained)

    def _begin(self, name: str) -> int:
        with self._lock:
            self._count += 1
            number = self._count
        caller = getattr(self.here, "caller", "thread %d" % threading.get_ident())  # noqa: UP031
        self._report.say("load", number=number, at=time.monotonic(), caller=caller, model=name)
        return number


class Wrapping(Loader):
    """The loader of a module, which is wrapped as soon as it has been executed."""

    def __init__(self, loader: Any, loads: Loads) -> None:
        self._loader, self._loads = loader, loads

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._loader.exec_module(module)
        self._loads.wrap(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class Objects:
    """Numbers objects by identity, and holds them alive, so that no address is used twice."""

    def __init__(self) -> None:
        self._held: list[Any] = []
        self._lock = threading.Lock()  # guards the list: one number for one object

    def number(self, thing: Any) -> int | None:
        if thing is None:
            return None
        with self._lock:
            for number, held in enumerate(self._held, 1):
                if held is thing:
                    return number
            self._held.append(thing)
            return len(self._held)


class Threads:
    """The calls: released together, each told when it has come back."""

    def __init__(self, target: Any, count: int, report: Report, output: Output, loads: Loads) -> None:
        self._target, self._report, self._output, self._loads = target, report, output, loads
        self._barrier = threading.Barrier(count, action=self._release)
        self._objects = Objects()
        self._released = threading.Event()
        numbers = range(1, count + 1)
        self._threads = [threading.Thread(target=self._call, args=(n,), daemon=True) for n in numbers]

    def run(self, timeout: float) -> None:
        for thread in self._threads:
            thread.start()
        if not self._released.wait(timeout + 10):  # they wait for nothing but each other
            raise RuntimeError("they were started and did not begin: the service has changed what threads do")
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _release(self) -> None:
        self._report.say("released", size=self._output.size())
        self._released.set()

    def _call(self, number: int) -> None:
        self._loads.here.caller = number
        self._barrier.wait()
        result, error = None, None
        entered = time.monotonic()
        try:
            result = used(self._target())
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is told
            error = words(raised)
        returned = time.monotonic()
        self._output.tell()
        parts = parts_of(result)
        self._report.say(
            "returned",
            thread=number,
            entered=entered,
            returned=returned,
            after=self._output.size(),
            error=error,
            model=self._objects.number(parts[-1]),
            others=[self._objects.number(part) for part in parts[:-1]],
            inside=self._objects.number(inside(parts[-1])),
        )


def used(result: Any) -> Any:
    """What a caller makes use of; its type alone is looked at, since an object may do anything when asked."""
    kind = type(result)
    HELD.append(result)
    if hasattr(kind, "__await__"):
        return waited(result)
    if issubclass(kind, types.AsyncGeneratorType):
        return waited(result.__anext__())
    if issubclass(kind, contextlib._AsyncGeneratorContextManager):
        return waited(result.__aenter__())
    if issubclass(kind, contextlib._GeneratorContextManager):
        return result.__enter__()
    return next(result, None) if issubclass(kind, types.GeneratorType) else result


def waited(awaitable: Any) -> Any:
    import asyncio  # only a service that uses it pays for it

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())


def parts_of(result: Any) -> Any:
    """What was returned together; the model is the last, or what a dict calls so."""
    if issubclass(type(result), (tuple, list)) and len(result) > 0:
        return tuple(result)
    if type(result) is dict and result:
        return tuple(value for _, value in sorted(result.items(), key=lambda item: "model" in str(item[0])))
    return (result,)


def inside(thing: Any) -> Any:
    """The one object that another holds, as a proxy holds what it stands for; None where it holds more."""
    try:
        fields = object.__getattribute__(thing, "__dict__")
    except Exception:  # noqa: BLE001 - it has none, or does not give it away
        return None
    held = [value for value in fields.values() if not issubclass(type(value), PLAIN)]
    return held[0] if len(held) == 1 else None


def words(error: BaseException) -> str:
    return ("%s: %s" % (type(error).__name__, error))[:500]  # noqa: UP031


def main() -> None:
    token, asked = sys.argv[1], json.loads(sys.argv[2])
    sys.argv[:] = ["probe"]
    sys.path.insert(0, str(Path.cwd()))
    report = Report(os.dup(1), token)
    report.say("hello", pid=os.getpid(), python=".".join(map(str, sys.version_info[:3])))
    output = Output(report)
    # Should nobody be left to end it: an end that needs no cooperation of any thread.
    faulthandler.dump_traceback_later(asked["limit"], exit=True, file=2)
    threading.Thread(target=output.keep_telling, daemon=True).start()
    stopped, error = probe(asked, report, output)
    output.size()
    output.tell()
    report.say("end", stopped=stopped, error=error)
    os._exit(0)  # a thread that never comes back must not keep the process


def probe(asked: Any, report: Report, output: Output) -> Any:
    """Import, call, and return what stopped it, if anything did, with the words of the error."""
    loads = Loads(report)
    loads.install()
    loads.here.caller = "import"
    try:
        target: Any = importlib.import_module(asked["module"])
    except BaseException as error:  # noqa: BLE001 - a module may also end the process as it is imported
        return "import", words(error)
    try:
        for part in asked["name"].split("."):
            target = getattr(target, part)
    except AttributeError as error:
        return "attribute", str(error)
    if wrong := wrong_with(target):
        return "attribute", wrong
    try:
        Threads(target, asked["threads"], report, output, loads).run(asked["timeout"])
    except RuntimeError as error:
        return "threads", words(error)
    return None, None


def wrong_with(target: Any) -> str:
    """Why something cannot be called as a probe does; nothing when it can, or nobody knows."""
    if not callable(target):
        return f"it is a {type(target).__name__} and cannot be called"
    try:
        inspect.signature(target).bind()
    except ValueError:
        return ""  # not written in Python
    except TypeError as error:
        return f"it cannot be called without arguments ({error})"
    return ""


if __name__ == "__main__":
    main()
