"""A private, throw-away Docker engine: its own daemon, data, socket and network, gone after the tests.

    python tests/engine/private_engine.py COMMAND …   run COMMAND with the engine, then tear it down

Needs Linux, root, and Debian's docker.io, iptables, slirp4netns. The daemon lives in a network namespace of
its own, and COMMAND runs inside it: published ports are on 127.0.0.1 and container addresses are reachable,
while the host sees no bridge, no rule and no port. The way out leads through slirp4netns (user mode), which
needs nothing of the host either.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

NEEDED: Final = ("dockerd", "iptables", "slirp4netns", "unshare", "nsenter")
NETWORK: Final = "10.203"  # containers live in 10.203.0.0/16, seen by nobody but the engine
PYTHON_IMAGE: Final = "loadonce-test/python"
VARIABLE: Final = "LOADONCE_TEST_ENGINE"
"""Holds the engine's folder for the command that runs inside it."""


def missing() -> str | None:
    """Why no private engine can run here, in words; None if one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a private Docker engine needs Linux and root"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"a private Docker engine needs {', '.join(absent)} (apt-get install docker.io slirp4netns)"
    return None


class PrivateEngine:
    """One engine in `folder`. Used by one thread; `crash` and `revive` may be called by the tests inside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.log = folder / "dockerd.log"
        self.host = f"unix://{self.socket}"
        self._cgroup = f"/loadonce-{folder.parent.name}"  # of its own, too: several engines may run

    def up(self) -> None:
        """Start everything, and wait until the engine answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "bip": f"{NETWORK}.0.1/24",
            "default-address-pools": [{"base": f"{NETWORK}.128.0/17", "size": 24}],
        }
        self._file("daemon.json").write_text(json.dumps(settings), "utf-8")
        self._start("holder", ["unshare", "--net", "--uts", "sleep", "infinity"])
        until(lambda: self._namespace().exists() and not self._namespace().samefile("/proc/self/ns/net"))
        self._inside(["ip", "link", "set", "lo", "up"])
        self._start(
            "slirp",
            [
                "slirp4netns",
                "--configure",
                "--mtu=65520",
                "--disable-host-loopback",
                str(self._pid("holder")),
                "tap0",
            ],
        )
        until(lambda: "default" in self._inside(["ip", "route"]).stdout)
        # A container address that is not there must fail here, and not be tried on the host's network.
        self._inside(["ip", "route", "add", "unreachable", f"{NETWORK}.0.0/16"])
        self.revive()

    def revive(self) -> None:
        """Start the daemon, also after `crash`."""
        self._wait_for_containerd()
        self.socket.unlink(missing_ok=True)
        self._file("docker.pid").unlink(missing_ok=True)  # a killed daemon may still be a zombie of ours
        self._start(
            "dockerd",
            [
                *self._enter(),
                "dockerd",
                "--config-file",
                str(self._file("daemon.json")),
                "--data-root",
                str(self.folder / "data"),
                "--exec-root",
                str(self.folder / "exec"),
                "--pidfile",
                str(self._file("docker.pid")),
                "--host",
                self.host,
                "--cgroup-parent",
                self._cgroup,
                "--live-restore",
            ],
        )
        until(lambda: self.client("info").returncode == 0, 60)

    def crash(self) -> None:
        """Kill the daemon with SIGKILL; its containers live on."""
        self._end("dockerd", signal.SIGKILL)
        self._wait_for_containerd()

    def down(self) -> None:
        """End every container and process that this engine started, and delete its folder."""
        if self._pid("dockerd") is not None and (ids := self.client("ps", "-aq").stdout.split()):
            self.client("rm", "-f", *ids)
        for name in ("dockerd", "slirp", "holder"):
            self._end(name, signal.SIGTERM)
        self._wait_for_containerd()
        mounts = re.findall(
            rf"^(?:\S+ ){{4}}({re.escape(str(self.folder))}/\S+)",
            Path("/proc/self/mountinfo").read_text("utf-8"),
            re.MULTILINE,
        )
        for mount in sorted(mounts, reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)
        for group in (
            *Path("/sys/fs/cgroup").glob(f"*{self._cgroup}"),
            Path("/sys/fs/cgroup" + self._cgroup),
        ):
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, *arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command-line client against this engine."""
        done = subprocess.run(
            ["docker", *arguments], input=data, capture_output=True, check=False, env=self.environment()
        )
        return subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )

    def run(self, command: Sequence[str]) -> int:
        """Run `command` inside the engine's network, and return its exit status."""
        env = {**self.environment(), VARIABLE: str(self.folder)}
        return subprocess.run([*self._enter(), *command], env=env, check=False).returncode

    def environment(self) -> dict[str, str]:
        """The environment in which docker's client and SDK find this engine, and nobody's stored login."""
        return {
            **os.environ,
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(self.folder / "client"),
            "DOCKER_BUILDKIT": "0",
        }

    def import_python(self) -> None:
        """Make an image of the Python that runs this: its library, what it links, a shell; two seconds."""
        # Late: where this is a script, only `__main__` below has shown the way there
        from tests.engine.python_root import python_root

        done = self.client(
            "import",
            "-c",
            'CMD ["python3"]',
            "-c",
            "ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8",
            "-",
            PYTHON_IMAGE,
            data=python_root(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"The Python image could not be imported: {done.stderr}")

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _start(self, name: str, command: Sequence[str]) -> None:
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            # No Popen: whoever starts a daemon again may end before it, and need not wait for it
            pid = os.posix_spawnp(
                command[0],
                command,
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0)]
                + [(os.POSIX_SPAWN_DUP2, log.fileno(), number) for number in (1, 2)],
                setsid=True,
            )
        started = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(") ", 1)[1].split()[19]
        # With its start time, a pid that another process got later is not taken for ours.
        self._file(f"{name}.started").write_text(f"{pid} {started}", "ascii")

    def _pid(self, name: str) -> int | None:
        try:
            pid, started = self._file(f"{name}.started").read_text("ascii").split()
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(") ", 1)[1].split()
        except OSError:
            return None
        return int(pid) if fields[19] == started and fields[0] != "Z" else None

    def _end(self, name: str, number: signal.Signals) -> None:
        pid = self._pid(name)
        if pid is None:
            return
        os.kill(pid, number)
        try:
            until(lambda: self._pid(name) is None, 20)
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            until(lambda: self._pid(name) is None, 10)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)

    def _wait_for_containerd(self) -> None:
        """Wait until a killed daemon's containerd has followed it: a daemon started before that gives up."""
        file = self.folder / "exec" / "containerd" / "containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(file.read_text("ascii"))
            name = Path(f"/proc/{pid}/cmdline")
            try:
                until(lambda: str(self.folder) not in name.read_text("utf-8"), 10)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                until(lambda: str(self.folder) not in name.read_text("utf-8"), 10)
        file.unlink(missing_ok=True)

    def _namespace(self) -> Path:
        return Path(f"/proc/{self._pid('holder')}/ns/net")

    def _enter(self) -> list[str]:
        holder = f"/proc/{self._pid('holder')}/ns"
        return ["nsenter", f"--net={holder}/net", f"--uts={holder}/uts", "--"]

    def _inside(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._enter(), *command], capture_output=True, text=True, check=False)


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still waiting after {seconds:g} s")
        time.sleep(0.05)


def main(command: Sequence[str]) -> int:
    """Run `command` with an engine round it. Where none can run it is skipped; on CI that fails."""
    why = missing()
    if why is not None:
        sys.stderr.write(f"Skipped: {why}.\n")
        return 1 if os.environ.get("CI") else 0
    # A socket's path may have 107 bytes, so the folder must be near the root.
    with tempfile.TemporaryDirectory(prefix="lo-", dir="/tmp" if Path("/tmp").is_dir() else None) as folder:
        engine = PrivateEngine(Path(folder) / "e")
        try:
            engine.up()
            engine.import_python()
            return engine.run(command)
        finally:
            engine.down()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds only what lies beside it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
