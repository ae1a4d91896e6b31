"""The console's server: Streamlit's own, with the live routes, guarded, and the console's life around it.

python -m streamlit run dashboard/app.py      (from the root of the project)
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from starlette.middleware import Middleware
from streamlit import App, get_option
from streamlit.file_util import get_static_dir

from dashboard import session
from dashboard.framework_files import FrameworkFiles, HeldFiles
from dashboard.head_start import HeadStart, collect_seldom, steps
from dashboard.home import HomeError, data_home
from dashboard.host_guard import HostGuard
from dashboard.live import live_routes
from dashboard.page_policy import PagePolicy
from dashboard.phases import board_view
from dashboard.store import StoreError


@asynccontextmanager
async def lifespan(_app: App) -> AsyncIterator[None]:
    """Open the console before the first page, and close it, with every worker, after the last."""
    collect_seldom()
    ahead = HeadStart(steps(files))
    try:
        # On a thread: neither may hold up the event loop, and closing waits for workers to end.
        await to_thread.run_sync(lambda: session.open_console(data_home()))
    except (HomeError, StoreError) as error:
        print(f"The console cannot start: {error}", file=sys.stderr)  # noqa: T201 - before any log is set up
        raise
    ahead.begin()
    try:
        yield
    finally:
        await to_thread.run_sync(session.close_console)
        await to_thread.run_sync(ahead.close)


def bound() -> tuple[str, ...]:
    """Return the address that the server was told to listen on."""
    address = get_option("server.address")
    return (address,) if address else ()


files = HeldFiles(Path(get_static_dir()))
app = App(
    # By its whole path: the command line starts this app from any working folder.
    Path(__file__).with_name("frame.py"),
    routes=live_routes(session.console, board_view),
    # Streamlit's own routes ask nobody for a Host: without the guard a rebound name could drive the console.
    middleware=[
        Middleware(HostGuard, bound=bound),
        Middleware(FrameworkFiles, files=files),
        Middleware(PagePolicy),
    ],
    lifespan=lifespan,
)
