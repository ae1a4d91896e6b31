"""The basic build of plotly.js is of the version that figures are written for, and knows all their kinds."""

import ast
from pathlib import Path

from plotly import graph_objects
from plotly.basedatatypes import BaseTraceType
from plotly.offline import get_plotlyjs_version

from dashboard.chart_library import LIBRARY_VERSION, library

CONSOLE = Path(__file__).parents[2] / "dashboard"
KNOWN = {"Bar", "Pie", "Scatter"}


def is_kind_of_chart(name):
    found = getattr(graph_objects, name, None)
    return isinstance(found, type) and issubclass(found, BaseTraceType)


def test_it_is_of_the_version_that_figures_are_written_for():
    assert get_plotlyjs_version() == LIBRARY_VERSION
    assert library().startswith(f"/**\n* plotly.js (basic - minified) v{LIBRARY_VERSION}\n".encode())


def test_it_draws_every_kind_of_chart_that_the_console_has():
    sources = [path.read_text("utf-8") for path in CONSOLE.rglob("*.py")]
    nodes = [node for text in sources if "plotly" in text for node in ast.walk(ast.parse(text))]
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named |= {node.id for node in nodes if isinstance(node, ast.Name)}
    used = set(filter(is_kind_of_chart, named))
    assert "Scatter" in used  # else this test sees nothing
    assert used <= KNOWN
