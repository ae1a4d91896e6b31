"""`serve`: starts the console and stays until it is told to stop."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Any, Final, NoReturn

import click

from dashboard.commands import CommandError

__all__ = ["serve"]

_START_TIMEOUT_S: Final = 60.0
_MOST_PORTS: Final = 65_535


class _Port(click.ParamType[int]):
    """A number that a server can listen on."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_PORTS:
            return int(text)
        raise CommandError(
            f"--port: {text!r} is no port. Give a whole number from 1 to {_MOST_PORTS}, such as 8502."
        )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_Port(), default=8501, show_default=True, help="Port.")
def serve(host: str, port: int) -> int:
    """Start the console in the browser. Ctrl-C or SIGTERM ends it."""
    _check_port(host, port)
    _check_history()
    if not _is_loopback(host):
        click.echo(
            f"{click.style('Warning:', fg='yellow', bold=True)} the console listens on {host}, which others "
            f"can reach. Whoever reaches port {port} can read the workers' logs and launch and abort runs; "
            "there is no login yet. Leave --host out unless your network keeps others away.",
            err=True,
        )
    # From here on a signal means an orderly end. The server hands the signal on when it has closed.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    shown = _url(host, port)
    try:
        _serve(host, port, shown)
    except SystemExit as error:
        if error.code in (0, None):
            return 0
        raise CommandError(
            f"The console could not start at {shown} (the server ended with {error.code}). "
            "Look at the lines above, or choose another port with --port."
        ) from error
    return 0


def _serve(host: str, port: int, shown: str) -> None:
    # Late: Streamlit takes most of a second to import, and only this command needs it.
    from uvicorn.config import LOGGING_CONFIG

    from dashboard.app import app

    # Our own line says where the console is; the server's would say it again, in other words.
    LOGGING_CONFIG["loggers"]["uvicorn.error"]["level"] = "WARNING"
    threading.Thread(target=_announce, args=(host, port, shown), name="announce", daemon=True).start()
    app.run(
        config={
            "server.address": host,
            "server.port": port,
            "server.headless": True,
            "logger.hideWelcomeMessage": True,
            "browser.gatherUsageStats": False,
        }
    )


def _announce(host: str, port: int, shown: str) -> None:
    """Say where the console is, once it takes connections."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    pause = threading.Event()
    while time.monotonic() < deadline:
        try:
            socket.create_connection((_reachable(host), port), timeout=1).close()
        except OSError:
            pause.wait(0.05)
        else:
            click.echo(f"Loadonce is at {shown}")
            sys.stdout.flush()
            return


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _check_port(host: str, port: int) -> None:
    try:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # all of it as the server does
            probe.bind((host, port))
            probe.listen()
    except socket.gaierror as error:
        raise CommandError(f"--host: {host!r} is no address of this machine. Try 127.0.0.1.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} on {host} is in use, perhaps by a console that already runs. "
                f"Choose another one: --port {_free_port(host)}"
            ) from error
        if error.errno == errno.EACCES:
            raise CommandError(
                f"Port {port} may not be opened by you. Choose one above 1023 with --port."
            ) from error
        raise CommandError(
            f"--host: {host!r} port {port} cannot be opened ({error.strerror}). Try 127.0.0.1."
        ) from error


def _check_history() -> None:
    from dashboard.home import HomeError, data_home
    from dashboard.retention import retention
    from dashboard.store import Store, StoreError, store_url

    try:
        retention()
        Store.open(store_url(data_home())).close()
    except (HomeError, StoreError) as error:
        raise CommandError(str(error)) from error


def _free_port(host: str) -> int:
    with socket.create_server((host, 0), family=_family(host)) as server:
        port: int = server.getsockname()[1]
        return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _url(host: str, port: int) -> str:
    shown = _reachable(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
