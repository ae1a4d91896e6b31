"""The verdict on what a probe told, where no service shows it at will."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.probing.judgement import judge_probe
from dashboard.probing.report import Asked, Call, Load, ProbeReport
from dashboard.probing.result import ProbeVerdict

START = b"Loading LLaVa model: demo on cpu\n"
END = b"LLaVA model loaded successfully on cpu\n"


def came_back(thread: int, model: int | None = 1, error: str | None = None, returned: float = 2.0) -> Call:
    return Call(thread, 1.0, returned, 10_000, error, model, ())


def told(output: bytes = START + END, *calls: Call, loads: tuple[Load, ...] = ()) -> ProbeReport:
    return ProbeReport(
        asked=Asked("service", "get_model", 2, 30.0),
        greeted=True,
        python="3.11.7",
        output=output,
        stamps=((len(output), 1.5),),
        cut=False,
        released_at=0,
        calls=calls or (came_back(1), came_back(2)),
        loads=loads,
        ended=True,
        held=False,
        stopped=None,
        error=None,
        status=0,
        outside="",
    )


def codes(judged: ProbeVerdict) -> tuple[str, set[str]]:
    return judged.verdict.verdict, {reason.code for reason in judged.verdict.reasons}


def real(caller: int | str, began: float, ended: float | None, error: str | None = None) -> Load:
    return Load(caller, "demo", began, ended, error)


def test_one_load_that_both_witnesses_saw_is_green() -> None:
    assert codes(judge_probe(told(loads=(real(1, 1.1, 1.4),))))[0] == "green"


def test_a_real_load_that_the_output_does_not_show_leaves_it_open() -> None:
    loads = (Load(1, "a", 1.1, 1.2), Load(2, "b", 1.3, 1.4))
    assert codes(judge_probe(told(loads=loads))) == ("inconclusive", {"witness_disagrees"})


def test_a_failure_in_the_output_against_models_in_every_hand_leaves_it_open() -> None:
    judged = judge_probe(told(START + b"Failed to load LLaVA model\n"))
    assert "witness_disagrees" in codes(judged)[1]
    assert judged.verdict.verdict == "inconclusive"


def test_two_real_loads_of_one_model_are_red_though_only_one_was_printed() -> None:
    judged = judge_probe(told(loads=(real(1, 1.1, 1.2), real(2, 1.3, 1.4))))
    assert "loaded_twice" in codes(judged)[1]


def test_a_fallback_within_one_call_is_one_load() -> None:
    judged = judge_probe(told(b"", loads=(real(1, 1.1, 1.2, "OSError: x"), real(1, 1.2, 1.4))))
    assert (judged.verdict.verdict, judged.real_loads) == ("green", 1)


def test_a_fallback_on_a_thread_of_the_service_s_own_is_one_load() -> None:
    judged = judge_probe(
        told(b"", loads=(real("thread 7", 1.1, 1.2, "OSError: x"), real("thread 7", 1.2, 1.4)))
    )
    assert judged.real_loads == 1


def test_two_loads_on_a_thread_of_the_service_s_own_are_two() -> None:
    judged = judge_probe(told(b"", loads=(real("thread 7", 1.1, 1.2), real("thread 7", 1.2, 1.4))))
    assert (judged.verdict.verdict, judged.real_loads) == ("red", 2)


def test_a_load_before_and_one_after_the_release_are_two() -> None:
    judged = judge_probe(told(b"", loads=(real("import", 0.1, 0.2), real(1, 1.1, 1.4))))
    assert judged.verdict.verdict == "red"


def test_output_that_was_cut_leaves_it_open() -> None:
    assert codes(judge_probe(replace(told(), cut=True))) == ("inconclusive", {"gap"})


def test_a_waiter_that_gave_up_is_not_the_load_s_failure() -> None:
    calls = (came_back(1), came_back(2, None, "LoadTimeout: waited 1 s"))
    assert codes(judge_probe(told(START + END, *calls))) == ("inconclusive", {"not_answered"})


@pytest.mark.parametrize(("output", "colour"), [(START, "inconclusive"), (START * 2, "red")])
def test_the_probe_s_own_end_for_want_of_memory_is_open_after_one_start_alone(
    output: bytes, colour: str
) -> None:
    report = replace(told(output), calls=(), ended=False, status=137)
    assert judge_probe(report, beside_service=True).verdict.verdict == colour


def test_an_error_for_want_of_memory_beside_a_service_is_the_probe_s_own_doing() -> None:
    calls = (came_back(1, None, "MemoryError: "), came_back(2, None, "MemoryError: "))
    report = told(START, *calls)
    assert codes(judge_probe(report, beside_service=True)) == ("inconclusive", {"aborted"})
    assert judge_probe(report).verdict.verdict == "red"


def held(model: int, inside: int | None) -> Call:
    return replace(came_back(model, model), inside=inside)


def test_proxies_of_one_model_that_was_loaded_once_leave_it_open() -> None:
    judged = judge_probe(told(START + END, held(1, 9), held(2, 9)))
    assert codes(judged) == ("inconclusive", {"witness_disagrees"})


@pytest.mark.parametrize(
    ("output", "insides"), [(START + END, (8, 9)), (START + END, (None, None)), ((START + END) * 2, (9, 9))]
)
def test_objects_that_hold_each_their_own_or_came_of_two_loads_are_red(
    output: bytes, insides: tuple[int | None, int | None]
) -> None:
    judged = judge_probe(told(output, held(1, insides[0]), held(2, insides[1])))
    assert (judged.verdict.verdict, "two_models" in codes(judged)[1]) == ("red", True)


def test_an_import_that_never_ends_is_open() -> None:
    report = replace(told(b""), calls=(), released_at=None, ended=False, held=True, status=-9)
    assert "aborted" in codes(judge_probe(report))[1]
