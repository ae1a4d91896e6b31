"""`probe` on services with known truth, as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dashboard.probing.folder import probe_folder
from dashboard.probing.judgement import judge_probe
from dashboard.probing.report import Asked

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SERVICES = ROOT / "tests" / "services"
CODES = {"green": 0, "red": 1, "inconclusive": 3}

TRUTH: dict[str, dict[str, Any]] = tomllib.loads((SERVICES / "services.toml").read_text("utf-8"))
# What no corpus can hold: callables that are none, or cannot be called
NO_SERVICES = {"not_a_function", "needs_arguments"}


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


def test_the_corpus_is_whole() -> None:
    assert set(TRUTH) | NO_SERVICES == {path.stem for path in SERVICES.glob("*.py")}
    assert len(TRUTH) >= 25
    for name in TRUTH:
        first = (SERVICES / f"{name}.py").read_text("utf-8").splitlines()[0]
        # The first word is the verdict in plain English
        told = {"green": "Right", "red": "Wrong", "inconclusive": "In doubt"}[TRUTH[name]["probe"]["verdict"]]
        assert first.startswith(f'"""{told}'), name


@pytest.mark.parametrize("name", [name for name in TRUTH if not TRUTH[name].get("model")])
def test_a_service_is_judged_as_it_is(name: str) -> None:
    truth = TRUTH[name]["probe"]
    # Only a thread that never comes back waits for the end of the timeout.
    asked = Asked(name, "get_model", 3, TRUTH[name].get("seconds", 30.0))
    verdict = judge_probe(probe_folder(asked, SERVICES)).verdict
    assert verdict.verdict == truth["verdict"]
    assert truth["reason"] in {reason.code for reason in verdict.reasons}
    models = -1 if verdict.counts.unique_models is None else verdict.counts.unique_models
    assert (verdict.counts.load_started, models) == (truth["starts"], truth["models"])


@pytest.mark.parametrize(("name", "colour"), [("double_checked", "green"), ("no_lock", "red")])
def test_a_verdict_is_an_exit_code(name: str, colour: str) -> None:
    exit_code, verdict = told(name)
    assert (verdict["verdict"], exit_code) == (colour, CODES[colour])


def test_a_red_probe_names_the_line_of_the_source() -> None:
    _, verdict = told("lock_per_call")
    first = verdict["diagnosis"][0]
    assert first["code"] == "lock-per-call"
    assert "lock_per_call.py, line 11: " in first["cause"]


def test_a_green_probe_is_not_explained() -> None:
    assert told("moved_after_publication")[1]["diagnosis"] == []


@pytest.mark.parametrize("name", ["needs_arguments:get_model", "needs_arguments:Service.get"])
def test_what_needs_arguments_is_not_called(name: str) -> None:
    done = call(name, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "it cannot be called without arguments (missing a required argument" in done.stderr


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
@pytest.mark.parametrize("name", [name for name in TRUTH if TRUTH[name].get("model")])
def test_real_loads_are_counted_though_nothing_is_printed(name: str, demo_checkpoint: Path) -> None:
    truth = TRUTH[name]["probe"]
    _, verdict = told(name, PROBED_MODEL=str(demo_checkpoint))
    assert truth["reason"] in {reason["code"] for reason in verdict["reasons"]}
    assert (verdict["verdict"], verdict["real_loads"], verdict["counts"]["unique_models"]) == (
        truth["verdict"],
        truth["starts"],
        truth["models"],
    )
