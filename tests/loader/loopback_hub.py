"""A model hub on the loopback device: what huggingface_hub asks for, answered from a folder or refused."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPO = "lab/small-llava"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LoopbackHub(ThreadingHTTPServer):
    """Serves `folder` as the repository `REPO`, or refuses every request with `refusal`.

    Attributes:
        requests: method and path of each request, in the order of their arrival.
        refusal: a status and the hub's own headers of an error; None serves.
    """

    daemon_threads = True

    def __init__(self, folder: Path, refusal: tuple[int, Mapping[str, str]] | None = None) -> None:
        self.folder, self.refusal = folder, refusal
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def open(self) -> Iterator[LoopbackHub]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()

    def env(self, cache: Path) -> dict[str, str]:
        """The environment of a process that shall use this hub and no other."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_CACHE": str(cache),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "LOADONCE_MODEL": REPO,
        }


class _Answer(BaseHTTPRequestHandler):
    server: LoopbackHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Quiet: the requests are kept."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        if self.server.refusal is not None:
            status, headers = self.server.refusal
            self._send(status, b'{"error":"refused"}', headers)
        elif path.startswith(f"/api/models/{REPO}/tree/"):
            self._send(200, json.dumps(self._tree()).encode(), {"Content-Type": "application/json"})
        elif path.startswith(f"/api/models/{REPO}"):
            known = {"id": REPO, "sha": COMMIT, "siblings": [{"rfilename": f["path"]} for f in self._tree()]}
            self._send(200, json.dumps(known).encode(), {"Content-Type": "application/json"})
        elif path.startswith(f"/{REPO}/resolve/"):
            self._file(path.removeprefix(f"/{REPO}/resolve/").partition("/")[2])
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _tree(self) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _etag(file)}
            for file in sorted(self.server.folder.iterdir())
        ]

    def _file(self, name: str) -> None:
        file = self.server.folder / name
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        self._send(200, file.read_bytes(), headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag(file: Path) -> str:
    return hashlib.sha1(f"{file}{file.stat().st_size}".encode()).hexdigest()


NOT_FOUND: Mapping[str, str] = {"X-Error-Code": "RepoNotFound"}
GATED: Mapping[str, str] = {"X-Error-Code": "GatedRepo"}
NO_REVISION: Mapping[str, str] = {"X-Error-Code": "RevisionNotFound"}
