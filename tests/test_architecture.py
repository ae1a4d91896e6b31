"""Who may import whom, held by walking the imports of the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("loader", "dashboard")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
AROUND = sorted(path for folder in ("tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py"))

# From the facts up to the screen: a module may import its own layer and those before it.
LAYERS = (
    {
        "evidence",
        "home",
        "settings",
        "target_settings",
        "profiles",
        "components",
        "component_code",
        "printable",
        "logpack",
        "owner",
        "revision",
        "latency",
        "waiting",
        "watch_file",
        "webhook",
        "usage",
        "memory",
        "noise",
        "writers",
        "bins",
        "chart_style",
        "remembered",
        "language",
        "retold",
        "examples",
        "loader_copy",
    },
    {
        "moments",
        "spool",
        "logs",
        "error_lines",
        "log_files",
        "log_range",
        "record",
        "journal_entries",
        "journal",
        "strangers",
        "timeline",
        "torn_records",
        "transports",
        "sieve",
        "ledger",
        "load_spans",
        "remedies",
        "storefault",
        "interrupted",
        "tables",
        "migrations",
    },
    {
        "witnesses",
        "contention",
        "redfacts",
        "doubts",
        "database",
        "kept_logs",
        "run_index",
        "release",
        "engine",
        "attendance",
    },
    {"verdict", "triggers", "store", "curation", "log_search", "retention", "upkeep"},
    {"targets", "shown", "auditing"},
    {"vigil", "diagnosis", "settling", "memory_watch", "thinning", "failure_rate", "trial"},
    {"spans", "wording", "run"},
    {"sweep"},
    {
        "phases",
        "charts",
        "latencies",
        "latency_charts",
        "memory_chart",
        "timeline_marks",
        "timeline_words",
        "variant_panel",
        "runs",
        "listing",
        "launch_form",
        "gauge_cards",
    },
    {
        "report",
        "log_verdict",
        "report_junit",
        "report_page",
        "report_charts",
        "report_csv",
        "report_bundle",
        "summary",
        "sweeps",
        "cut_runs",
        "sweep_table",
        "sweep_report",
        "host_guard",
        "page_policy",
        "live_access",
        "chart_library",
        "live_assets",
        "framework_files",
        "live_feed",
        "live_files",
    },
    {
        "live",
        "head_start",
        "progress",
        "probing",
        "audit_words",
        "audit_desk",
        "log_desk",
        "comparison",
        "comparison_words",
        "comparison_charts",
        "alerts",
        "opened",
        "log_moments",
        "load_history",
        "history_chart",
        "history_reader",
    },
    {"guide", "guide_steps", "guide_shell", "probe_desk", "sweep_desk", "probe_words", "alert_desk"},
    {"watching", "watch_desk", "watch_words", "report_desk"},
    {"console"},
    {"session"},
    {
        "guide_desk",
        "address_choice",
        "runs_desk",
        "log_choice",
        "comparison_desk",
        "timeline_desk",
        "load_history_desk",
        "latency_desk",
    },
    {"app_pages"},
    {"viewer"},
    {"app", "frame"},
    {"commands", "cli"},
    {"__main__"},
)
ALLOWED_STREAMLIT = {
    "app",
    "frame",
    "viewer",
    "session",
    "log_choice",
    "comparison_desk",
    "guide_desk",
    "address_choice",
    "runs_desk",
    "timeline_desk",
    "load_history_desk",
    "latency_desk",
    "app_pages",
    "components",
}
ALLOWED_TORCH = {
    "loader/llava.py",
    "loader/load_faults.py",
    "loader/placement.py",
    "loader/progress.py",
    "loader/checkpoint.py",
    "loader/preload.py",
    "loader/worker.py",
}
HEAVY = {"torch", "transformers", "accelerate", "safetensors"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively; name the package"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str:
    """`dashboard.targets.local` -> `targets`."""
    return module.split(".")[1] if "." in module else ""


def layer_of(part: str) -> int:
    for number, layer in enumerate(LAYERS):
        if part in layer:
            return number
    raise AssertionError(f"dashboard.{part} stands in no layer: add it to LAYERS")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_in_its_first_line_what_it_is(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith('"""')
    assert len(first) > 20


def test_no_module_outgrows_a_sitting() -> None:
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in (*MODULES, *AROUND)}
    assert not {name for name, count in lines.items() if count > 350}


@pytest.mark.parametrize("path", [path for path in MODULES if "loader" in name_of(path)], ids=name_of)
def test_the_loader_never_imports_the_console(path: Path) -> None:
    assert not [module for module in imports_of(path) if module.split(".")[0] == "dashboard"]


@pytest.mark.parametrize("path", [path for path in MODULES if "dashboard" in name_of(path)], ids=name_of)
def test_the_console_reads_only_the_events_of_the_loader(path: Path) -> None:
    touched = {module for module in imports_of(path) if module.split(".")[0] == "loader"}
    assert all(module.startswith("loader.events") for module in touched), touched


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_torch_is_imported_only_where_the_model_is(path: Path) -> None:
    if HEAVY & {module.split(".")[0] for module in imports_of(path)}:
        assert name_of(path) in ALLOWED_TORCH


@pytest.mark.parametrize("path", [path for path in MODULES if "dashboard" in name_of(path)], ids=name_of)
def test_streamlit_stays_in_the_page_layer(path: Path) -> None:
    part = name_of(path).split("/")[1].removesuffix(".py")
    if "streamlit" in {module.split(".")[0] for module in imports_of(path)}:
        assert part in ALLOWED_STREAMLIT


@pytest.mark.parametrize("path", [path for path in MODULES if "dashboard" in name_of(path)], ids=name_of)
def test_data_flows_one_way_from_facts_to_screen(path: Path) -> None:
    part = name_of(path).split("/")[1].removesuffix(".py")
    if part == "__init__":
        return
    own = layer_of(part)
    for module in imports_of(path):
        if module.startswith("dashboard.") and part_of(module) != part:
            assert layer_of(part_of(module)) <= own, f"{name_of(path)} imports upward: {module}"


@pytest.mark.parametrize("module", ["dashboard.app", "dashboard.frame", "dashboard.cli", "dashboard.runs"])
def test_the_console_process_imports_no_torch(module: str) -> None:
    code = (
        f"import sys, {module}; print(sorted({{'torch', 'transformers', 'accelerate'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_loader_package_itself_imports_no_torch() -> None:
    code = "import sys, loader; print('torch' in sys.modules, 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
