"""Profiles of the user: found wherever a line may hold them, by an engine that nothing can slow down."""

from __future__ import annotations

import pytest

from dashboard.evidence import LogEvent, LogLine
from dashboard.profiles import Profile, ProfileError, check_expression, own_profile
from dashboard.timeline import Timeline, UnknownProfile, named_profile

WHISPER = own_profile(
    "whisper",
    {
        "started": ["loading whisper (?P<model>large|medium)", "모델 로딩 시작"],
        "completed": ["^whisper ready in [0-9.]+ ?s$"],
        "failed": ["whisper could not be loaded"],
    },
)


def events(*texts: str, profile: Profile = WHISPER) -> tuple[LogEvent, ...]:
    timeline = Timeline(profile)
    for number, text in enumerate(texts):
        timeline.feed(LogLine("s", number, "stdout", 0.0, text))
    return timeline.events()


def kinds(*texts: str, profile: Profile = WHISPER) -> list[str]:
    return [event.kind for event in events(*texts, profile=profile)]


def test_a_load_of_the_users_service_is_seen_with_its_model() -> None:
    told = events("Loading Whisper large", "noise", "WHISPER ready in 12.5 s")
    assert [(each.kind, each.model, each.profile) for each in told] == [
        ("started", "large", "whisper"),
        ("completed", "large", "whisper"),
    ]


def test_occurrences_are_counted_and_not_lines() -> None:
    assert kinds("loading whisper largeloading whisper medium") == ["started", "started"]


def test_words_of_any_script_are_found() -> None:
    assert kinds("12:00 모델 로딩 시작 (cuda)") == ["started"]


def test_a_phrase_that_is_torn_in_two_lines_is_found() -> None:
    assert kinds("x loading whis", "per large y") == ["started"]


def test_what_is_tied_to_the_ends_of_a_line_holds_for_whole_lines_only() -> None:
    assert kinds("so whisper ready in 3 s", "whisper ready", " in 3 s") == []


def test_a_failure_of_the_user_fails_the_load() -> None:
    (_, failed) = events("loading whisper large", "Whisper could not be loaded: no such file")
    assert (failed.kind, failed.fields["error"]) == ("failed", "LoadFailed")


def test_what_any_service_may_print_belongs_to_every_profile() -> None:
    meta = "NotImplementedError: Cannot copy out of meta tensor; no data!"
    assert kinds("loading whisper large", meta, "CUDA out of memory") == [
        "started",
        "meta_tensor_error",
        "failed",
    ]


def test_nothing_else_is_read_by_a_profile_that_is_named() -> None:
    assert kinds("Loading LLaVa model: a/b on cuda") == []


def test_an_expression_that_explodes_elsewhere_takes_linear_time() -> None:
    # Anything worse than linear would meet the suite's own timeout here
    slow = own_profile("slow", {"started": ["(a+)+b"], "completed": ["(x|x)*y"]})
    assert kinds("a" * 200_000 + "c", "a" * 200_000 + "b", profile=slow) == ["started"]


def test_an_expression_that_matches_between_letters_tells_nothing() -> None:
    assert kinds("three small words", profile=own_profile("edge", {"started": [r"\b"]})) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(a", "is no expression that RE2 can read: missing \\)"),
        (r"(a)\1", "is no expression that RE2 can read: invalid escape sequence"),
        ("a*", "matches an empty line, and so every line"),
        ("load (?P<modle>.+)", r"has a group named 'modle'; the one that is read is \(\?P<model>"),
    ],
)
def test_what_cannot_be_used_is_told(text: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        check_expression(text)


def test_a_profile_is_found_by_its_name_or_all_are_listed() -> None:
    assert named_profile("whisper", {"whisper": WHISPER}) is WHISPER
    with pytest.raises(UnknownProfile, match=r"'wisper'\. Use one of loadonce, feedlyai.*, whisper, or none"):
        named_profile("wisper", {"whisper": WHISPER})
