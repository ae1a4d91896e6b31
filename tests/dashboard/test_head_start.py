"""What a first visitor would wait for is done beside the start, and never in the way of the end."""

import subprocess
import sys
import threading
from pathlib import Path

from dashboard.head_start import HeadStart

ROOT = Path(__file__).parents[2]
# In a process of its own: what is imported here has been imported by other tests
LATE = """
import sys
from pathlib import Path
from streamlit.file_util import get_static_dir
from streamlit.testing.v1 import AppTest
from dashboard import session
from dashboard.framework_files import HeldFiles
from dashboard.head_start import HeadStart, steps
from dashboard.store import Store

ahead = HeadStart(steps(HeldFiles(Path(get_static_dir()))))
ahead.begin()
ahead._thread.join()
before = set(sys.modules)
session.open_console(Path(sys.argv[1]))
try:
    tab = AppTest.from_file("dashboard/frame.py", default_timeout=60).run()
    for page in sorted(Path("dashboard/app_pages").glob("*.py")):
        if page.stem not in ("__init__", "container_timeline", "launch"):
            tab.switch_page(f"app_pages/{page.name}").run()
finally:
    session.close_console()
late = set(sys.modules) - before
libraries = {"pandas", "pyarrow", "pyarrow.pandas_compat", "plotly", "babel.dates", "babel.numbers"}
print(sorted(name for name in late if name in libraries or name.startswith("dashboard.")))
"""


def test_no_page_imports_a_library_or_a_module_of_ours_that_was_not_ready(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr[-2000:]


def test_a_step_that_fails_keeps_none_of_the_others():
    taken = []
    ahead = HeadStart([lambda: taken.append(1), lambda: 1 / 0, lambda: taken.append(3)])
    ahead.begin()
    ahead._thread.join()
    assert taken == [1, 3]


def test_closing_ends_it_after_the_step_under_way():
    begun, go_on, taken = threading.Event(), threading.Event(), []

    def step():
        begun.set()
        go_on.wait()

    ahead = HeadStart([step, lambda: taken.append(2)])
    ahead.begin()
    begun.wait()
    closing = threading.Thread(target=ahead.close)
    closing.start()
    while not ahead._closing.is_set():
        closing.join(0.01)
    go_on.set()
    closing.join()
    assert taken == []
