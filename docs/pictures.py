"""Makes the pictures of every page, light and dark, from the real console: `make pictures`.

Real runs by a real worker, a real sweep, and, where an engine can be had, a real container: its log, a watch
on it, and a probe in it. As root on Linux a private, throw-away engine serves for that; elsewhere the engine
that docker's client finds, with an image that has Python named in LOADONCE_BENCHMARK_IMAGE.
"""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.containers import NoEngine, client  # noqa: E402 - started as a script, from anywhere
from tests.engine.private_engine import VARIABLE, missing  # noqa: E402

IMAGES: Final = ROOT / "docs" / "images"
SERVICES: Final = ROOT / "tests" / "services"
IMAGE: Final = os.environ.get("LOADONCE_BENCHMARK_IMAGE", "loadonce-test/python")
HOME: Final = Path(tempfile.gettempdir()) / "loadonce-pictures"  # its name is in a picture
PORT: Final = 18766
ADDRESS: Final = f"http://127.0.0.1:{PORT}"
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WIDTH, HEIGHT, MOST_HEIGHT = 1440, 900, 1500
PATIENCE_MS: Final = 180_000
EXACT: Final = 48  # colours of a page that no palette may change: its grounds above all
DRAWN: Final = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SERVICE: Final = "feedlyai-work-yh"
# A service as the guide's, with the lines that it really prints
PROGRAM: Final = """
import time
def say(*lines):
    for line in lines:
        print(line, flush=True)
        time.sleep(0.3)
say("INFO:     Started server process [7]", "INFO:     Application startup complete.",
    "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda",
    "Downloading/loading processor from Hugging Face...", "Downloading/loading model from Hugging Face...")
for done in range(1, 4):
    say(f"Loading checkpoint shards: {done * 33}%|{'#' * done * 3:<10}| {done}/3")
say("✓ Model loaded with FP16 (quantization disabled)", "✓ LLaVa model loaded successfully on cuda")
for n in range(100000):
    say(f'INFO:     10.0.0.{n % 9 + 2}:{41000 + n} - "POST /jobs/{n // 3} HTTP/1.1" 200 OK',
        f"INFO     app.pipeline variant={n} step=vlm took {180 + n * 37 % 90} ms")
    if n % 5 == 2:
        say("WARNING  app.pipeline the queue holds 12 variants")
    if n % 9 == 4:
        say("ERROR    app.pipeline variant was given up: HTTP 504 from the image store")
    time.sleep(1)
"""


def main() -> None:
    """Fill a console with what it is made for, and take a picture of each page in both schemes."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("The pictures need Chromium: on Debian and Ubuntu run `apt-get install chromium`.")
    if VARIABLE not in os.environ and "LOADONCE_BENCHMARK_IMAGE" not in os.environ and missing() is None:
        engine = ROOT / "tests" / "engine" / "private_engine.py"
        os.execv(sys.executable, [sys.executable, str(engine), sys.executable, __file__])
    with ExitStack() as stack:
        service = _service(stack)
        stack.enter_context(_console())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        places = _filled(browser, service)
        for scheme in ("light", "dark"):
            for name, place in places.items():
                _picture(browser, f"{name}-{scheme}", place, scheme)
        browser.close()


def _service(stack: ExitStack) -> str | None:
    """Start the container and return its name; None without an engine."""
    try:
        client(
            "run", "-d", "--name", SERVICE, "--label", "loadonce.target=true", "-v", f"{SERVICES}:/srv:ro",
            "-w", "/srv", IMAGE, "python3", "-u", "-c", PROGRAM,
        )  # fmt: skip
    except NoEngine as missing:
        sys.stderr.write(f"The pictures of containers stay as they are. {missing}\n")
        return None
    stack.callback(client, "rm", "-f", SERVICE)
    return SERVICE


@contextmanager
def _console() -> Iterator[None]:
    """Serve a console with a data folder of its own."""
    shutil.rmtree(HOME, ignore_errors=True)
    env = {**os.environ, "LOADONCE_HOME": str(HOME), "LOADONCE_DATABASE_URL": ""}
    subprocess.run([sys.executable, "-m", "loader.checkpoint"], cwd=ROOT, env=env, check=True)
    command = [sys.executable, "-m", "dashboard", "serve", "--port", str(PORT)]
    console = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert console.stdout is not None  # asked for with PIPE
        if not console.stdout.readline():  # it says its address when it takes connections
            sys.exit("The console ended at its start: `make run` tells why.")
        yield
    finally:
        console.send_signal(signal.SIGTERM)
        console.wait()
        shutil.rmtree(HOME, ignore_errors=True)


def _filled(browser: Browser, service: str | None) -> dict[str, str]:
    """Do what operators do; return the address of each picture by its name."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    page.set_default_timeout(PATIENCE_MS)
    before = _launched(page, "?variants_per_job=8")
    broken = _launched(page, "?variants_per_job=8&guard=Off")
    worse = _launched(page, "?variants_per_job=8&guard=No+second+check")
    green = _launched(page, "?variants_per_job=8&repeat=4")
    places = {
        "launch": "/",
        "guide": "/guide",
        "run-green": f"/run?run={green}",
        "run-red": f"/run?run={broken}",
        "timeline": f"/timeline?run={broken}&at=1",
        "history": "/history",
        "compare": f"/compare?before={before}&after={worse}",
        "sweep": _swept(page),
        "targets": "/targets",
        "probe": "/probe",
        "watch": "/watch",
    }
    if service is None:
        for name in ("guide", "targets", "probe", "watch"):
            del places[name]
    else:
        places["logs"] = f"/logs?container={service}"
        places["guide"] = f"/guide?target=container:{service}"
        _watched(page, service)
        _probed(page, service)
    page.close()
    return places


