"""The worker over HTTP: real processes, real loads, real generations."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.loader.worker_processes import ROOT, PreloadedProcess, RunningWorker, png, variant
from tests.ports import free_port

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def worker(preloaded: PreloadedProcess) -> Any:
    """A worker with the guard on, whose model is loaded by eight variants at once."""
    with preloaded.worker() as running:
        running.wait_alive()
        running.answers = running.launch(8)  # type: ignore[attr-defined]  # for the tests below
        yield running


def refusal(worker: RunningWorker, **changes: Any) -> tuple[int, list[str]]:
    status, answer = worker.ask("POST", "/variants", variant(**changes))
    return status, [part for item in answer["detail"] for part in item["loc"]]


def test_eight_variants_at_once_are_one_load(worker: Any) -> None:
    assert [status for status, _ in worker.answers] == [200] * 8
    assert len({(answer["worker"]["boot"], answer["load_id"]) for _, answer in worker.answers}) == 1
    kinds = worker.kinds()
    assert (kinds.count("started"), kinds.count("completed"), kinds.count("requested")) == (1, 1, 8)


def test_an_answer_has_every_field_of_the_contract(worker: Any) -> None:
    _, answer = worker.answers[0]
    wanted = {"variant_id", "worker", "load_id", "model_id", "waited_ms", "load_ms", "infer_ms", "text"}
    assert wanted <= answer.keys()
    assert answer["worker"].keys() == {"boot", "pid", "host"}
    assert answer["text"]


def test_an_event_names_the_variant_on_whose_behalf_it_happened(worker: Any) -> None:
    asked = {event.thread for event in worker.out.events() if event.kind == "requested"}
    assert asked == {f"variant-{number}" for number in range(8)}


def test_the_numbers_of_the_events_have_no_hole(worker: Any) -> None:
    numbers = [event.seq for event in worker.out.events()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_loader_tells_only_what_comes_after_a_number(worker: Any) -> None:
    _, whole = worker.ask("GET", "/loader")
    _, rest = worker.ask("GET", f"/loader?seq={whole['seq'] - 1}")
    assert [event["seq"] for event in rest["events"]] == [whole["seq"]]
    assert whole["state"] == "ready"


def test_the_loader_tells_the_size_of_the_model_and_what_was_held_before_it(worker: Any) -> None:
    _, told = worker.ask("GET", "/loader?memory=1")
    assert 20_000_000 < told["model_bytes"]["cpu"] < 40_000_000
    assert 20 < told["ground_mb"] < told["pss_mb"]


def test_the_loader_counts_its_pages_only_for_those_who_ask(worker: Any) -> None:
    assert worker.ask("GET", "/loader")[1]["pss_mb"] is None


def test_a_ready_worker_says_so(worker: Any) -> None:
    assert worker.ask("GET", "/readyz")[0] == 200


def test_the_metrics_count_the_load(worker: Any) -> None:
    _, text = worker.ask("GET", "/metrics")
    assert any("started" in line and line.endswith(" 1.0") for line in text.splitlines()), text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", "x" * 1_000_000),
        ("variant_id", "Loading LLaVa model"),
        ("variant_id", "a\nb"),
        ("job_id", "event=completed boot=1"),
        ("job_id", "x" * 200),
        ("image", "no base64 §"),
        ("image", base64.b64encode(b"no picture").decode()),
    ],
)
def test_bad_input_is_refused_with_its_field(worker: Any, field: str, value: str) -> None:
    status, named = refusal(worker, **{field: value})
    assert status == 422
    assert field in named


def test_what_is_no_json_is_refused(worker: Any) -> None:
    assert worker.ask("POST", "/variants", b"{")[0] == 422


def test_the_text_of_a_request_is_in_no_log(worker: Any) -> None:
    worker.ask("POST", "/variants", variant(77, prompt="Loading LLaVa model secret-words"))
    said = "\n".join(worker.out.lines + worker.err.lines)
    assert "secret-words" not in said
    assert said.count("Loading LLaVa model") == 1


def test_a_variant_needs_no_image(worker: Any) -> None:
    assert worker.ask("POST", "/variants", variant(image=None))[0] == 200


def test_nothing_is_loaded_before_the_first_variant(preloaded: PreloadedProcess) -> None:
    with preloaded.worker() as fresh:
        health = fresh.wait_alive()
        assert health["status"] == "alive"
        assert health["state"] in ("starting", "idle")  # it may still import its libraries
        assert fresh.ask("GET", "/readyz")[0] == 503
        assert fresh.kinds() == []


def test_each_worker_has_a_boot_of_its_own(preloaded: PreloadedProcess) -> None:
    with preloaded.worker() as first, preloaded.worker() as second:
        assert first.wait_alive()["boot"] != second.wait_alive()["boot"]


def test_health_answers_while_a_load_runs(preloaded: PreloadedProcess) -> None:
    with preloaded.worker({"LOADONCE_GUARD": "no-second-check"}) as slow:
        slow.wait_alive()
        thread = threading.Thread(target=slow.launch, args=(6,))
        thread.start()
        slow.out.wait_for("event=started")
        assert slow.wait_alive()["state"] == "loading"
        thread.join()


@pytest.mark.parametrize(
    ("guard", "fault"),
    # Whether overlapping loads break each other is chance, that there are several is not
    [("off", "started"), ("no-second-check", "completed"), ("per-model", "started")],
)
def test_a_wrong_guard_really_loads_more_than_once(
    preloaded: PreloadedProcess, guard: str, fault: str
) -> None:
    with preloaded.worker({"LOADONCE_GUARD": guard}) as running:
        running.wait_alive()
        running.launch(5)
        kinds = running.kinds()
    assert kinds.count("started") > 1
    assert kinds.count(fault) > 1


def test_too_many_waiting_are_refused_with_429(preloaded: PreloadedProcess) -> None:
    with preloaded.worker({"LOADONCE_MAX_WAITING": "2"}) as small:
        small.wait_alive()
        statuses = [status for status, _ in small.launch(12)]
    assert set(statuses) == {200, 429}


def test_a_load_that_fails_answers_503_with_its_name(
    preloaded: PreloadedProcess, demo_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(demo_checkpoint, folder)
    with preloaded.worker({"LOADONCE_MODEL": str(folder)}) as running:
        running.wait_alive()
        (folder / "model-00003-of-00010.safetensors").unlink()  # after the start, which looks at the folder
        answers = running.launch(3)
        kinds = running.kinds()
    assert {status for status, _ in answers} == {503}
    assert {answer["detail"]["error"] for _, answer in answers} == {"IncompleteCheckpoint"}
    assert all("model-00003-of-00010.safetensors, is missing" in str(answer) for _, answer in answers)
    assert kinds.count("started") == 1, "the waiters of one attempt share its error"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_with_0(preloaded: PreloadedProcess, number: int) -> None:
    with preloaded.worker() as running:
        running.wait_alive()
        os.kill(running.pid, number)
        assert preloaded.exit_status(running.name) == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("guard", ["on", "off"])
def test_a_signal_in_the_middle_of_a_load_ends_a_worker_with_0(
    preloaded: PreloadedProcess, guard: str
) -> None:
    with preloaded.worker({"LOADONCE_GUARD": guard}) as running:
        running.wait_alive()
        callers = [threading.Thread(target=give_up_quietly, args=(running,)) for _ in range(20)]
        for caller in callers:
            caller.start()
        running.out.wait_for("event=started")
        os.kill(running.pid, signal.SIGTERM)
        assert preloaded.exit_status(running.name) == 0  # type: ignore[attr-defined]
        for caller in callers:
            caller.join()


def give_up_quietly(running: RunningWorker) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):  # the worker goes while it is asked
        running.ask("POST", "/variants", variant())


def test_a_body_that_no_variant_needs_is_refused_unread(worker: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=30)
    connection.putrequest("POST", "/variants")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["detail"]["error"]) == (413, "BodyTooLarge")
    connection.close()


def test_an_image_of_too_many_pixels_is_refused_with_its_field(worker: Any) -> None:
    status, named = refusal(worker, image=png(size=5000))
    assert (status, named) == (422, ["body", "image"])


def test_a_refusal_does_not_repeat_what_was_sent(worker: Any) -> None:
    _, answer = worker.ask("POST", "/variants", variant(variant_id="private words"))
    assert "private words" not in json.dumps(answer)


def test_a_loaded_worker_answers_without_another_load(worker: Any) -> None:
    answers = worker.launch(4)
    assert {answer["load_id"] for _, answer in answers} == {1}


@pytest.mark.slow
def test_two_hundred_variants_at_once_are_one_load(preloaded: PreloadedProcess) -> None:
    with preloaded.worker() as running:
        running.wait_alive()
        answers = running.launch(200)
        kinds = running.kinds()
    assert {status for status, _ in answers} == {200}
    assert (kinds.count("requested"), kinds.count("started"), kinds.count("completed")) == (200, 1, 1)


def test_a_worker_starts_from_nothing_too(demo_checkpoint: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "loader.worker", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "LOADONCE_MODEL": str(demo_checkpoint)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Uvicorn running" in line or "Listening on" in line:
                break
        alone = RunningWorker(port, process.pid, None, None)  # type: ignore[arg-type]  # nobody reads its log
        status, answer = alone.ask("POST", "/variants", variant(image=png("gold")))
        assert (status, answer["load_id"]) == (200, 1)
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stderr.close()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"LOADONCE_MODEL": "/nowhere/at/all"}, "/nowhere/at/all"),
        ({"LOADONCE_GUARD": "maybe"}, "LOADONCE_GUARD"),
        ({"LOADONCE_MAX_WAITING": "many"}, "LOADONCE_MAX_WAITING"),
    ],
)
def test_a_worker_that_cannot_start_says_why_and_exits_with_2(env: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loader.worker", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_socket_that_is_not_tcp_is_a_usage_error() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            [sys.executable, "-m", "loader.worker", "--fd", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "is no TCP socket" in done.stderr
