"""Each check refuses what it must, and lets its honest twin through."""

import logging

import pytest

from dashboard.live_access import TOKEN_LIFE_S, HostRule, LiveTokens, TokenRedaction, same_origin


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


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8501", "localhost:8501"),
        ("http://127.0.0.1:8501", "127.0.0.1:8501"),
        ("http://[::1]:8501", "[::1]:8501"),
        ("https://console.example.org", "console.example.org"),
        ("https://console.example.org", "console.example.org:443"),
        ("http://LOCALHOST:8501", "localhost:8501"),
    ],
)
def test_our_own_pages_are_of_the_same_origin(origin, host):
    assert same_origin(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8501"),
        ("", "localhost:8501"),
        ("null", "localhost:8501"),
        ("http://localhost:3000", "localhost:8501"),
        ("http://evil.example", "localhost:8501"),
        ("http://localhost", "localhost:8501"),
        ("http://localhost:8501.evil.example", "localhost:8501"),
        ("http://localhost:x", "localhost:8501"),
        ("file://", "localhost:8501"),
        ("chrome-extension://abc", "abc"),
        ("http://localhost:8501", None),
    ],
)
def test_other_pages_are_not(origin, host):
    assert not same_origin(origin, host)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8501", "127.0.0.1:8501", "127.8.9.1", "[::1]:8501", "a.localhost"]
)
def test_loopback_is_always_ours(host):
    assert HostRule(environ={}).accepts(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example:8501",
        "10.0.0.5:8501",
        "localhost.evil.example",
        "localhost:x",
        "a@localhost",
        "127.0.0.1/x",
    ],
)
def test_other_hosts_are_not(host):
    assert not HostRule(environ={}).accepts(host)


def test_the_address_that_was_bound_is_ours():
    assert HostRule(["console.lan"], environ={}).accepts("console.lan:8501")


def test_the_address_that_the_connection_came_in_on_is_ours():
    assert HostRule(environ={}).accepts("10.0.0.5:8501", connected_to="10.0.0.5")


def test_a_name_that_leads_to_our_address_is_not_ours():
    assert not HostRule(environ={}).accepts("evil.example", connected_to="evil.example")


def test_bound_to_every_address_any_address_is_ours():
    assert HostRule(["0.0.0.0"], environ={}).accepts("10.0.0.5:8501")


def test_bound_to_every_address_a_stranger_s_name_still_is_not():
    assert not HostRule(["0.0.0.0"], environ={}).accepts("evil.example:8501")


@pytest.mark.parametrize("host", ["console.example.org:8501", "a.ops.example.org"])
def test_an_operator_can_allow_names(host):
    rule = HostRule(environ={"LOADONCE_ALLOWED_HOSTS": "console.example.org, *.ops.example.org"})
    assert rule.accepts(host)


def test_a_mask_allows_no_other_domain():
    rule = HostRule(environ={"LOADONCE_ALLOWED_HOSTS": "*.ops.example.org"})
    assert not rule.accepts("evilops.example.org")


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
