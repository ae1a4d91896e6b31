"""The chart library's file, served by the console itself: no CDN, and one download per version."""

from __future__ import annotations

import gzip
import threading
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.chart_library import LIBRARY_VERSION, library

__all__ = ["PLOTLY_PATH", "PLOTLY_ROUTE", "packed_bundle", "plotly_file"]

PLOTLY_ROUTE: Final = "/live/assets/plotly-basic-{version}.min.js"
PLOTLY_PATH: Final = PLOTLY_ROUTE.format(version=LIBRARY_VERSION)
"""Where a component finds the chart library: a path of the console's own server."""

_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "text/javascript; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_packed: bytes | None = None
_packing = threading.Lock()  # guards `_packed`: the server's own middleware would pack it for every browser


def plotly_file(request: Request) -> Response:
    """Answer with the library. Blocks for a file read, so the server runs it on a thread of its pool."""
    asked = request.path_params["version"]
    if asked != LIBRARY_VERSION:
        return PlainTextResponse(
            f"plotly.js {asked} is not here; the console serves {PLOTLY_PATH}. Reload the page.\n", 404
        )
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed_bundle(), headers={**_HEADERS, "Content-Encoding": "gzip"})
    return Response(library(), headers=_HEADERS)


def packed_bundle() -> bytes:
    """Return the library as it is sent. Blocks for its packing when it is first asked for. Any thread."""
    global _packed
    with _packing:
        if _packed is None:
            _packed = gzip.compress(library(), compresslevel=6, mtime=0)
        return _packed
