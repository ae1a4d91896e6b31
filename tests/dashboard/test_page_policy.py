"""What goes with each page that the server sends, and with nothing else."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.page_policy import PagePolicy

PAGE = "<html><head><title>x</title></head><body>말</body></html>"


def page(_request: Request) -> Response:
    return HTMLResponse(PAGE, headers={"etag": '"of the framework"'})


def pieces(_request: Request) -> Response:
    return StreamingResponse(iter((PAGE[:20], PAGE[20:])), media_type="text/html")


def packed(_request: Request) -> Response:
    return Response(b"\x1f\x8bxyz", media_type="text/html", headers={"content-encoding": "br"})


def words(_request: Request) -> Response:
    return PlainTextResponse(PAGE)


@pytest.fixture
def client() -> TestClient:
    routes = [Route(f"/{each.__name__}", each) for each in (page, pieces, packed, words)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(PagePolicy)]))


@pytest.mark.parametrize("path", ["/page", "/pieces"])
def test_a_page_has_the_room_for_what_comes_late_from_its_first_moment_on(
    client: TestClient, path: str
) -> None:
    answer = client.get(path)
    assert answer.text.index(".st-key-board-room") < answer.text.index("</head>")
    assert answer.text.endswith("<body>말</body></html>")
    assert int(answer.headers.get("content-length", len(answer.content))) == len(answer.content)
    assert "etag" not in answer.headers  # the framework's: a newer style would stay unseen
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/words", "/packed"])
def test_what_is_no_page_or_is_packed_passes_as_it_is(client: TestClient, path: str) -> None:
    with client.stream("GET", path) as answer:
        assert b"".join(answer.iter_raw()) in (PAGE.encode(), b"\x1f\x8bxyz")


def test_a_browser_gets_it_whatever_it_could_unpack_or_has_from_before() -> None:
    seen = []

    def page_of_the_framework(request: Request) -> Response:
        seen.append(set(request.headers))
        return HTMLResponse(PAGE)

    app = Starlette(routes=[Route("/", page_of_the_framework)], middleware=[Middleware(PagePolicy)])
    asked = {"accept": "text/html,*/*", "accept-encoding": "gzip, br", "if-none-match": '"before"'}
    assert ".st-key-board-room" in TestClient(app).get("/", headers=asked).text
    assert not seen[0] & {"accept-encoding", "if-none-match"}


def test_a_head_keeps_the_length_that_it_has(client: TestClient) -> None:
    assert client.head("/page").headers["content-length"] == str(len(PAGE.encode()))
