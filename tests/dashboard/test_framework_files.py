"""The framework's files from memory: packed, kept by browsers for good, read once; else Streamlit's."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.file_util import get_static_dir

from dashboard.framework_files import FrameworkFiles, HeldFiles

SCRIPT = "export const answer = 42;\n" * 50


@pytest.fixture
def folder(tmp_path):
    for name, data in {
        "index.html": b'<script src="./static/js/index.A1.js"></script><link href="./static/js/gone.B2.js">',
        "static/js/index.A1.js": SCRIPT.encode(),
        "static/css/index.C3.css": b"p { margin: 0 }",
        "static/media/letters.D4.woff2": b"wOF2",
        "static/media/photo.E5.png": b"PNG",
        "secret.js": b"not below static",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return tmp_path


@pytest.fixture
def browser(folder):
    async def streamlits(request):
        return PlainTextResponse("Streamlit's own")

    guard = Middleware(FrameworkFiles, files=HeldFiles(folder))
    anything = Route("/{path:path}", streamlits, methods=["GET", "POST"])
    return TestClient(Starlette(routes=[anything], middleware=[guard]))


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/static/js/index.A1.js", "text/javascript; charset=utf-8", SCRIPT.encode()),
        ("/static/css/index.C3.css", "text/css; charset=utf-8", b"p { margin: 0 }"),
        ("/static/media/letters.D4.woff2", "font/woff2", b"wOF2"),
    ],
)
def test_a_file_comes_as_it_lies_there_and_is_kept_for_good(browser, path, kind, body):
    answer = browser.get(path, headers={"accept-encoding": "gzip"})
    assert (answer.content, answer.headers["content-type"]) == (body, kind)
    assert answer.headers["cache-control"] == "public, immutable, max-age=31536000"


def test_a_script_travels_packed_and_a_font_which_is_packed_already_does_not(browser):
    sent = [
        browser.get(path, headers={"accept-encoding": "gzip"})
        for path in ("/static/js/index.A1.js", "/static/media/letters.D4.woff2")
    ]
    assert [each.headers.get("content-encoding") for each in sent] == ["gzip", None]
    assert int(sent[0].headers["content-length"]) < len(SCRIPT) / 10


def test_a_file_is_read_for_the_first_browser_only(browser, folder):
    first = browser.get("/static/js/index.A1.js").content
    (folder / "static/js/index.A1.js").unlink()
    assert browser.get("/static/js/index.A1.js").content == first


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/static/js/none.js", {}),
        ("GET", "/static/media/photo.E5.png", {}),
        ("GET", "/secret.js", {}),
        ("GET", "/static/../secret.js", {}),
        ("GET", "/static/%2e%2e/secret.js", {}),
        ("POST", "/static/js/index.A1.js", {}),
        ("GET", "/static/js/index.A1.js", {"range": "bytes=0-9"}),
        ("GET", "/static/js/index.A1.js", {"accept-encoding": "identity"}),
    ],
)
def test_all_the_rest_is_left_to_streamlit(browser, method, path, headers):
    assert browser.request(method, path, headers=headers).text == "Streamlit's own"


def test_what_every_page_asks_for_at_once_is_known_from_the_page_itself(folder):
    assert list(HeldFiles(folder).first()) == ["/static/js/index.A1.js"]


def test_the_installed_framework_names_its_files_so():
    files = HeldFiles(Path(get_static_dir()))
    first = list(files.first())
    assert len(first) > 20
    assert {files.type_of(path) for path in first} == {
        "text/javascript; charset=utf-8", "text/css; charset=utf-8", "font/woff2",
    }  # fmt: skip
