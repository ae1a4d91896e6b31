"""The guide's lines by hand work as they stand: pasted into a shell, against a service that answers."""

from __future__ import annotations

import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from dashboard.guide_shell import container_lines, local_lines
from dashboard.loader_copy import about_the_loader, loader_zip
from dashboard.target_settings import CommandTrigger, HttpTrigger, PostgresTrigger
from tests.dashboard.test_container_pages import container

ROOT = Path(__file__).resolve().parents[2]


def of_container(trigger=None, facts=None):
    return container_lines("yh", "services.llava_service:get_llava_model", facts, trigger)


@pytest.mark.parametrize("lines", [local_lines("python"), of_container()], ids=["local", "container"])
def test_the_whole_series_is_a_shells_and_takes_no_port_twice(lines):
    series = "\n".join(lines.values())
    done = subprocess.run(["bash", "-n"], input=series, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert series.count("loader.worker") <= 1
    assert "-f " not in lines["look"].replace("-f '", "")  # what follows for ever lets nothing come after it


def test_the_local_series_begins_and_ends_its_own_worker():
    lines = local_lines(".venv/bin/python")
    assert lines["restart"].startswith(".venv/bin/python -m loader.worker")
    log = lines["restart"].split("> ")[1].split()[0]
    assert all(lines[key].endswith(log) for key in ("look", "count", "meta"))
    assert lines["model"].endswith("kill $WORKER")


class Service(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self):
        self.sent, self.lock = [], threading.Lock()
        super().__init__(("127.0.0.1", 0), Keeper)


class Keeper(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with self.server.lock:
            self.server.sent.append((self.path, self.headers["X-Token"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


def test_what_a_service_is_sent_by_hand_is_what_the_settings_say():
    trigger = HttpTrigger(
        path="/jobs/{job_id}?n={n}", port=9000, headers={"X-Token": "${TOKEN}"},
        body={"id": "{variant_id}", "text": 'a "quoted" $5 `word`'},
    )  # fmt: skip
    with Service() as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        facts = container("yh", ports={"9000/tcp": ("0.0.0.0", service.server_port)})
        line = of_container(trigger, facts)["release"]
        subprocess.run(["bash", "-c", line], check=True, env={"PATH": "/usr/bin:/bin", "TOKEN": "secret"})
        service.shutdown()
    text = '"text": "a \\"quoted\\" $5 `word`"'
    assert sorted(service.sent) == [
        (f"/jobs/job-1?n={n}", "secret", f'{{"id": "variant-{n}", {text}}}') for n in (1, 2, 3)
    ]


def test_a_service_that_is_triggered_by_a_command_is_so_by_hand():
    each = CommandTrigger(command=("python", "ask.py", "{variant_id}"), workdir="/app")
    assert 'docker exec -w /app yh "python" "ask.py" "variant-$i" &' in of_container(each)["release"]
    once = CommandTrigger(command=("python", "ask.py", "{variants}"))
    assert of_container(once)["release"] == 'docker exec yh "python" "ask.py" "3"'


def test_rows_of_a_database_are_no_line_of_a_shell():
    rows = PostgresTrigger(dsn="postgresql://x/y", trigger=("SELECT 1",), done="SELECT 1")
    assert of_container(rows)["release"] == ""


def test_the_loader_that_is_handed_out_is_whole_and_runs(tmp_path):
    with zipfile.ZipFile(BytesIO(loader_zip())) as archive:
        archive.extractall(tmp_path)
    asked = "from loader import OnceLoader; print(OnceLoader(lambda: 7, name='x').get())"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["7"], done.stderr


def test_what_the_loader_says_of_itself_stands_below_the_pages_own_headings():
    text = about_the_loader()
    assert "\n### What it guarantees" in text
    assert "\n## " not in text
    assert "\n# " not in text
