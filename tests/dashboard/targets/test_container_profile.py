"""The profile of a container's entry: built in, or the user's own, ready to read a log with."""

from __future__ import annotations

from contextlib import closing

import pytest

from dashboard.engine.connection import Engine
from dashboard.evidence import LogLine
from dashboard.profiles import PROFILES
from dashboard.target_settings import check_text
from dashboard.targets.container import ContainerTarget
from dashboard.timeline import Timeline, UnknownProfile

SETTINGS = """
[profiles.whisper]
started = ['loading whisper']
completed = ['whisper ready']

[targets.x]
container = "app"
profile = "{}"
"""


def no_engine() -> Engine:
    raise AssertionError("a profile needs no engine")


def target(profile: str) -> ContainerTarget:
    settings = check_text(SETTINGS.format(profile)).settings
    assert settings is not None
    return ContainerTarget("x", no_engine, settings)


def test_a_trial_reads_the_log_by_the_users_profile() -> None:
    with closing(target("whisper")) as container:
        timeline = Timeline(container.profile)
    for number, text in enumerate(("Loading Whisper", "Loading LLaVa model", "Whisper ready")):
        timeline.feed(LogLine("app", number, "stdout", 0.0, text))
    assert [(event.kind, event.profile) for event in timeline.events()] == [
        ("started", "whisper"),
        ("completed", "whisper"),
    ]


def test_a_built_in_profile_is_found_by_its_name() -> None:
    with closing(target("vllm")) as container:
        assert container.profile is PROFILES["vllm"]


def test_an_entry_without_a_profile_lets_several_be_tried() -> None:
    with closing(ContainerTarget("app", no_engine)) as container:
        assert container.profile is None


def test_a_profile_that_nobody_knows_is_told_with_the_known_ones() -> None:
    settings = check_text(SETTINGS.format("whisper")).settings
    assert settings is not None
    nameless = type(settings)(targets=settings.targets)  # made by hand; of a file it would be a fault
    with closing(ContainerTarget("x", no_engine, nameless)) as container, pytest.raises(UnknownProfile):
        _ = container.profile
