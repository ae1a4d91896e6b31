"""The framework's own scripts, styles and fonts, packed once and answered from memory.

    browser --> HostGuard --> FrameworkFiles --> Streamlit's own file routes
                              a file's packed bytes, held from its first request on

A first view asks for a hundred of these files, six at a time. Streamlit opens and reads each of them again
for every browser, in hops between threads, and sends it unpacked: most of what a first view cost the server,
and three megabytes and more that a browser at the other end of a slow line waits for.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["FrameworkFiles", "HeldFiles"]

_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
}
_PACKED_ALREADY: Final = {".woff2"}
_NAMED: Final = re.compile(r'"\.?(/static/[^"]+)"')
# Each name has a hash of what is in it, so a file under one name never changes
_FOR_EVER: Final = b"public, immutable, max-age=31536000"


class HeldFiles:
    """The files below Streamlit's `static` folder, each held as it is sent. Threading: any thread.

    Two threads may read one file at the same moment, which costs time once and changes nothing. All of them
    would take some 9 MB; what a console's pages ask for takes 2.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Listed once: a path that is not among them is none of ours, however it is spelt
        self._files = {
            f"/{file.relative_to(folder).as_posix()}": file
            for file in (folder / "static").rglob("*")
            if file.suffix in _TYPES and file.is_file()
        }
        self._held: dict[str, bytes] = {}

    def type_of(self, path: str) -> str | None:
        """Return the content type of what is under `path`; None if it is nothing of ours."""
        file = self._files.get(path)
        return None if file is None else _TYPES[file.suffix]

    def held(self, path: str) -> bytes | None:
        """Return the body of what is under `path` if it was read before."""
        return self._held.get(path)

    def read(self, path: str) -> bytes:
        """Return the body of what is under `path`, and hold it. Blocks for a file and its packing."""
        body = self._held.get(path)
        if body is None:
            file = self._files[path]
            body = file.read_bytes()
            if not self.as_it_is(path):
                body = gzip.compress(body, compresslevel=6, mtime=0)
            self._held[path] = body
        return body

    def as_it_is(self, path: str) -> bool:
        """Whether the file is sent as it lies there, because it is packed in its own way."""
        return self._files[path].suffix in _PACKED_ALREADY

    def first(self) -> Iterable[str]:
        """Return the paths that every page asks for at once: those that `index.html` names."""
        page = (self._folder / "index.html").read_text("utf-8")
        return [path for path in dict.fromkeys(_NAMED.findall(page)) if path in self._files]


class FrameworkFiles:
    """ASGI middleware that answers with a held file and passes on the rest. Threading: none of its own."""

    def __init__(self, app: ASGIApp, files: HeldFiles) -> None:
        self._app = app
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a whole file that the browser can unpack; leave parts, and other browsers, to Streamlit."""
        path = scope.get("path", "")
        kind = self._files.type_of(path)
        if kind is None or scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        if "range" in asked or "gzip" not in asked.get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        body = self._files.held(path)
        if body is None:
            body = await to_thread.run_sync(self._files.read, path)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", _FOR_EVER),
            (b"vary", b"accept-encoding"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if not self._files.as_it_is(path):
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
