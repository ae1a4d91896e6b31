"""A private PostgreSQL for the tests: its own data, socket and port, gone when they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import psycopg

from tests.engine.private_engine import until
from tests.ports import free_port

PASSWORD: Final = "s3cret-of-the-tests"
USERS: Final = ("postgres", "nobody")


def programs() -> Path | None:
    """The folder with initdb and postgres of the newest version; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path and shutil.which("postgres") else None


def missing() -> str | None:
    """Why no PostgreSQL can be started here; None if one can."""
    if programs() is None:
        return "needs PostgreSQL (apt-get install postgresql)"
    if os.geteuid() == 0 and (_user() is None or shutil.which("setpriv") is None):
        return "needs a user besides root, and setpriv (util-linux), to run PostgreSQL as"
    return None


def _user() -> str | None:
    known = {line.split(":")[0] for line in Path("/etc/passwd").read_text("utf-8").splitlines()}
    return next((name for name in USERS if name in known), None)


class PostgresServer:
    """One server with the superuser `tester`, whose password is `PASSWORD`."""

    def __init__(self) -> None:
        # A socket's path may have 107 bytes, so the folder must be near the root
        self.folder = Path(tempfile.mkdtemp(prefix="lo-pg-", dir="/tmp"))
        self.port = free_port()
        self._as: list[str] = []
        if os.geteuid() == 0:
            user = _user()
            assert user is not None
            shutil.chown(self.folder, user)
            self._as = ["setpriv", f"--reuid={user}", "--clear-groups", "--regid", _group(user)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, without the password."""
        return f"host=127.0.0.1 port={self.port} dbname=postgres user=tester"

    def up(self) -> None:
        """Make the data, start, and wait until it takes connections."""
        found = programs()
        assert found is not None
        secret = self.folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        secret.chmod(0o644)
        done = subprocess.run(
            [
                *(*self._as, str(found / "initdb"), "-D", str(self.folder / "data"), "-U", "tester", "-N"),
                *("-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale", "C"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": "40",
        }
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._as, str(found / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
                + [part for name, value in options.items() for part in ("-c", f"{name}={value}")],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        until(self._answers, 30)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(f"{self.address} password={PASSWORD}", autocommit=True)

    def down(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once, without a checkpoint
            self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _group(user: str) -> str:
    line = next(
        line for line in Path("/etc/passwd").read_text("utf-8").splitlines() if line.startswith(f"{user}:")
    )
    return line.split(":")[3]