def _launched(page: Page, form: str) -> str:
    """Launch what the form says, and return the run's id when it has ended."""
    page.goto(f"{ADDRESS}/{form}")
    button = page.locator(".st-key-launch button")
    expect(button).to_be_enabled(timeout=PATIENCE_MS)
    page.wait_for_selector(DRAWN)
    button.click()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    page.get_by_role("button", name="Run again").wait_for()
    return page.url.split("run=")[1].split("&")[0]


def _swept(page: Page) -> str:
    """Make a small sweep, and return its address."""
    page.goto(f"{ADDRESS}/sweep?sweep_variants=2,%204,%208&sweep_repeat=2")
    page.get_by_role("button", name="Begin the sweep").click()
    page.get_by_text("with the guard on").last.wait_for()
    expect(page.locator(".sweep td .words", has_text="not made")).to_have_count(0, timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop it").wait_for(state="detached")
    return f"/sweep?{page.url.split('?')[1]}"


def _watched(page: Page, service: str) -> None:
    page.goto(f"{ADDRESS}/watch?container={service}")
    page.get_by_role("button", name="Begin the watch").click()
    page.get_by_role("button", name="End the watch").wait_for()


def _probed(page: Page, service: str) -> None:
    page.goto(f"{ADDRESS}/probe?container={service}")
    page.get_by_label("Callable").fill("double_checked:get_model")
    page.get_by_label("Callable").press("Enter")
    page.get_by_text("Load the model a second time in it").click()
    button = page.get_by_role("button", name="Probe", exact=True)
    expect(button).to_be_enabled()
    button.click()
    page.get_by_role("heading", name="Result").wait_for()


def _picture(browser: Browser, name: str, place: str, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(f"{ADDRESS}{place}")
    page.wait_for_selector(DRAWN)
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator('[data-testid="stSkeleton"], .unready')).to_have_count(0, timeout=PATIENCE_MS)
    if place.startswith(("/run", "/timeline", "/compare")):
        page.locator(".main-svg").first.wait_for(timeout=PATIENCE_MS)
    high = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": min(max(HEIGHT, high), MOST_HEIGHT)})
    page.wait_for_timeout(1000)  # what is drawn anew for its size
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    taken.quantize(palette=_palette(taken), dither=Image.Dither.NONE).save(
        IMAGES / f"{name}.png", optimize=True
    )
    page.close()


def _palette(taken: Image.Image) -> Image.Image:
    """Return 256 colours, for a third of the bytes: the commonest as they are, and rare ones, too."""
    counted = sorted(taken.getcolors(taken.width * taken.height) or [], reverse=True)
    commonest = [level for _, colour in counted[:EXACT] for level in colour]
    weighed = [colour for count, colour in counted for _ in range(math.isqrt(count))]
    sample = Image.new("RGB", (len(weighed), 1))
    sample.putdata(weighed)
    others = sample.quantize(256 - EXACT, Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(commonest + others)
    return palette


if __name__ == "__main__":
    main()
