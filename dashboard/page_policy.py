"""What the console's pages may load and who may frame them: a Content-Security-Policy on every page.

Streamlit names each page's icon to the browser as a picture on a font service's server: an operator's network
need not learn which page is open, and may have no way out. Framed by another site, a button that restarts a
container could be clicked by somebody who sees something else.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PagePolicy"]

_POLICY: Final = "img-src 'self' data: blob:; frame-ancestors 'self'"


class PagePolicy:
    """ASGI middleware that adds the policy to answers that are pages. Threading: none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the policy."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("content-security-policy", _POLICY)
            await send(message)

        await self._app(scope, receive, with_policy if scope["type"] == "http" else send)
