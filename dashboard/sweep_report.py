"""Reports of a sweep: JSON and CSV, JUnit for CI systems (a case for each cell), HTML for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

from dashboard.language import ENGLISH, speaking
from dashboard.printable import printable
from dashboard.report import check_report_path, iso, write_whole
from dashboard.report_csv import CsvCell, csv_table
from dashboard.sweep import Cell, SweepRecord, sweep_json, verdict_of
from dashboard.sweep_table import expected, icon, interval, plan_sentence, row_label, sweep_rows
from dashboard.wording import COLOUR_ICONS, COLOUR_WORDS

__all__ = ["SWEEP_ENDINGS", "sweep_report_bytes", "write_sweep_report"]

SWEEP_ENDINGS: Final = (".html", ".json", ".xml", ".csv")
_COLUMNS: Final = (
    *("sweep_id", "target", "variants", "guard", "state", "run_id", "must_hold", "colour"),
    *("trials", "held", "red", "inconclusive", "fails_low", "fails_high", "contended"),
)

_STYLE: Final = Path(__file__).with_name("report_page.css")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_TAGS: Final = {"red": "failure", "inconclusive": "error", None: "error"}


def write_sweep_report(sweep: SweepRecord, path: Path) -> None:
    """Write the sweep to `path` in the format of its ending, whole or not at all.

    Raises:
        ReportError: it cannot be written.
    """
    check_report_path(path, SWEEP_ENDINGS)
    write_whole(sweep_report_bytes(sweep, path.name), path, then="the same sweep once more")


def sweep_report_bytes(sweep: SweepRecord, name: str) -> bytes:
    """Return the report of a sweep as the file `name` asks for it by its ending, in English."""
    with speaking(ENGLISH):  # who reads a file is not who asked for it
        return _WRITERS[Path(name).suffix.lower()](sweep).encode()


def _csv(sweep: SweepRecord) -> str:
    """A row for each cell, also for those that were not made; how often it fails as shares, where known."""
    return csv_table(_COLUMNS, (_row(sweep, cell) for cell in sweep.cells))


def _row(sweep: SweepRecord, cell: Cell) -> tuple[CsvCell, ...]:
    found = cell.failures
    bounds = (round(found.low, 4), round(found.high, 4)) if found.trials else (None, None)
    return (
        *(sweep.sweep_id, sweep.plan.target, cell.variants, cell.guard, cell.state, cell.run_id),
        *("yes" if cell.must_hold else "no", cell.colour, found.trials),
        *(cell.held, cell.red, cell.inconclusive, *bounds, cell.contended),
    )


def _json(sweep: SweepRecord) -> str:
    return json.dumps(sweep_json(sweep), indent=2) + "\n"


def _junit(sweep: SweepRecord) -> str:
    suite = Xml.Element(
        "testsuite", name="loadonce sweep", timestamp=(iso(sweep.created_at) or "").rstrip("Z")
    )
    properties = Xml.SubElement(suite, "properties")
    for name, value in {"sweep_id": sweep.sweep_id, "status": sweep.status, "actor": sweep.actor}.items():
        Xml.SubElement(properties, "property", name=name, value=printable(value))
    for cell in sweep.cells:
        name = f"{cell.variants} variants, guard {cell.guard}, {cell.state}"
        case = Xml.SubElement(suite, "testcase", classname="loadonce.sweep", name=name, time="0")
        if cell.must_hold and cell.colour != "green":
            Xml.SubElement(case, _TAGS[cell.colour], type=f"cell_{cell.colour or 'open'}", message=cell.words)
        said = [cell.words, cell.failures.text, f"run: {cell.run_id or 'not made'}"]
        if not cell.must_hold:
            said.insert(
                0, "The guard is not fully on: red is what should come out when cold, and no failure."
            )
        Xml.SubElement(case, "system-out").text = "\n".join(said)
    suite.set("tests", str(len(sweep.cells)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suite, encoding="unicode") + "\n"


def _page(sweep: SweepRecord) -> str:
    colour, reasons = verdict_of(sweep)
    heads = "".join(f"<th scope=col>{count:,} variants</th>" for count in sweep.plan.variants)
    rows = "".join(
        f"<tr><th scope=row>{escape(row_label(row))}<br>{escape(expected(row))}</th>"
        + "".join(_cell(cell) for cell in row.cells)
        + "</tr>\n"
        for row in sweep_rows(sweep)
    )
    why = "".join(f"<li><code>{r.code}</code> {escape(printable(r.text))}</li>\n" for r in reasons)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{COLOUR_WORDS[colour]} · sweep {sweep.sweep_id} · Loadonce</title>\n"
        f"<style>\n{_STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f'<header class="banner {colour}">\n<p><span aria-hidden="true">{COLOUR_ICONS[colour]}</span> '
        f"{COLOUR_WORDS[colour]}</p>\n<h1>Sweep over variants, guards and states</h1>\n"
        f'<p class="soft">{escape(plan_sentence(sweep.plan))} {iso(sweep.created_at)} · by '
        f"{escape(printable(sweep.actor))}</p>\n</header>\n<h2>Matrix</h2>\n"
        "<div class=scroll tabindex=0><table>\n"
        f"<thead><tr><th></th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
        f"<h2>Why</h2>\n<ul>\n{why}</ul>\n</main>\n<footer>Loadonce, sweep <code>{sweep.sweep_id}</code>."
        "</footer>\n</body>\n</html>\n"
    )


def _cell(cell: Cell) -> str:
    told = [f"{icon(cell)} {escape(cell.words)}", escape(interval(cell))]
    told.append("" if cell.run_id is None else f"<code>{escape(cell.run_id)}</code>")
    return f"<td>{'<br>'.join(filter(None, told))}</td>"


_WRITERS: Final[Mapping[str, Callable[[SweepRecord], str]]] = {
    ".html": _page,
    ".json": _json,
    ".xml": _junit,
    ".csv": _csv,
}
