"""`history list --search … | tag | note | delete | prune | grep`, as typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.commands import which_runs
from dashboard.evidence import LogLine
from dashboard.run_index import OUTCOMES
from dashboard.store import Store, store_url
from tests.dashboard import sample_records as sample
from tests.dashboard.command_line import call

RED = "20261121-084512-3f9c1a"


@pytest.fixture
def kept(home: Path) -> Iterator[Store]:
    home.mkdir()
    store = Store.open(store_url(home))
    for number, colour in enumerate(("green", "red")):
        run_id = f"2026112{number}-084512-3f9c1a"
        store.save(sample.run(colour, run_id=run_id, created_at=sample.START + number))
        said = ("Loading LLaVa model", f"\x1b[31mmeta tensor {number}\x1b[0m")
        log = [LogLine("trial-1", place, "stdout", sample.START, text) for place, text in enumerate(said)]
        store.save_log(run_id, "trial-1", log)
    yield store
    store.close()


def test_a_run_is_tagged_noted_and_found_again(kept: Store) -> None:
    assert call("history", "tag", "20261121", "Gate", "nightly").stdout.split() == ["gate", "nightly"]
    assert call("history", "tag", RED, "--remove", "nightly").stdout.split() == ["gate"]
    assert call("history", "note", RED, "before\nthe upgrade").returncode == 0
    assert call("history", "note", RED).stdout == "before\nthe upgrade\n"
    listed = call("history", "list", "--tag", "gate", "--search", "UPGRADE", "--verdict", "red")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [RED]
    assert listed.stdout.rstrip().endswith("#gate")
    shown = call("history", "show", RED)
    assert "gate" in shown.stdout
    assert "the upgrade" in shown.stdout
    assert json.loads(call("history", "show", RED, "--json").stdout)["tags"] == ["gate"]
    assert call("history", "note", RED, "--clear").returncode == 0
    assert call("history", "note", RED).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tag", RED, "#x"), "'#x' cannot be a tag"),
        (("tag", "nothing", "x"), "There is no run 'nothing'"),
        (("note", RED, "text", "--clear"), "not both"),
        (("delete", "nothing"), "There is no run 'nothing'"),
        (("prune",), "There is no limit to prune by. Set LOADONCE_KEEP_DAYS"),
        (("prune", "--keep-mb", "much"), "LOADONCE_KEEP_MB must be a number of megabytes above 0"),
        (("list", "--since", "tomorrow"), "--since: 'tomorrow' is no moment"),
        (("list", "--verdict", "pink"), "--verdict"),
        (("grep", "("), "'(' is no pattern of RE2"),
    ],
)
def test_what_cannot_be_done_is_usage_with_a_sentence(
    arguments: tuple[str, ...], says: str, kept: Store
) -> None:
    done = call("history", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert kept.actions() == ()


def test_runs_can_be_asked_for_by_all_that_becomes_of_them() -> None:
    assert which_runs._OUTCOMES == OUTCOMES


def test_no_match_says_how_to_see_all(kept: Store) -> None:
    done = call("history", "list", "--search", "nothing like it")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No run matches. List all of them" in done.stderr


def test_a_run_is_deleted_and_one_under_way_is_not(kept: Store) -> None:
    kept.save(replace(sample.run("green", run_id="under-way"), status="running", verdict=None))
    refused = call("history", "delete", RED, "under-way", "--yes")
    assert refused.returncode == 2
    assert "Run under-way is under way and cannot be deleted. Abort it" in refused.stderr
    assert call("history", "delete", "20261121", "--yes").returncode == 0
    assert kept.load(RED) is None
    assert [(did.actor, did.action, did.run_id) for did in kept.actions()] == [("local", "delete", RED)]


def test_pruning_says_what_goes_and_a_dry_run_keeps_it(kept: Store) -> None:
    kept.save(sample.run("green", run_id="old", created_at=1.0))
    dry = call("history", "prune", "--keep-days", "3650", "--dry-run")
    assert "older than 3650 days" in dry.stdout
    assert "Would delete 1 runs" in dry.stderr
    assert kept.load("old") is not None
    done = call("history", "prune", "--json", env={"LOADONCE_KEEP_DAYS": "3650"})
    assert [row["run_id"] for row in json.loads(done.stdout)["runs"]] == ["old"]
    assert kept.load("old") is None


def test_lines_of_all_logs_are_found_and_are_safe_to_print(kept: Store) -> None:
    done = call("history", "grep", "META tensor [01]")
    assert done.returncode == 0
    assert [line.split(maxsplit=3)[::3] for line in done.stdout.splitlines()] == [
        [RED, "meta tensor 1"], ["20261120-084512-3f9c1a", "meta tensor 0"]
    ]  # fmt: skip
    assert "trial-1:2 " in done.stdout  # counted from 1


def test_a_search_is_limited_and_told_as_json(kept: Store) -> None:
    done = call("history", "grep", "tensor", "--limit", "1", "--json")
    (line,) = json.loads(done.stdout)["lines"]
    assert (line["run_id"], line["number"], line["text"]) == (RED, 1, "\x1b[31mmeta tensor 1\x1b[0m")
    assert call("history", "grep", "META", "--case", "--verdict", "red").returncode == 1
    assert call("history", "grep", "meta.tensor", "--fixed").returncode == 1
