"""What goes with every page that the server sends: what it may load, who may frame it, and its first styles.

Streamlit names each page's icon to the browser as a picture on a font service's server: an operator's network
need not learn which page is open, and may have no way out. Framed by another site, a button that restarts a
container could be clicked by somebody who sees something else.

`static/frame.css` keeps room for what comes in late. As a part of a page it would come in late itself: the
framework fetches the script that shows it first, and by then what it should have held has jumped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PagePolicy"]

_POLICY: Final = "img-src 'self' data: blob:; frame-ancestors 'self'"
_STYLES: Final = Path(__file__).parent / "static" / "frame.css"
_HEAD: Final = b"</head>"
# What would get a page that is packed, or none because the browser has the framework's from before
_UNASKED: Final = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class PagePolicy:
    """ASGI middleware that adds policy and styles to answers that are pages. Threading: none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._styles = b"<style>" + _STYLES.read_bytes() + b"</style>" + _HEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with what belongs to it."""
        held: list[Message] = []  # a page, until all of it has come

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("content-security-policy", _POLICY)
                    if (
                        scope["method"] == "GET"
                        and "content-encoding" not in headers
                        and message["status"] == 200
                    ):
                        held.append(message)
                        return
            elif held:
                held.append(message)
                if not message.get("more_body", False):
                    await self._send_page(held, send)
                return
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "text/html" in Headers(scope=scope).get("accept", ""):  # a browser that opens a page
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] not in _UNASKED]}
        await self._app(scope, receive, dressed)

    async def _send_page(self, held: list[Message], send: Send) -> None:
        start, *parts = held
        body = b"".join(part.get("body", b"") for part in parts).replace(_HEAD, self._styles, 1)
        headers = MutableHeaders(scope=start)
        if "content-length" in headers:
            headers["content-length"] = str(len(body))
        for name in ("etag", "last-modified"):  # of the framework's page, not of what it has become
            if name in headers:
                del headers[name]
        await send(start)
        await send({"type": "http.response.body", "body": body})
