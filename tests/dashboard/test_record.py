"""Records of runs: they come back from JSON as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.evidence import (
    Control,
    Counts,
    Gap,
    Latency,
    LogEvent,
    Reason,
    Variant,
    Verdict,
    Worker,
    WorkerEnd,
)
from dashboard.record import RunRecord, TrialRecord, from_json, new_run_id, to_json
from dashboard.settings import RunSettings

GREEN = Verdict("green", (Reason("loaded_once", "One load."),), Counts(1, 1), Latency(0.1, 0.2, 0.2, 0.3))
RED = Verdict("red", (Reason("loaded_twice", "Two loads."),), Counts(2, 2))


def trial(number: int, verdict: Verdict | None) -> TrialRecord:
    return TrialRecord(
        number,
        "trial",
        "on",
        f"trial-{number}",
        started_at=1.5,
        variants=(
            Variant("job-1", "job-1.variant-1", "answered", sent=1.0, answered=2.5, boot="b", load_id=1),
        ),
        events=(
            LogEvent("started", "trial-1", 3, 1.25, "loadonce", "…", boot="b", seq=2, fields={"a": "é"}),
        ),
        workers=(Worker("b", 7, "trial-1", "healthz"),),
        ends=(WorkerEnd("trial-1", 2.0, -9),),
        gaps=(Gap("trial-1", "seq 4 is missing"),),
        aborted="The run was aborted.",
        verdict=verdict,
    )


def record(*trials: TrialRecord, verdict: Verdict | None = None) -> RunRecord:
    return RunRecord(
        "20261123-084512-3f9c1a",
        RunSettings(jobs=2),
        "local",
        created_at=1.0,
        control=Control("red", "off", 1, 1, Counts(4, 0)),
        trials=trials,
        verdict=verdict,
        versions={"torch": "2.13.0"},
    )


def test_a_record_comes_back_from_json_as_it_was() -> None:
    whole = record(trial(1, GREEN), verdict=GREEN)
    assert from_json(to_json(whole)) == whole


def test_a_key_of_a_later_version_is_passed_over() -> None:
    document = json.loads(to_json(record()))
    document["mood"] = "fine"
    assert from_json(json.dumps(document)) == record()


@pytest.mark.parametrize("document", ["", "{}", "[]", '{"run_id": 1}'])
def test_what_is_no_record_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=r"RunRecord|JSON"):
        from_json(document)


def test_the_trial_shown_is_the_one_that_made_the_verdict() -> None:
    shown = record(trial(1, GREEN), trial(2, RED), trial(3, GREEN), verdict=RED).shown_trial
    assert shown is not None
    assert shown.number == 2


def test_a_run_under_way_shows_its_newest_trial() -> None:
    shown = record(trial(1, GREEN), trial(2, None)).shown_trial
    assert shown is not None
    assert shown.number == 2


def test_a_run_without_a_trial_shows_none() -> None:
    assert record().shown_trial is None


def test_the_evidence_of_a_trial_keeps_what_cut_it() -> None:
    evidence = trial(1, None).evidence()
    assert evidence.aborted == "The run was aborted."
    assert evidence.gaps == (Gap("trial-1", "seq 4 is missing"),)


def test_run_ids_sort_by_time() -> None:
    early = new_run_id(datetime(2026, 11, 23, 8, 45, 12, tzinfo=UTC), "ffffff")
    late = new_run_id(datetime(2026, 11, 23, 8, 45, 13, tzinfo=UTC), "000000")
    assert early < late
    assert early == "20261123-084512-ffffff"


def test_a_lone_surrogate_in_an_event_does_not_make_a_record_unwritable() -> None:
    odd = replace(trial(1, GREEN).events[0], thread="job-\udcff")
    kept = from_json(to_json(record(replace(trial(1, GREEN), events=(odd,)))))
    assert kept.trials[0].events[0].thread == "job-?"
