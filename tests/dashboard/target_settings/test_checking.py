"""What `targets.toml` may say, and what is said of all else: line, key, what was given, what is right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.target_settings import (
    CommandTrigger,
    HttpTrigger,
    PostgresTrigger,
    TargetSettings,
    WorkerTrigger,
    check_text,
)
from tests.dashboard.target_settings.full_example import example


def faults(text: str) -> list[str]:
    return [str(fault) for fault in check_text(text).faults]


def trigger(text: str) -> list[str]:
    return faults(f'[targets.yh]\ncontainer = "yh"\n[targets.yh.trigger]\n{text}')


def test_no_text_means_the_defaults() -> None:
    assert check_text("").settings == TargetSettings()


def test_the_example_of_the_documentation_is_right() -> None:
    settings = check_text(example()).settings
    assert settings is not None
    assert {name: type(entry.trigger) for name, entry in settings.targets.items()} == {
        "yh": PostgresTrigger,
        "captions": HttpTrigger,
        "batch": CommandTrigger,
        "demo": WorkerTrigger,
    }


def test_an_entry_without_a_trigger_is_a_worker_of_ours() -> None:
    settings = check_text('[targets.yh]\ncontainer = "feedlyai-work-yh"').settings
    assert settings is not None
    assert settings.targets["yh"].trigger == WorkerTrigger(port=8000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[containers",
            "line 1: this is no TOML: expected ']' at the end of a table declaration. Texts stand",
        ),
        ('\n\na = "', "line 3: this is no TOML: unterminated string"),
        ("x = " + "[" * 5000, "It is nested too deeply to be read."),
        (
            '[containers]\nshow = "al"',
            "line 2: [containers] show = 'al' is not one of 'all' or 'allowed'.",
        ),
        (
            '[containers]\nallow = "yh"',
            "line 2: [containers] allow = 'yh' is a text, and must be a list in brackets.",
        ),
        (
            '[containers]\nallow = [\n  "yh",\n  7,\n]',
            "line 2: [containers] allow (number 2) = 7 is a whole number, and must be a text in quotes.",
        ),
        ("[container]\n", "line 1: the file has no key 'container'; did you mean 'containers'?"),
        ("[a]\n", "line 1: the file has no key 'a'; there are containers, profiles, targets."),
        ("targets = 3", "line 1: the file targets = 3 is a whole number, and must be a table."),
        ("[targets]\nyh = 1979-05-27", "is a date or time, and must be a table."),
        ("[targets.yh]", 'line 1: [targets.yh] needs one of container = "NAME" and service = "NAME"'),
        ('[targets.yh]\ncontainer = ""', "line 2: [targets.yh] container is empty."),
        (
            '[targets.yh]\ncontainer = "a"\nproject = "b"',
            "line 1: [targets.yh] has a project, which belongs to a service, and names a container.",
        ),
        (
            '[targets.yh]\ncontainer = "a"\nprofile = "feedly"',
            "line 3: [targets.yh] profile = 'feedly' is not known; did you mean 'feedlyai'?",
        ),
        (
            '[targets.yh]\ncontainer = "a"\nready = { http = "/x", log = "y" }',
            'line 3: [targets.yh.ready] needs one of http = "/path", log = "words of a line" and health',
        ),
        (
            '[targets.yh]\ncontainer = "a"\nready = { http = "/x", timeout_s = inf }',
            "line 3: [targets.yh.ready] timeout_s = inf is out of range: it must be at most 3600.",
        ),
        (
            '[targets.a]\ncontainer = "x"\n[targets.b]\ncontainer = "x"',
            "line 3: [targets.b] is the same container or service as [targets.a]; keep one.",
        ),
        (
            '[targets.a]\ncontainer = "b"\n[targets.b]\ncontainer = "c"',
            "line 2: [targets.a] is the container 'b', which is also the name of another entry; rename",
        ),
        (
            "[profiles.feedlyai]\nstarted = ['a']\ncompleted = ['b']",
            "line 1: [profiles.feedlyai] has the name of a profile that is built in; give it another.",
        ),
        (
            "[profiles.a]\nstarted = ['(a']\ncompleted = ['b']",
            "line 2: [profiles.a] started (number 1) is no expression that RE2 can read: missing ): (a.",
        ),
        (
            "[profiles.a]\nstarted = ['(a)\\1']\ncompleted = ['b']",
            "line 2: [profiles.a] started (number 1) is no expression that RE2 can read: invalid escape",
        ),
        ("[profiles.a]\nstarted = ['a*']\ncompleted = ['b']", "matches an empty line, and so every line"),
        ("[profiles.a]\nstarted = ['a']\ncompleted = []", "line 3: [profiles.a] completed is empty."),
        ("[profiles.a]\nstarted = ['a']", "line 1: [profiles.a] lacks the key 'completed'."),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_would_be_right(text: str, said: str) -> None:
    told = faults(text)
    assert len(told) == 1, told
    assert said in told[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "port = 8000",
            "line 3: [targets.yh.trigger] lacks the key 'kind': one of worker, http, command, postgres.",
        ),
        ('kind = "htp"', "line 4: [targets.yh.trigger] kind = 'htp' is not known; did you mean 'http'?"),
        (
            'kind = "worker"\nport = 0',
            "line 5: [targets.yh.trigger] port = 0 is out of range: it must be at least 1.",
        ),
        ('kind = "worker"\nport = true', "port = true is true or false, and must be a whole number."),
        ('kind = "worker"\nprot = 1', "line 5: [targets.yh.trigger] has no key 'prot'; did you mean 'port'?"),
        ('kind = "http"', "line 3: [targets.yh.trigger] lacks the key 'path'."),
        ('kind = "http"\npath = "x"', 'path is no path: it begins with a slash, as "/healthz".'),
        ('kind = "http"\npath = "/{variantid}"', "{variantid} is no placeholder; {variant_id} is."),
        ('kind = "http"\npath = "/"\nmethod = "GET /"', "method is no HTTP method"),
        (
            'kind = "http"\npath = "/"\nheaders = { "a b" = "c" }',
            "headers has 'a b', which is no name of a header",
        ),
        ('kind = "http"\npath = "/"\nheaders = { a = "b\\nc" }', "a value for a that no header can carry"),
        ('kind = "http"\npath = "/"\nbody = { a = [2020-01-01] }', "body holds 2020-01-01, a date or time"),
        ('kind = "http"\npath = "/"\nbody = { a = nan }', "body holds nan, a number that JSON does not know"),
        ('kind = "command"\ncommand = "ls"', "command = 'ls' is a text, and must be a list in brackets."),
        ('kind = "command"\ncommand = []', "command is empty."),
        ('kind = "command"\ncommand = ["a", "{n}", "{jobs}"]', "command mixes {n}, {variant_id} or {job_id}"),
        (
            'kind = "postgres"\ndsn = "host=a"\ndone = "SELECT 1"\ntrigger = "UPDATE a SET b = %(variant)s"',
            "line 7: [targets.yh.trigger] trigger (number 1) %(variant)s is no parameter; %(variants)s is.",
        ),
        (
            'kind = "postgres"\ndsn = "host=a"\ndone = "SELECT 1"\ntrigger = "UPDATE a SET b = c % 2"',
            "trigger (number 1) a percent sign stands alone: write %% for one",
        ),
        (
            'kind = "postgres"\ndsn = "host=a"\ntrigger = "SELECT 1"\ndone = "SELECT %(variant_id)s"',
            "line 3: [targets.yh.trigger] asks in done for one variant or job; it is asked for all of them",
        ),
        (
            'kind = "postgres"\ndsn = "host=a"\ntrigger = "UPDATE a SET b = 1"',
            "line 3: [targets.yh.trigger] needs one of done",
        ),
    ],
)
def test_a_fault_of_a_trigger_is_told_likewise(text: str, said: str) -> None:
    told = trigger(text)
    assert len(told) == 1, told
    assert said in told[0]


def test_every_fault_is_told_in_the_order_of_the_lines() -> None:
    told = faults("[containers]\nshow = 1\n[targets.a]\n[x]\n[targets.b]\ncontainer = 2")
    assert [line.split(":")[0] for line in told] == ["line 2", "line 3", "line 4", "line 6"]


@pytest.mark.parametrize(
    "text",
    [
        'kind = "http"\npath = "/"\nheaders = { Authorization = "Bearer hunter2" }',
        'kind = "http"\npath = "/"\nheaders = { X-Api-Key = "hunter2" }',
        'kind = "postgres"\ntrigger = "SELECT 1"\ndone = "SELECT 1"\ndsn = "host=a password=hunter2"',
        'kind = "postgres"\ntrigger = "SELECT 1"\ndone = "SELECT 1"\ndsn = "postgresql://me:hunter2@a/b"',
    ],
)
def test_a_secret_in_the_clear_is_refused_and_not_repeated(text: str) -> None:
    told = trigger(text)
    assert "in the clear" in told[0]
    assert "hunter2" not in told[0]


@pytest.mark.parametrize(
    "text",
    [
        'kind = "http"\npath = "/"\nheaders = { Authorization = "Bearer ${TOKEN}" }',
        'kind = "postgres"\ntrigger = "SELECT 1"\ndone = "SELECT 1"\ndsn = "host=a password=${PW}"',
        'kind = "postgres"\ntrigger = "SELECT 1"\ndone = "SELECT 1"\ndsn = "postgresql://me:${PW}@a/b"',
        'kind = "postgres"\ntrigger = "SELECT 1"\ndone = "SELECT 1"\ndsn = "${DSN}"',
    ],
)
def test_a_secret_from_the_environment_is_right(text: str) -> None:
    assert trigger(text) == []


def test_a_wrong_value_that_may_be_a_secret_is_not_repeated() -> None:
    assert "4711" not in trigger('kind = "http"\npath = "/"\nheaders = { Cookie = 4711 }')[0]


def test_settings_show_no_header_and_no_address_of_a_database() -> None:
    shown = repr(check_text(example()).settings)
    assert "CAPTIONS_TOKEN" not in shown
    assert "FEEDLYAI_DB_PASSWORD" not in shown


@given(st.text(alphabet="[]{}\"=.,\n ab1#'\\", max_size=60))
def test_no_text_breaks_the_check(text: str) -> None:
    checked = check_text(text)
    assert (checked.settings is None) == bool(checked.faults)
