"""A sweep as a plan and a matrix: what each cell must do, and what all of them come to."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import click
import pytest

from dashboard.evidence import Colour, Counts, Reason, Verdict
from dashboard.record import RunRecord
from dashboard.settings import Guard, RunSettings, SettingsError
from dashboard.sweep import (
    Cell,
    State,
    SweepPlan,
    SweepRecord,
    cell_of,
    outcome,
    sweep_from_json,
    sweep_json,
    to_document,
    verdict_of,
)
from dashboard.sweep_report import sweep_report_bytes, write_sweep_report
from dashboard.sweep_table import interval, sweep_summary, sweep_view
from tests.dashboard import sample_records as sample

NO_LOAD = Verdict(
    "inconclusive",
    (Reason("no_load", "No load was seen."),),
    Counts(unique_models=1, workers=1, variants=3, variants_ok=3),
)


def errors_of(**changes: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        SweepPlan(**changes).check()
    return caught.value.errors


def cell(guard: Guard = "on", state: State = "cold", variants: int = 2, **results: Any) -> Cell:
    return Cell(variants, guard, state, "20261123-084512-3f9c1a", **results)


def swept(*cells: Cell, **more: Any) -> SweepRecord:
    plan = SweepPlan(
        tuple(dict.fromkeys(each.variants for each in cells)),
        tuple(dict.fromkeys(each.guard for each in cells)),
        tuple(dict.fromkeys(each.state for each in cells)),
        repeat=5,
    )
    fields: dict[str, Any] = {"status": "finished"}
    return SweepRecord("20261123-080000-abcdef", plan, "local", sample.START, cells, **(fields | more))


def said(sweep: SweepRecord) -> tuple[Colour, list[str]]:
    colour, reasons = verdict_of(sweep)
    return colour, [reason.code for reason in reasons]


# -- the plan --------------------------------------------------------------------------------------------


def test_every_combination_is_a_run_without_a_control_of_its_own() -> None:
    cells = SweepPlan((2, 8), ("on", "off"), ("cold", "warm"), repeat=4).check().cells()
    assert [(each.warm, each.guard, each.variants_per_job) for each in cells] == [
        (False, "on", 2),
        (False, "on", 8),
        (False, "off", 2),
        (False, "off", 8),
        (True, "on", 2),
        (True, "on", 8),
        (True, "off", 2),
        (True, "off", 8),
    ]
    assert {(each.repeat, each.control) for each in cells} == {(4, False)}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"variants": ()}, "variants", "nothing to go through"),
        ({"variants": (2, 2)}, "variants", "stands twice among 2, 2"),
        ({"variants": (0, 2)}, "variants", "between 1 and 1,000"),
        ({"variants": tuple(range(1, 60))}, "variants", "makes 118 runs; at most 100"),
        ({"guards": ("on", "maybe")}, "guards", "maybe is no guard mode"),
        ({"states": ("hot",)}, "states", "hot is no state"),
        ({"repeat": 0}, "repeat", "between 1 and"),
        ({"target": "container:yh"}, "guards", "guard of a container cannot be set"),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused(changes: dict[str, Any], field: str, words: str) -> None:
    assert words in errors_of(**changes)[field]


def test_a_warm_trial_with_a_control_is_refused() -> None:
    with pytest.raises(SettingsError, match="a control would show nothing"):
        RunSettings(warm=True).check()
    assert RunSettings(warm=True, control=False).check()


# -- what a trial shows in a cell ------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["green", "red", "inconclusive"])
def test_a_cold_trial_shows_its_verdict(colour: Colour) -> None:
    assert outcome(sample.trial(1, colour), "cold") == colour


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (NO_LOAD, "green"),
        (sample.GREEN, "red"),  # one clean load, where none was to be
        (sample.RED, "red"),
        (replace(NO_LOAD, counts=replace(NO_LOAD.counts, unique_models=2)), "red"),
        (replace(NO_LOAD, counts=replace(NO_LOAD.counts, unique_models=None)), "inconclusive"),
        (replace(NO_LOAD, counts=replace(NO_LOAD.counts, variants_ok=2)), "inconclusive"),
        (replace(NO_LOAD, reasons=(*NO_LOAD.reasons, Reason("gap", "…"))), "inconclusive"),
    ],
    ids=["reused", "loaded again", "red", "two models", "no identity", "not all answered", "a gap"],
)
def test_a_warm_trial_holds_when_nothing_is_loaded_and_one_model_answers(
    verdict: Verdict, expected: Colour
) -> None:
    assert outcome(replace(sample.trial(1), verdict=verdict), "warm") == expected


def test_the_same_trial_cold_proves_nothing() -> None:
    assert outcome(replace(sample.trial(1), verdict=NO_LOAD), "cold") == "inconclusive"


def test_a_run_becomes_a_cell_with_the_weakest_contention_of_its_trials() -> None:
    record: RunRecord = sample.run("green", "inconclusive", "red", "green")
    found = cell_of(RunSettings(variants_per_job=3), record)
    assert (found.held, found.red, found.inconclusive, found.contended) == (2, 1, 1, 1)
    assert (found.colour, found.run_id) == ("red", record.run_id)


# -- what all of them come to ----------------------------------------------------------------------------


def test_a_red_cell_without_the_guard_is_no_failure_and_gives_the_green_its_meaning() -> None:
    assert said(swept(cell(held=5), cell("off", red=5))) == ("green", ["cells_held", "control_red"])


def test_a_red_cell_with_the_guard_on_is_red_whatever_the_others_are() -> None:
    colour, codes = said(swept(cell(held=5), cell(held=4, red=1, variants=8), cell("off", red=5)))
    assert (colour, codes[0]) == ("red", "cell_red")


@pytest.mark.parametrize("open_cell", [cell(held=4, inconclusive=1), cell(held=4), Cell(8, "on", "cold")])
def test_a_cell_with_the_guard_on_that_is_not_wholly_proven_is_no_green(open_cell: Cell) -> None:
    assert said(swept(open_cell))[0] == "inconclusive"


def test_a_sweep_that_was_stopped_says_so_first() -> None:
    stopped = swept(cell(held=2), status="aborted", message="The sweep was stopped; what was made is kept.")
    assert said(stopped) == ("inconclusive", ["aborted", "cell_open"])


def test_a_sweep_without_a_guarded_cell_proves_nothing() -> None:
    assert said(swept(cell("off", red=5)))[1][0] == "no_guarded_cell"


def test_a_sweep_that_never_went_red_without_the_guard_says_that_it_cannot_tell() -> None:
    assert said(swept(cell(held=5), cell("off", held=5))) == ("green", ["cells_held", "control_not_red"])


# -- how it is told --------------------------------------------------------------------------------------

WHOLE = swept(
    cell(held=5), cell("off", red=4, held=1), cell(state="warm", held=5), cell("off", "warm", inconclusive=5)
)


def test_what_is_kept_comes_back_as_it_was() -> None:
    assert sweep_from_json(to_document(WHOLE)) == WHOLE


def test_the_terminal_has_a_sign_and_words_in_every_cell() -> None:
    lines = [click.unstyle(line) for line in sweep_summary(WHOLE)]
    table = [line for line in lines if line.startswith(("  Cold", "  Warm"))]
    assert [line.split("  ")[-1].strip() or line for line in table]
    assert "✓ 5 of 5 loaded once (fails in at most 60 %)" in table[0]
    assert "✕ 1 of 5 loaded once · 4 of 5 red (fails in 38–96 %)" in table[1]
    assert "✓ 5 of 5 reused, no load" in table[2]
    assert "? 0 of 5 reused, no load · 5 inconclusive" in table[3]
    assert "(red is expected)" in table[1]


def test_a_warm_cell_says_what_it_shows_and_what_it_does_not() -> None:
    note = "That shows reuse, and not that a load happens once: alone, such a run is inconclusive."
    assert note in sweep_view(WHOLE)["reasons"][-2] + sweep_view(WHOLE)["reasons"][-1]
    assert note not in " ".join(sweep_view(swept(cell(held=5), cell("off", red=5)))["reasons"])


def test_a_cell_that_was_not_made_says_so_and_has_no_bounds() -> None:
    planned = Cell(2, "on", "cold")
    assert (planned.words, interval(planned)) == ("not made", "")
    assert sweep_view(swept(planned))["rows"][0]["cells"][0]["run"] == ""


def test_the_json_tells_what_each_cell_had_to_do(tmp_path: Path) -> None:
    write_sweep_report(WHOLE, tmp_path / "sweep.json")
    told = json.loads((tmp_path / "sweep.json").read_text("utf-8"))
    assert told == json.loads(json.dumps(sweep_json(WHOLE)))
    assert told["verdict"] == "green"
    assert [(each["must_hold"], each["held"], each["red"]) for each in told["cells"]] == [
        (True, 5, 0),
        (False, 1, 4),
        (True, 5, 0),
        (False, 0, 0),
    ]
    assert told["cells"][1]["failures"]["method"] == "Wilson"


def test_ci_sees_a_failure_only_where_the_guard_was_on(tmp_path: Path) -> None:
    write_sweep_report(swept(cell(held=4, red=1), cell("off", red=5)), tmp_path / "sweep.xml")
    suite = Xml.parse(tmp_path / "sweep.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == [
        "2 variants, guard on, cold"
    ]


def test_the_page_of_a_sweep_needs_nothing_else(tmp_path: Path) -> None:
    write_sweep_report(WHOLE, tmp_path / "sweep.html")
    page = (tmp_path / "sweep.html").read_text("utf-8")
    assert "✓ 5 of 5 loaded once" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_spreadsheet_has_a_row_for_each_cell_and_numbers_as_numbers() -> None:
    half = swept(cell(held=4, red=1), Cell(2, "off", "cold"))
    made, planned = csv.DictReader(io.StringIO(sweep_report_bytes(half, "sweep.csv").decode()))
    assert (made["guard"], made["must_hold"], made["trials"], made["red"]) == ("on", "yes", "5", "1")
    assert 0 < float(made["fails_low"]) < 0.2 < float(made["fails_high"]) < 1
    assert (planned["run_id"], planned["trials"], planned["fails_high"]) == ("", "0", "")
