"""The scripts of the console's components, each under an address of its own, so that a browser gets it once.

    component --publish(name, source)--> /live/code/NAME-HASH.js --> the browser's cache, for good

The framework would send a component's source again with each change of its data: a log of one line more came
with a hundred kilobytes of script.
"""

from __future__ import annotations

import gzip
import threading
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

__all__ = ["CODE_ROUTE", "code_file", "publish"]

CODE_ROUTE: Final = "/live/code/{file}"
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "text/javascript; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_published: dict[str, bytes] = {}  # by file name: the source, packed
_publishing = threading.Lock()  # guards `_published`: pages import their components on threads of their own


def publish(name: str, source: str) -> str:
    """Serve a script from now on and return its path. Another source has another path. Any thread."""
    script = source.encode()
    file = f"{name}-{sha256(script).hexdigest()[:16]}.js"
    with _publishing:
        _published[file] = gzip.compress(script, mtime=0)
    return CODE_ROUTE.format(file=file)


async def code_file(request: Request) -> Response:
    """Answer with a published script."""
    file = request.path_params["file"]
    with _publishing:
        packed = _published.get(file)
    if packed is None:
        return PlainTextResponse(f"Not of this console: {file}. Reload the page, which names its own.\n", 404)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, headers={**_HEADERS, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), headers=_HEADERS)
