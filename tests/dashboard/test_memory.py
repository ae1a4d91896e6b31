"""Steps of one model's size in the memory of a trial: what stayed counts, a peak does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.memory import Memory, MemorySample, Place, Yardstick, steps_of, thinned_samples

MB = 1_000_000
MODEL = 400 * MB


def measured(*held: int, size: int = MODEL, place: Place = "cpu", settled: bool = True) -> Memory:
    """Samples a second apart, in MB; the first is from before the release at 0.5 s."""
    samples = tuple(
        MemorySample(float(second), pss=each * MB)
        if place == "cpu"
        else MemorySample(float(second), pss=300 * MB, gpu=each * MB)
        for second, each in enumerate(held)
    )
    return Memory(samples, Yardstick({place: size}, held[0] * MB), settled=settled)


@pytest.mark.parametrize(
    ("held", "copies"),
    [
        ((250, 655), 1),
        ((250, 400, 655), 1),
        ((250, 1055), 2),
        ((250, 650, 1050, 1450), 3),
        ((250, 1050, 1050, 655), 1),  # a cast holds two for a while
        ((250, 3500, 700, 690), 1),  # so do buffers that are given back
        ((250, 800), 1),  # 150 MB beside the model are no second one
    ],
)
def test_only_what_stays_is_a_step(held: tuple[int, ...], copies: int) -> None:
    steps = steps_of(measured(*held), 0.5)
    assert (steps.silent, steps.copies) == ("", copies)


def test_a_step_has_the_time_of_the_first_sample_from_which_on_it_stayed() -> None:
    assert steps_of(measured(250, 260, 1050, 655, 655, 1055, 1055), 0.5).times == (2.0, 5.0)


def test_libraries_that_were_imported_after_the_release_are_no_model() -> None:
    alive_early = measured(40, 900)
    told = replace(alive_early, yardstick=Yardstick({"cpu": MODEL}, 450 * MB))
    assert steps_of(told, 0.5).copies == 1
    assert steps_of(told, 0.5).before == 450 * MB


def test_of_a_stranger_only_a_model_that_outweighs_its_libraries_is_told() -> None:
    small, large = Yardstick({"cpu": MODEL}), Yardstick({"cpu": 14_000 * MB})
    assert "under 1,200 MB" in steps_of(replace(measured(40, 1400), yardstick=small), 0.5).silent
    assert steps_of(replace(measured(40, 14_900), yardstick=large), 0.5).copies == 1
    assert steps_of(replace(measured(40, 28_900), yardstick=large), 0.5).copies == 2


def test_a_small_model_needs_more_than_noise_for_a_second_step() -> None:
    assert steps_of(measured(250, 250 + 210 + 120, size=210 * MB), 0.5).copies == 1
    assert steps_of(measured(250, 250 + 2 * 210, size=210 * MB), 0.5).copies == 2


def test_a_model_on_the_gpu_is_looked_for_there() -> None:
    assert steps_of(measured(0, 400, 800, place="gpu"), 0.5).copies == 2


def test_a_process_that_did_not_use_the_gpu_before_its_load_held_nothing_there() -> None:
    samples = tuple(MemorySample(float(n), 300 * MB, gpu) for n, gpu in enumerate((None, 400 * MB)))
    memory = Memory(samples, Yardstick({"cpu": 4 * MB, "gpu": MODEL}), settled=True)
    steps = steps_of(memory, 0.5)
    assert (steps.place, steps.before, steps.copies) == ("gpu", 0, 1)


@pytest.mark.parametrize(
    ("memory", "released_at", "why"),
    [
        (None, 0.5, "Nobody measured"),
        (measured(250, 650), None, "Nobody measured"),
        (Memory(measured(250, 650).samples, settled=True), 0.5, "size is not known"),
        (measured(250, 450, size=199 * MB), 0.5, "The model takes 199 MB: under 200 MB"),
        (Memory((), Yardstick({"cpu": MODEL}, 250 * MB), settled=True), 0.5, "cannot be read"),
        (measured(250, 650), -1.0, "No reading is from before the release"),
        (measured(250, 650, settled=False), 0.5, "No reading is from after"),
        (measured(250), 0.5, "No reading is from after"),
        (measured(250, 260), 0.5, "The weights lie elsewhere"),
    ],
)
def test_it_says_why_it_is_silent(memory: Memory | None, released_at: float | None, why: str) -> None:
    steps = steps_of(memory, released_at)
    assert why in steps.silent
    assert steps.copies == 0


def test_a_long_series_keeps_its_first_and_its_last_sample() -> None:
    samples = [MemorySample(float(second), pss=second) for second in range(101)]
    kept = thinned_samples(samples)
    assert len(kept) == 51
    assert (kept[0], kept[-1]) == (samples[0], samples[-1])
