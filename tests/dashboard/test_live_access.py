"""Each check refuses what it must, and lets its honest twin through."""

import logging

import pytest

from dashboard.live_access import TOKEN_LIFE_S, LiveTokens, TokenRedaction


class Clock:
    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def test_a_token_opens_the_run_it_was_made_for():
    tokens = LiveTokens()
    assert tokens.accepts(tokens.issue("run-1"), "run-1")


def test_a_token_opens_no_other_run():
    tokens = LiveTokens()
    assert not tokens.accepts(tokens.issue("run-1"), "run-2")


def test_a_token_of_another_process_is_refused():
    assert not LiveTokens().accepts(LiveTokens().issue("run-1"), "run-1")


def test_a_token_is_good_for_ten_minutes():
    clock = Clock()
    tokens = LiveTokens(clock=clock)
    token = tokens.issue("run-1")
    clock.now += TOKEN_LIFE_S - 1
    assert tokens.accepts(token, "run-1")


def test_a_token_ends_after_eleven_minutes():
    clock = Clock()
    tokens = LiveTokens(clock=clock)
    token = tokens.issue("run-1")
    clock.now += TOKEN_LIFE_S + 60
    assert not tokens.accepts(token, "run-1")


def test_a_token_cannot_be_made_to_last_longer():
    tokens = LiveTokens(clock=Clock())
    end, signature = tokens.issue("run-1").split(".")
    assert not tokens.accepts(f"{int(end) + 60}.{signature}", "run-1")


def test_reruns_within_a_minute_get_the_same_token():
    clock = Clock(1_000_020.0)
    tokens = LiveTokens(clock=clock)
    first = tokens.issue("run-1")
    clock.now += 30
    assert tokens.issue("run-1") == first


@pytest.mark.parametrize(
    "token", ["", ".", "1.2", "x" * 80, "9" * 13 + "." + "0" * 64, "١." + "0" * 64, "\ud800"]
)
def test_what_is_no_token_is_refused(token):
    assert not LiveTokens().accepts(token, "run-1")


def test_a_token_does_not_reach_the_server_s_log():
    record = logging.LogRecord(
        "uvicorn.error",
        logging.INFO,
        __file__,
        1,
        '%s - "WebSocket %s" [accepted]',
        ("127.0.0.1:5", "/live/logs?run=r&token=12.ab&since=0"),
        None,
    )
    TokenRedaction().filter(record)
    assert record.getMessage() == '127.0.0.1:5 - "WebSocket /live/logs?run=r&token=…&since=0" [accepted]'
