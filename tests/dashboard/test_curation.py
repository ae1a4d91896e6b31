"""What operators do to kept runs: tags, notes and deletes, each recorded with who did it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.curation import MAX_NOTE, CurationError, all_tags, delete_runs, read_tags, tag_runs, write_note
from dashboard.evidence import LogLine
from dashboard.store import RunFilter, Store, StoreError
from tests.dashboard import sample_records as sample


@pytest.fixture
def kept(store: Store) -> Store:
    for number, colour in enumerate(("green", "red", "inconclusive")):
        store.save(sample.run(colour, run_id=f"run-{number}", created_at=sample.START + number))
    return store


def found(store: Store, **wanted: object) -> list[str]:
    return [run.run_id for run in store.list(RunFilter(**wanted))]  # type: ignore[arg-type]  # its own fields


def test_tags_are_given_and_taken_away_and_stay_when_the_record_is_saved_again(kept: Store) -> None:
    tag_runs(kept, ["run-0", "run-1"], add=["gate", "nightly"], actor="ann")
    tag_runs(kept, ["run-0"], add=["gate"], remove=["nightly", "never-there"], actor="ann")
    kept.save(sample.run("green", run_id="run-0"))
    assert {run.run_id: run.tags for run in kept.list()} == {
        "run-0": ("gate",), "run-1": ("gate", "nightly"), "run-2": ()
    }  # fmt: skip
    assert all_tags(kept) == ("gate", "nightly")


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("Gate, nightly  gate", ("gate", "nightly")),
        ("4.57/5.23 업그레이드", ("4.57/5.23", "업그레이드")),
        ("", ()),
    ],
)
def test_tags_are_read_as_people_type_them(typed: str, tags: tuple[str, ...]) -> None:
    assert read_tags(typed) == tags


@pytest.mark.parametrize("typed", ["#gate", "a" * 41, "-x", "a\0b", "<b>"])
def test_what_cannot_be_a_tag_is_named(typed: str) -> None:
    with pytest.raises(CurationError, match=r"cannot be a tag\. Use letters, digits and"):
        read_tags(typed)


def test_a_run_has_no_more_tags_than_anybody_reads(kept: Store) -> None:
    with pytest.raises(CurationError, match="more than 20 tags"):
        tag_runs(kept, ["run-0"], add=[f"t{number}" for number in range(21)], actor="ann")
    assert kept.list()[-1].tags == ()


def test_a_note_is_kept_found_and_taken_away(kept: Store) -> None:
    write_note(kept, "run-1", "  Before the UPGRADE\nof transformers ", actor="ann")
    summary = kept.summary("run-1")
    assert summary is not None
    assert summary.note == "Before the UPGRADE\nof transformers"
    assert found(kept, text="upgrade") == ["run-1"]
    write_note(kept, "run-1", "", actor="ann")
    assert found(kept, text="upgrade") == []


def test_a_note_that_is_too_long_is_refused_with_its_length(kept: Store) -> None:
    with pytest.raises(CurationError, match=r"has 4,001 characters, and at most 4,000 are kept"):
        write_note(kept, "run-1", "x" * (MAX_NOTE + 1), actor="ann")


def test_a_deleted_run_takes_all_that_is_its_own_along(kept: Store) -> None:
    tag_runs(kept, ["run-0"], add=["gate"], actor="ann")
    kept.save_log("run-0", "trial-1", [LogLine("trial-1", 0, "stdout", 1.0, "hello")])
    delete_runs(kept, ["run-0"], actor="ann")
    assert kept.load("run-0") is None
    assert (kept.sources("run-0"), kept.log("run-0", "trial-1"), all_tags(kept)) == ((), (), ())


def test_a_run_under_way_is_not_deleted_nor_any_other_of_the_same_request(kept: Store) -> None:
    kept.save(replace(sample.run("green", run_id="under-way"), status="running", verdict=None))
    with pytest.raises(CurationError, match=r"under-way is under way and cannot be deleted\. Abort it"):
        delete_runs(kept, ["run-0", "under-way"], actor="ann")
    assert kept.count() == 4
    assert kept.actions() == ()


@pytest.mark.parametrize("act", [delete_runs, tag_runs])
def test_a_run_that_is_not_there_is_named(act: object, kept: Store) -> None:
    with pytest.raises(CurationError, match="There is no run run-9 in the history"):
        act(kept, ["run-0", "run-9"], actor="ann")  # type: ignore[operator]  # one of the two
    assert kept.actions() == ()


def test_each_act_is_recorded_with_who_what_and_how_it_ended(kept: Store) -> None:
    tag_runs(kept, ["run-0"], add=["gate"], actor="ann")
    write_note(kept, "run-0", "why", actor="bob")
    delete_runs(kept, ["run-0"], actor="cy")
    assert [(did.actor, did.action, did.target, did.outcome, did.run_id) for did in kept.actions()] == [
        ("cy", "delete", "local", "deleted", "run-0"),
        ("bob", "note", "local", "3 characters", "run-0"),
        ("ann", "tag", "local", "+gate", "run-0"),
    ]


def test_a_history_that_cannot_be_written_refuses_in_a_sentence(kept: Store) -> None:
    kept.close()
    with pytest.raises(StoreError, match="has been closed"):
        delete_runs(kept, ["run-0"], actor="ann")


# -- finding runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ({"text": "RUN-1"}, ["run-1"]),
        ({"text": "local transformers 5.23.0"}, ["run-2", "run-1", "run-0"]),
        ({"text": "run-1 run-2"}, []),
        ({"text": "100%"}, []),
        ({"text": "run_1"}, []),
        ({"outcome": "inconclusive"}, ["run-2"]),
        ({"outcome": "failed"}, []),
        ({"since": sample.START + 1}, ["run-2", "run-1"]),
        ({"until": sample.START + 1}, ["run-0"]),
        ({"tags": ("gate",)}, ["run-0"]),
        ({"tags": ("gate", "other")}, []),
        ({"text": "gat"}, ["run-0"]),
    ],
)
def test_runs_are_found_by_what_is_known_of_them(
    wanted: dict[str, object], runs: list[str], kept: Store
) -> None:
    tag_runs(kept, ["run-0"], add=["gate"], actor="ann")
    assert found(kept, **wanted) == runs
    assert kept.count(RunFilter(**wanted)) == len(runs)  # type: ignore[arg-type]  # its own fields
