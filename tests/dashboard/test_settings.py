"""Settings of a run: what is refused, and in which words."""

from __future__ import annotations

import pytest

from dashboard.settings import MAX_VARIANTS, RunSettings, SettingsError


def errors_of(**changes: object) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        RunSettings(**changes).check()  # type: ignore[arg-type]
    return caught.value.errors


def test_the_defaults_make_a_run() -> None:
    assert RunSettings().check().variants == 3


@pytest.mark.parametrize("count", [0, -1, MAX_VARIANTS + 1, 10**12])
@pytest.mark.parametrize("field", ["jobs", "variants_per_job", "repeat"])
def test_a_count_out_of_range_is_named_with_its_bounds(field: str, count: int) -> None:
    message = errors_of(**{field: count})[field]
    assert f"{count:,}" in message
    assert "between 1 and" in message


def test_jobs_times_variants_is_bounded_too() -> None:
    message = errors_of(jobs=100, variants_per_job=100)["variants_per_job"]
    assert "10,000" in message
    assert "Lower one of the two" in message


@pytest.mark.parametrize("timeout", [0.0, -5.0, 1e9, float("nan"), float("inf")])
def test_a_timeout_out_of_range_is_refused(timeout: float) -> None:
    assert "timeout" in errors_of(timeout_s=timeout)["timeout_s"]


@pytest.mark.parametrize("target", ["lokal", "", "container:", "container:a b", "swarm:yh"])
def test_an_unknown_target_is_named_with_what_there_is(target: str) -> None:
    assert "`local`, or `container:NAME`" in errors_of(target=target)["target"]


def test_a_container_is_tested_without_a_control() -> None:
    assert not RunSettings(target="container:yh").check().wants_control


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("guard", "off", "LOADONCE_GUARD in its environment"),
        ("control", True, "the local target"),
        ("model", "org/model", "Leave it out here"),
    ],
)
def test_what_only_a_local_worker_takes_is_refused_for_a_container(
    field: str, value: object, advice: str
) -> None:
    assert advice in errors_of(target="container:yh", **{field: value})[field]


def test_repeats_without_a_restart_are_refused_for_a_container() -> None:
    assert "restart" in errors_of(target="container:yh", repeat=2, restart=False)["repeat"]


def test_an_unknown_guard_is_named_with_the_modes() -> None:
    assert "no-second-check" in errors_of(guard="maybe")["guard"]


def test_a_control_of_an_unguarded_trial_is_refused() -> None:
    assert "nothing to compare" in errors_of(guard="off", control=True)["control"]


@pytest.mark.parametrize("tries", [0, 101])
def test_tries_of_the_control_have_bounds(tries: int) -> None:
    assert "between 1 and 100" in errors_of(control_tries=tries)["control_tries"]


@pytest.mark.parametrize(
    "settings", [{"control": False}, {"guard": "off"}, {"target": "container:yh"}], ids=str
)
def test_tries_of_a_control_that_is_not_made_are_refused(settings: dict[str, object]) -> None:
    assert "this run makes none" in errors_of(control_tries=5, **settings)["control_tries"]


def test_an_empty_model_is_refused() -> None:
    assert "demo checkpoint" in errors_of(model=" ")["model"]


def test_every_wrong_field_is_reported_at_once() -> None:
    assert errors_of(jobs=0, repeat=0, timeout_s=0.0).keys() == {"jobs", "repeat", "timeout_s"}


def test_the_local_target_has_a_control_unless_it_is_declined() -> None:
    assert RunSettings().wants_control
    assert not RunSettings(control=False).wants_control


def test_a_trial_with_the_guard_off_needs_no_control() -> None:
    assert not RunSettings(guard="off").wants_control
