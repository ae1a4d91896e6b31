"""`probe` on services with known truth, as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SERVICES = ROOT / "tests" / "services"
CODES = {"green": 0, "red": 1, "inconclusive": 3}

# service: verdict, a reason that it must give, load_started, unique_models
TRUTH: dict[str, tuple[str, str, int, int | None]] = {
    "double_checked": ("green", "contended", 1, 1),
    "always_locked": ("green", "processors_differ", 1, 1),
    "eager": ("green", "loaded_at_import", 1, 1),
    "no_lock": ("red", "overlapping_loads", 3, 3),
    "no_second_check": ("red", "loaded_twice", 3, 3),
    "lock_per_call": ("red", "loaded_twice", 3, 3),
    "cached": ("red", "two_models", 3, 3),
    "thread_local": ("red", "two_models", 0, 3),
    "silent_double": ("red", "two_models", 0, 3),
    "some_errors": ("red", "load_failed", 1, 1),
    "meta_tensor": ("red", "meta_tensor_error", 1, 1),
    "all_fail": ("red", "load_failed", 3, None),
    "dies": ("red", "worker_died", 1, None),
    "retried": ("inconclusive", "retried", 2, 1),
    "never_back": ("inconclusive", "not_answered", 1, 1),
    "half_published": ("inconclusive", "not_answered", 1, 1),
    "silent_once": ("inconclusive", "no_load", 0, 1),
    "import_fails": ("inconclusive", "aborted", 0, None),
}


def call(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", "probe", "--callable", name, "--path", str(SERVICES), *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def told(name: str, *arguments: str, **env: str) -> tuple[int, Any]:
    done = call(f"{name}:get_model", "--json", *arguments, **env)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("name", TRUTH)
def test_a_service_is_judged_as_it_is(name: str) -> None:
    colour, code, starts, models = TRUTH[name]
    # Only a thread that never comes back waits for the end of the timeout.
    exit_code, verdict = told(name, "--timeout", "2" if name == "never_back" else "30")
    assert (verdict["verdict"], exit_code) == (colour, CODES[colour])
    assert code in {reason["code"] for reason in verdict["reasons"]}
    assert (verdict["counts"]["load_started"], verdict["counts"]["unique_models"]) == (starts, models)


def test_loads_after_each_other_are_told_from_loads_at_once() -> None:
    _, verdict = told("no_second_check")
    assert "overlapping_loads" not in {reason["code"] for reason in verdict["reasons"]}


def test_one_thread_alone_proves_nothing() -> None:
    exit_code, verdict = told("double_checked", "--threads", "1")
    assert (exit_code, verdict["reasons"][0]["code"]) == (3, "no_contention")


def test_every_thread_has_its_seconds() -> None:
    _, verdict = told("double_checked", "--threads", "4")
    assert [thread["thread"] for thread in verdict["threads"]] == [1, 2, 3, 4]
    assert min(thread["seconds"] for thread in verdict["threads"]) > 0
    longest = max(thread["seconds"] for thread in verdict["threads"])
    assert verdict["latency_s"]["max"] == pytest.approx(longest, abs=1e-5)


def test_what_the_service_prints_does_not_reach_standard_output() -> None:
    assert call("no_lock:get_model").stdout == ""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("double_checked", "names no callable"),
        ("double checked:get_model", "names no callable"),
        ("double_checked:nothing", "has no attribute 'nothing'"),
        ("not_a_function:get_model", "cannot be called"),
    ],
)
def test_a_name_of_no_callable_is_exit_code_2(name: str, sentence: str) -> None:
    done = call(name, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.parametrize("places", [(), ("--path", "a", "--container", "b")])
def test_exactly_one_place_is_to_be_named(places: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dashboard", "probe", "--callable", "a:b", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Name one place" in done.stderr) == (2, True)


def test_a_folder_that_is_none_is_exit_code_2() -> None:
    done = call("double_checked:get_model", "--path", "nowhere")
    assert (done.returncode, "--path nowhere is no folder" in done.stderr) == (2, True)


def test_a_module_of_the_folder_does_not_replace_the_probe_s_own(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise ImportError('not the one')\n")
    (tmp_path / "service.py").write_text((SERVICES / "double_checked.py").read_text())
    done = call("service:get_model", "--path", str(tmp_path))
    assert done.returncode == 0


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize(
    ("name", "colour", "loads"), [("transformers_once", "green", 1), ("transformers_twice", "red", 3)]
)
def test_real_loads_are_counted_though_nothing_is_printed(
    name: str, colour: str, loads: int, demo_checkpoint: Path
) -> None:
    _, verdict = told(name, PROBED_MODEL=str(demo_checkpoint))
    assert (verdict["verdict"], verdict["real_loads"], verdict["counts"]["unique_models"]) == (
        colour,
        loads,
        1,
    )
