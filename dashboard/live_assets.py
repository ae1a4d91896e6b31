"""The chart library's file, served from the installed wheel: no CDN, and one download per version."""

from __future__ import annotations

import gzip
import importlib.util
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

__all__ = ["PLOTLY_PATH", "PLOTLY_ROUTE", "plotly_file"]

PLOTLY_ROUTE: Final = "/live/assets/plotly-{version}.min.js"
PLOTLY_PATH: Final = PLOTLY_ROUTE.format(version=version("plotly"))
"""Where a component finds the chart library: a path of the console's own server."""

_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "text/javascript; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_packed: bytes | None = None
_packing = threading.Lock()  # guards `_packed`: the server's own middleware would pack 5 MB for every browser


def plotly_file(request: Request) -> Response:
    """Answer with plotly.min.js. Blocks for a file read, so the server runs it on a thread of its pool."""
    asked = request.path_params["version"]
    if asked != version("plotly"):
        return PlainTextResponse(
            f"plotly {asked} is not installed here; the console serves {PLOTLY_PATH}. Reload the page.\n", 404
        )
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed_bundle(), headers={**_HEADERS, "Content-Encoding": "gzip"})
    return Response(_bundle(), headers=_HEADERS)


def _bundle() -> bytes:
    # find_spec finds the wheel without importing it, which would cost the console 0.2 s for one file.
    spec = importlib.util.find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            "plotly is not installed: run `make install`, which installs requirements.txt."
        )
    return (Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js").read_bytes()


def _packed_bundle() -> bytes:
    global _packed
    with _packing:
        if _packed is None:
            _packed = gzip.compress(_bundle(), compresslevel=6, mtime=0)
        return _packed
