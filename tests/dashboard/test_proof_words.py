"""How much a run proves, told wherever it is told: control, contention, failures, memory."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as Xml

import click
import pytest
from click.testing import CliRunner

from dashboard.commands.run import run
from dashboard.evidence import Control, Counts
from dashboard.memory import Memory, MemorySample, Yardstick
from dashboard.phases import board_view
from dashboard.record import RunRecord
from dashboard.report import run_json
from dashboard.report_junit import junit
from dashboard.report_page import page
from dashboard.settings import RunSettings
from dashboard.summary import summary
from dashboard.wording import contention_words, settings_title
from tests.dashboard import sample_records as sample

CONTROL = "With the guard off the same trial went red in 5 of 5, so this green means something."
CONTENTION = "3 variants were in flight when the load completed: enough to tell a guard from none."
FAILURES = "0 of 20 trials failed: with 95 % confidence at most 15 % do (rule of three; exactly 14 %)."
MEMORY = "PSS: 250 MB before, 655 MB settled; a model takes 400 MB."


@pytest.fixture
def record() -> RunRecord:
    """Twenty green trials, a control of five tries, and a memory that shows one model."""
    green = sample.run(*["green"] * 20)
    zero = sample.START + 1
    samples = (MemorySample(zero - 0.5, 250_000_000), MemorySample(zero + 1, 655_000_000))
    memory = Memory(samples, Yardstick({"cpu": 400_000_000}, 250_000_000), settled=True)
    control = Control("red", "off", 5, 5, sample.RED.counts, sample.RED.reasons)
    trials = tuple(replace(trial, memory=memory) for trial in green.trials)
    return replace(green, control=control, trials=trials, sweep="20261123-080000-abcdef")


def test_the_terminal_tells_it(record: RunRecord) -> None:
    text = " ".join(" ".join(map(click.unstyle, summary(record))).split())
    for told in (CONTROL, CONTENTION, FAILURES, MEMORY, "Sweep 20261123-080000-abcdef"):
        assert told in text


def test_the_json_tells_it(record: RunRecord) -> None:
    told = run_json(record)
    assert (told["control"]["red"], told["control"]["tries"], told["control"]["text"]) == (5, 5, CONTROL)
    assert told["contention"] == CONTENTION
    assert (told["failures"]["high"], told["failures"]["text"]) == (0.15, FAILURES)
    assert told["memory"] == {
        "models": 1,
        "model_bytes": 400_000_000,
        "before": 250_000_000,
        "settled": 655_000_000,
        "place": "cpu",
        "text": MEMORY,
    }


def test_the_html_page_tells_it(record: RunRecord) -> None:
    html = page(record)
    for told in ("Control: Red in 5 of 5", CONTROL, "Contention: 3 of 3", CONTENTION, FAILURES, MEMORY):
        assert told in html


def test_a_ci_system_is_told_it(record: RunRecord) -> None:
    found = Xml.fromstring(junit(record)).iter("property")
    properties = {each.get("name"): each.get("value") for each in found}
    assert properties["control"] == "red (5 of 5 red)"
    assert (properties["contention"], properties["failures"], properties["memory"]) == (
        CONTENTION,
        FAILURES,
        MEMORY,
    )


def test_the_board_tells_it(record: RunRecord) -> None:
    view = board_view(record)
    measures = {name: (value, note) for name, value, note in view["measures"]}
    assert (view["control"]["heading"], view["control"]["text"]) == ("Red in 5 of 5", CONTROL)
    assert measures["In flight during the load"][0] == "3 of 3"
    assert measures["Models in its memory"] == ("1 model", MEMORY)
    assert measures["Failed trials"] == ("0 of 20", FAILURES)
    assert ["Sweep", "20261123-080000-abcdef"] in view["facts"]


def test_a_memory_that_nobody_can_tell_takes_no_row(record: RunRecord) -> None:
    silent = replace(record, trials=tuple(replace(trial, memory=None) for trial in record.trials))
    assert "Models in its memory" not in [name for name, _value, _note in board_view(silent)["measures"]]


@pytest.mark.parametrize(
    ("counts", "short", "words"),
    [
        (Counts(load_completed=1, variants=5, contended=1), "1 of 5", "1 variant was in flight"),
        (Counts(load_completed=1, variants=5, contended=1), "1 of 5", "at least 2 to try a guard"),
        (Counts(load_completed=1), "–", "Nobody knows"),
        (Counts(variants=5, contended=0), "–", "Nobody knows"),
    ],
)
def test_too_little_contention_is_told_as_such(counts: Counts, short: str, words: str) -> None:
    figure, sentence = contention_words(counts)
    assert figure == short
    assert words in sentence


def test_a_wrong_number_of_tries_is_told_by_its_flag() -> None:
    done = CliRunner().invoke(run, ["--control-tries", "0"])
    assert done.exit_code == 2
    assert "--control-tries: Tries of the control must be between 1 and 100" in done.output


def test_a_warm_run_is_titled_as_such() -> None:
    assert settings_title(RunSettings(warm=True, control=False)) == "3 variants, guard on, warm"
