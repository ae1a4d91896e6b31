"""The diagnosis: each signature leads to its likely cause first, and every finding says what to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.diagnosis import diagnose, diagnose_trial
from dashboard.evidence import Control, Counts, Evidence, Gap, Reason, Variant, Verdict, WorkerEnd
from dashboard.remedies import REMEDIES
from dashboard.settings import Guard, RunSettings
from dashboard.verdict import judge, with_control
from tests.dashboard.records import red_run
from tests.dashboard.worker_log import WorkerLog, answered, good_trial, names, read, trial, unguarded_trial

WHO = names(3)
START = "Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda"
END = "✓ LLaVa model loaded successfully on cuda"
META = "Cannot copy out of meta tensor; no data!"


def codes(evidence: Evidence) -> list[str]:
    return [finding.code for finding in diagnose(evidence, judge(evidence))]


def stranger(*texts: str) -> Evidence:
    return Evidence(events=read(texts).events())


def failing(*errors: str) -> tuple[Variant, ...]:
    return tuple(
        Variant("job-1", name, "failed", error=error) for name, error in zip(names(9), errors, strict=False)
    )


def failed_load(**fields: str) -> Evidence:
    return trial(WorkerLog().ask(*WHO).tell("started", 1).tell("failed", 1, **fields), ())


def test_green_needs_no_diagnosis() -> None:
    assert codes(good_trial()) == []


def test_overlapping_loads_mean_that_no_lock_is_used_or_one_for_each_call() -> None:
    assert codes(unguarded_trial())[:2] == ["lock_not_used", "lock_per_call"]


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("off", ["guard_off"]),
        ("no-second-check", ["guard_no_second_check"]),
        ("per-model", ["guard_per_model"]),
        ("on", ["beside_the_guard"]),
    ],
)
def test_a_run_that_set_the_guard_itself_does_not_guess_at_it(guard: Guard, expected: list[str]) -> None:
    settings = RunSettings(guard=guard)
    seen = unguarded_trial()
    assert [each.code for each in diagnose(seen, judge(seen), settings)] == expected


def test_the_guard_of_a_container_is_its_own_affair_and_stays_a_guess() -> None:
    seen, settings = unguarded_trial(), RunSettings(target="container:yh")
    assert [each.code for each in diagnose(seen, judge(seen), settings)] == codes(seen)


def test_a_guard_that_was_off_does_not_hide_what_else_was_wrong() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2).tell("failed", 1, error="OutOfMemory")
    seen = trial(log.tell("failed", 2, error="OutOfMemory"), ())
    found = [each.code for each in diagnose(seen, judge(seen), RunSettings(guard="off"))]
    assert found == ["out_of_memory", "guard_off"]


def test_a_lone_meta_tensor_error_under_the_guard_points_at_the_model_and_the_versions() -> None:
    seen = trial(WorkerLog().ask(*WHO).tell("started", 1).tell("meta_tensor_error", 1), ())
    found = [each.code for each in diagnose(seen, judge(seen), RunSettings())]
    assert found == ["device_map", "pytorch_version"]


@pytest.mark.parametrize(("warm", "expected"), [(True, "begun_warm"), (False, "already_warm")])
def test_a_run_that_was_to_begin_warm_is_not_told_to_begin_cold(warm: bool, expected: str) -> None:
    seen = trial(WorkerLog(), answered(WHO))
    found = diagnose(seen, judge(seen), RunSettings(warm=warm, control=False))
    assert [each.code for each in found] == [expected]


def test_the_control_of_a_run_is_known_by_its_own_guard() -> None:
    record = red_run()
    control = replace(record.trials[0], role="control", guard="off")
    judged = control.verdict
    assert judged is not None
    guarded = replace(record, settings=RunSettings())
    assert diagnose_trial(guarded, control, judged)[0].code == "guard_off"


def test_loads_one_after_the_other_mean_that_the_second_check_is_missing() -> None:
    assert codes(trial(WorkerLog().ask(*WHO).load(1).load(2), answered(WHO, load=2))) == [
        "second_check_missing"
    ]


def test_two_models_that_broke_each_other_mean_a_lock_for_each() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2, model="other")
    log.tell("meta_tensor_error", 1).tell("completed", 2, model="other")
    assert codes(trial(log, ()))[0] == "lock_per_model"


def test_a_meta_tensor_error_of_a_lone_load_points_to_the_process_the_map_and_the_versions() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("meta_tensor_error", 1)
    assert codes(trial(log, ())) == ["poisoned_process", "device_map", "pytorch_version", "to_empty"]


def test_a_lone_failure_after_overlapping_loads_means_a_poisoned_process() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1).tell("started", 2)
    log.tell("meta_tensor_error", 1).tell("meta_tensor_error", 2)
    log.tell("started", 3).tell("meta_tensor_error", 3)
    assert "poisoned_process" in codes(trial(log, ()))


def test_a_poisoned_process_is_named() -> None:
    assert "poisoned_process" in codes(failed_load(error="PoisonedProcess"))


def test_two_objects_behind_one_logged_load_mean_a_lock_for_each_call() -> None:
    variants = (*answered(WHO[:2]), *answered(WHO[2:], load=2))
    assert codes(replace(good_trial(), variants=variants)) == ["lock_per_call"]


def test_a_strangers_double_load_may_be_old_code_or_several_processes() -> None:
    assert codes(stranger(START, START, END, END))[-2:] == ["code_not_restarted", "several_processes"]


def test_our_own_fresh_worker_is_not_suspected_of_old_code() -> None:
    assert "code_not_restarted" not in codes(unguarded_trial())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error": "SafetensorError", "message": "Error while deserializing header"}, "corrupt_shard"),
        ({"error": "CheckpointError", "message": "half written"}, "corrupt_shard"),
        ({"error": "CorruptCheckpoint", "message": "shard 4 of 10 has 5 of its 9 bytes"}, "corrupt_shard"),
        ({"error": "IncompleteCheckpoint", "message": "shard 4 of 10 is missing"}, "missing_shard"),
        ({"error": "OutOfMemory", "message": "unable to mmap 2659328 bytes"}, "out_of_memory"),
        ({"error": "OutOfMemoryError", "message": "CUDA out of memory"}, "out_of_memory"),
        ({"error": "ImportError", "message": "No module named accelerate"}, "load_failed"),
    ],
)
def test_a_failed_load_is_explained_by_its_error(fields: dict[str, str], expected: str) -> None:
    assert codes(failed_load(**fields)) == [expected]


def test_a_worker_killed_for_want_of_memory_is_explained_by_it() -> None:
    assert codes(good_trial(ends=(WorkerEnd("worker", 1.0, -9, out_of_memory=True),)))[0] == "out_of_memory"


def test_a_worker_that_died_in_its_load_is_explained() -> None:
    log = WorkerLog().ask(*WHO).tell("started", 1)
    assert codes(trial(log, (), ends=(WorkerEnd("worker", 1.0, -11),))) == ["worker_died"]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (trial(WorkerLog(), answered(WHO)), "already_warm"),
        (stranger("INFO: Application startup complete."), "not_in_log"),
        (good_trial(1), "not_enough_contention"),
        (good_trial(gaps=(Gap("worker", "a line is missing"),)), "log_incomplete"),
        (good_trial(aborted="by an operator"), "aborted"),
        (good_trial(ends=(WorkerEnd("worker", 1.0, -15),)), "restarted"),
        (trial(WorkerLog().ask(*WHO).tell("started", 1), ()), "unfinished"),
        (replace(good_trial(), variants=answered(WHO, load=8)), "witness_disagrees"),
        (
            stranger("Started server process [1]", START, "Started server process [1]", START, END),
            "restarted",
        ),
        (replace(stranger(START, END), expected_workers=2), "several_processes"),
    ],
)
def test_a_doubt_leads_to_its_remedy(evidence: Evidence, expected: str) -> None:
    assert expected in codes(evidence)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("HTTP 429: too many waiting", "too_many_waiting"),
        ("connection refused", "connection_lost"),
        ("timed out after 180 s", "not_answered"),
    ],
)
def test_missing_answers_are_explained_by_their_error(error: str, expected: str) -> None:
    evidence = good_trial()
    variants = (*(evidence.variants or ()), *failing(error))
    assert codes(replace(evidence, variants=variants)) == [expected]


def test_a_control_that_did_not_go_red_is_explained() -> None:
    evidence = good_trial()
    verdict = with_control(judge(evidence), Control("green", "off", 3, 0, Counts()), wanted=True)
    assert [finding.code for finding in diagnose(evidence, verdict)] == ["control_not_red"]


def test_a_verdict_that_nothing_explains_still_gets_a_next_step() -> None:
    strange = Verdict("red", (Reason("something_new", "…"),), Counts())
    assert [finding.code for finding in diagnose(good_trial(), strange)] == ["look_closer"]


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_a_remedy_says_why_and_what_next_in_whole_sentences(code: str) -> None:
    remedy = REMEDIES[code]
    assert remedy.cause.endswith(".")
    assert remedy.cure.endswith(".")


@pytest.mark.parametrize(
    ("twin", "hinted"),
    [
        (("2026-11-23 07:10:47,123 - svc - INFO - {}", "INFO:svc:{}"), True),
        (("2026-11-23 07:10:47,123 {}", "2026-11-23 07:10:47,123 {}"), True),
        (("2026-11-23 07:10:47,123 {}", "2026-11-23 07:10:47,124 {}"), False),
        (("{}", "{}"), False),
    ],
)
def test_messages_that_stand_twice_side_by_side_may_be_two_handlers(
    twin: tuple[str, str], hinted: bool
) -> None:
    found = codes(stranger(*(form.format(line) for line in (START, END) for form in twin)))
    assert ("logged_twice" in found) == hinted
    assert found[0] == "lock_not_used"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            "ImportError: cannot import name 'x' from partially initialized module 'torch'",
            "concurrent_import",
        ),
        ("RuntimeError: <asyncio.locks.Lock object> is bound to a different event loop", "event_loop"),
        ("ForkedAfterCuda: load after the fork", "forked_after_cuda"),
        ("RuntimeError: Already borrowed", "tokenizer_race"),
        ("Timeout: The file lock '/x/model.lock' could not be acquired.", "file_lock"),
        ("OSError: Error no file named model.safetensors found in directory /m", "missing_shard"),
        ("SafetensorError: Error while deserializing header: MetadataIncompleteBuffer", "corrupt_shard"),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory", "out_of_memory"),
    ],
)
def test_a_variants_error_is_explained_by_its_words(error: str, code: str) -> None:
    evidence = good_trial()
    variants = (*(evidence.variants or ()), *failing(f"HTTP 500: {error}"))
    assert code in codes(replace(evidence, variants=variants))


def test_error_lines_of_a_log_lead_to_their_remedy_and_change_no_verdict() -> None:
    seen = stranger(START)
    told = replace(seen, errors=("ImportError: partially initialized module 'torch'",))
    assert judge(told) == judge(seen)
    assert codes(told)[0] == "concurrent_import"
