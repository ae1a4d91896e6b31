"""What a first visitor would wait for is done beside the start, and never in the way of the end."""

import gc
import subprocess
import sys
import threading
from pathlib import Path

from dashboard.head_start import HeadStart, collect_seldom

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

session.open_console(Path(sys.argv[1]))
try:
    ahead = HeadStart(steps(HeldFiles(Path(get_static_dir()))))
    ahead.begin()
    ahead.wait()
    before = set(sys.modules)
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
    ahead.wait()
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
    ahead.closing.wait()
    go_on.set()
    closing.join()
    assert taken == []


def test_many_objects_that_stay_are_looked_through_a_few_times_only():
    before = gc.get_threshold()
    try:
        collect_seldom()
        begun = gc.get_stats()
        events = [{"event": number} for number in range(100_000)]
        done = [
            after["collections"] - at["collections"] for at, after in zip(begun, gc.get_stats(), strict=True)
        ]
    finally:
        gc.set_threshold(*before)
    assert len(events) == 100_000
    assert done[0] < 20
    assert done[2] == 0
