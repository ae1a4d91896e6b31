"""The worker process: serves variants over HTTP, and loads the model when the first one comes.

    python -m loader.worker --host 127.0.0.1 --port 8000

The main thread imports torch and transformers and then waits for the end; the server runs on a thread beside
it. So the imports happen once and on the main thread, as they must, health answers from the first moment, and
a signal is taken by a thread that is not busy loading.

Exit: 0 after SIGTERM or SIGINT, 1 when it could not start up, 2 for bad usage or settings.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import uvicorn

from loader.checkpoint_folder import check_checkpoint
from loader.errors import LoaderError
from loader.llava import import_libraries, llava_source
from loader.memory import pss_mb
from loader.service import Source, Worker, build_app
from loader.settings import Settings, is_folder_name

__all__ = ["main", "serve"]

_BACKLOG: Final = 4096  # a thousand connections may come before the first is accepted
# A load is one long stretch of Python: with the usual 5 ms the event loop would get on by one step in 5 ms.
_SWITCH_S: Final = 0.0005
_GRACE_S: Final = 0.7  # for answers on their way, once the end is asked for
_LAST_WORDS_S: Final = 0.2
_LOG: Final = logging.getLogger("loader")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a worker until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m loader.worker", description="Serve variants over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8000, help="port; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--fd", type=int, help="number of a socket that listens already, instead of both")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        listener = _listen(options.host, options.port, options.fd)
    except (LoaderError, OSError) as error:
        _leave(2, str(error))
    serve(settings, listener)


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings and look at the checkpoint that they name.

    Raises:
        SettingsError: a variable cannot be used. CheckpointError, NoPermission: the folder named holds no
            whole LLaVA, or may not be read.
    """
    settings = Settings.from_environment(env)
    if settings.model is not None and is_folder_name(settings.model):
        check_checkpoint(Path(settings.model))
    return settings


def serve(settings: Settings, listener: socket.socket) -> NoReturn:
    """Serve on `listener` until SIGTERM or SIGINT, then end this process. For the main thread only."""
    faulthandler.enable()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    _LOG.setLevel(logging.INFO)
    _raise_file_limit()
    sys.setswitchinterval(_SWITCH_S)
    worker = Worker(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            build_app(worker), access_log=False, backlog=_BACKLOG, lifespan="off", log_level="info"
        )
    )
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        # Not by uvicorn's own handler, which would wait for every answer, and a load can take minutes
        stop.set()
        server.should_exit = True
        threading.Timer(_GRACE_S, _leave, (0,)).start()

    bell, ringer = os.pipe()
    os.set_blocking(ringer, False)
    signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    ended = threading.Event()
    threading.Thread(
        target=_run_server, args=(server, listener, ended, ringer), name="http", daemon=True
    ).start()
    try:
        import_libraries()
        _spread_cores(settings)
        # Before anybody can load: what is added to it later is the model's
        worker.ground_mb = next((float(held) for held in pss_mb().values()), None)
        worker.source.set_result(Source(*llava_source(settings)))
    except LoaderError as error:
        _leave(1, str(error))
    except Exception as error:  # noqa: BLE001 - a broken installation: say which part, not where
        _leave(
            1, f"The worker cannot start: {type(error).__name__}: {error}. Install requirements.txt again."
        )
    while not ended.is_set():
        # Not `ended.wait()`: a signal that comes just before the wait, or to another thread, would not end
        # it, and the handler runs on this thread alone. Each signal puts a byte into this pipe.
        os.read(bell, 1)
    _leave(0 if stop.is_set() else 1, None if stop.is_set() else "The HTTP server ended by itself.")


def _run_server(server: uvicorn.Server, listener: socket.socket, ended: threading.Event, ringer: int) -> None:
    try:
        host, port = listener.getsockname()[:2]
        _LOG.info("Listening on http://%s:%s", host, port)
        server.run(sockets=[listener])
    finally:
        ended.set()
        os.write(ringer, b"\0")


def _listen(host: str, port: int, fd: int | None) -> socket.socket:
    if fd is not None:
        try:
            listener = socket.socket(fileno=fd)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise OSError(f"--fd {fd} is no socket ({why}). Pass the number of one that listens.") from error
        if listener.family not in (socket.AF_INET, socket.AF_INET6):
            raise OSError(f"--fd {fd} is no TCP socket. Pass the number of one that listens.")
        return listener
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise OSError(
            f"Cannot listen on {host}:{port} ({why}). Choose another --port, or end who has it."
        ) from error


def _spread_cores(settings: Settings) -> None:
    """Give each generation its share of the cores: more threads than cores slow all of them down."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // settings.generation_threads))


def _raise_file_limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS names a hard limit that it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _leave(status: int, message: str | None = None) -> NoReturn:
    """End the process now. Not by `sys.exit`, which would wait for, or crash in, a thread that loads."""
    # On a thread of its own: a reader that has stopped reading must not keep this process alive
    words = threading.Thread(target=_say, args=(message,), daemon=True)
    with contextlib.suppress(RuntimeError):  # no more threads
        words.start()
        words.join(_LAST_WORDS_S)
    os._exit(status)


def _say(message: str | None) -> None:
    if message:
        sys.stderr.write(f"{message}\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


if __name__ == "__main__":
    main()
