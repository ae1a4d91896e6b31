"""The base image that the Dockerfile is built on in tests: this Python, with pip and the tools of a shell.

`python:3.11-slim` needs a registry of images, which a test does not ask for; making a Debian takes 90 s, this
a few. The Dockerfile is built unchanged: only its arguments differ. pip inside the build trusts and asks what
pip trusts and asks on this machine, and what lies on its disk (a torch for CPUs, say) is served to the build.
"""

from __future__ import annotations

import functools
import http.server
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.engine.private_engine import NETWORK, PYTHON_IMAGE, PrivateEngine
from tests.engine.python_root import linked, place

BASE_IMAGE: Final = "loadonce-test/pip-python"
PROXY_IMAGE: Final = "loadonce-test/haproxy"
_GATEWAY: Final = f"{NETWORK}.0.1"  # this process, as a container of the engine sees it
_TOOLS: Final = ("mkdir", "mv", "rm", "chown", "find", "grep", "id")  # what the Dockerfile and this one run
_DOCKERFILE: Final = f"""
FROM {PYTHON_IMAGE}
ADD root.tar /
RUN stdlib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" && \\
    packages="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" && \\
    rm -f "$stdlib/EXTERNALLY-MANAGED" && mkdir -p "$packages" && mv /pip "$packages/pip"
"""


def make_base(engine: PrivateEngine) -> None:
    """Make the image that stands in for `python:3.11-slim`."""
    pip = importlib.util.find_spec("pip")
    assert pip is not None, "this Python has no pip"
    assert pip.origin is not None
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(Path(pip.origin).parent, "pip")
        _add_programs(tar, *_TOOLS)
        _add_pip_settings(tar)
    _build(engine, BASE_IMAGE, _DOCKERFILE, out.getvalue())


def make_proxy_image(engine: PrivateEngine) -> None:
    """Make the image that stands in for haproxy's: it holds this machine's haproxy."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        _add_programs(tar, "haproxy")
    _build(
        engine,
        PROXY_IMAGE,
        f"FROM {PYTHON_IMAGE}\nENV PATH=/usr/sbin:/usr/bin\nADD root.tar /\n",
        out.getvalue(),
    )


@contextmanager
def torch_index() -> Iterator[str]:
    """Serve the torch that lies on this machine's disk, if pip knows of one; yields the address, else ""."""
    links = [Path(urlsplit(word).path) for word in _pip_settings().get("find-links", "").split()]
    wheels = [wheel for folder in links if folder.is_dir() for wheel in folder.glob("torch-*.whl")]
    if not wheels:
        yield ""
        return
    handler = functools.partial(_Shelf, wheels={wheel.name: wheel for wheel in wheels})
    server = http.server.ThreadingHTTPServer((_GATEWAY, 0), handler)
    thread = threading.Thread(target=server.serve_forever, name="torch index", daemon=True)
    thread.start()
    try:
        yield f"http://{_GATEWAY}:{server.server_port}/simple/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Shelf(http.server.BaseHTTPRequestHandler):
    """An index (PEP 503) of one project. It has torch and nothing else, as an index may."""

    def __init__(self, *arguments: object, wheels: dict[str, Path]) -> None:
        self._wheels = wheels
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path == "/simple/torch/":
            page = "".join(f'<a href="/wheels/{name}">{name}</a>' for name in self._wheels).encode()
            self._begin("text/html", len(page))
            self.wfile.write(page)
        elif (wheel := self._wheels.get(self.path.removeprefix("/wheels/").replace("%2B", "+"))) is not None:
            self._begin("application/octet-stream", wheel.stat().st_size)
            with wheel.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)
        else:
            self.send_error(404)

    def _begin(self, kind: str, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the build's own output tells what it fetched."""


def _build(engine: PrivateEngine, tag: str, dockerfile: str, root: bytes) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        _add(tar, "Dockerfile", dockerfile.encode())
        _add(tar, "root.tar", root)
    done = engine.client("build", "-t", tag, "-", data=context.getvalue())
    if done.returncode != 0:
        raise RuntimeError(f"The image {tag} could not be made: {done.stdout[-2000:]}{done.stderr}")


def _add_programs(tar: tarfile.TarFile, *names: str) -> None:
    found = {name: shutil.which(name) for name in names}
    assert all(found.values()), f"this machine lacks one of {', '.join(names)}: {found}"
    programs = [Path(path) for path in found.values() if path is not None]
    for path in sorted({*programs, *linked(programs)}):
        tar.add(path.resolve(), place(path))


def _add_pip_settings(tar: tarfile.TarFile) -> None:
    settings = _pip_settings()
    lines = ["[global]", f"trusted-host = {_GATEWAY} {settings.get('trusted-host', '')}"]
    authorities = Path(settings.get("cert", "/etc/ssl/certs/ca-certificates.crt"))
    if authorities.is_file():
        _add(tar, "etc/ssl/certs/ca-certificates.crt", authorities.read_bytes())
        lines.append("cert = /etc/ssl/certs/ca-certificates.crt")
    for name in ("index-url", "extra-index-url", "proxy", "timeout", "default-timeout"):
        # A folder of this machine is not in the image
        words = [word for word in settings.get(name, "").split() if not word.startswith(("file:", "/"))]
        if words:
            lines.append(f"{name} = {' '.join(words)}")
    _add(tar, "etc/pip.conf", "\n".join(lines).encode() + b"\n")


@functools.cache
def _pip_settings() -> dict[str, str]:
    """What pip is set to on this machine: files first, then the environment, which wins."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^([\w:]+)\.([\w-]+)='(.*)'$", listed.stdout, re.MULTILINE)
    return {name: value for _, name, value in sorted(found, key=lambda one: one[0] == ":env:")}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
