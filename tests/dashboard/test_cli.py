"""The command line: exit codes, what goes to stdout and what to stderr, and each refusal in a sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from dashboard.evidence import LogLine, Reason
from dashboard.progress import LiveProgress, PlainProgress, glance, open_progress
from dashboard.store import Store, store_url
from dashboard.summary import summary, trial_line
from tests.dashboard import sample_records as sample

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dashboard"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own for this test's processes."""
    home = tmp_path / "home"
    monkeypatch.setenv("LOADONCE_HOME", str(home))
    for name in ("LOADONCE_DATABASE_URL", "LOADONCE_DEBUG", "LOADONCE_MODEL", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def kept(home: Path) -> Iterator[Store]:
    """A history with three runs: green, red and one of three trials."""
    home.mkdir()
    store = Store.open(store_url(home))
    for number, colours in enumerate((("green",), ("red",), ("green", "inconclusive", "green"))):
        run_id = f"2026112{number}-084512-3f9c1a"
        store.save(sample.run(*colours, run_id=run_id, created_at=sample.START + number))  # type: ignore[arg-type]
    line = LogLine("trial-1", 0, "stderr", sample.START, "\x1b[31mboo\x1b[0m \u202edne")
    store.save_log("20261121-084512-3f9c1a", "trial-1", [line])
    yield store
    store.close()


def call(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Carry out one command line as a user would."""
    environment = os.environ | (env or {})
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170
    )


# ---------------------------------------------------------------------- help and usage


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from dashboard.cli import main; main(['run', '--help'])\n"
        "heavy = {'streamlit', 'sqlalchemy', 'pandas', 'torch', 'rich', 'pydantic'}\n"
        "print(heavy & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["history", "show", "-h"], ["serve", "-h"]]
)
def test_help_is_no_error(arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: python -m dashboard" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--nonsense"], ["history", "show"]])
def test_what_is_no_command_is_usage(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--jobs", "0"),
        ("--jobs", "-3"),
        ("--jobs", "1001"),
        ("--jobs", "many"),
        ("--jobs", "1.5"),
        ("--variants-per-job", "0"),
        ("--variants-per-job", "99999999999999999999"),
        ("--variants-per-job", ""),
        ("--repeat", "0"),
        ("--repeat", "-1"),
        ("--repeat", "1e3"),
        ("--timeout", "0"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "soon"),
        ("--guard", "maybe"),
        ("--target", "container:"),
        ("--target", "container:a b"),
        ("--target", "moon"),
        ("--model", ""),
        ("--model", "  "),
    ],
)
def test_a_wrong_value_names_its_flag_and_starts_nothing(flag: str, value: str, home: Path) -> None:
    done = call("run", flag, value, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert flag in done.stderr
    assert "Traceback" not in done.stderr
    assert not home.exists()


def test_each_wrong_value_has_its_line(home: Path) -> None:
    done = call("run", "--jobs", "0", "--timeout", "0", "--guard", "off", "--control")
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.split(":")[-2].split()[-1] for line in lines] == ["--jobs", "--timeout", "--control"]


def test_too_many_variants_together_name_a_flag(home: Path) -> None:
    done = call("run", "--jobs", "100", "--variants-per-job", "100")
    assert done.returncode == 2
    assert "--variants-per-job: 100 jobs of 100 variants are 10,000 at once" in done.stderr


# ---------------------------------------------------------------------- what stops a run before it starts


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ("run.pdf", "Name a file that ends in .html, .json, .xml"),
        ("missing/run.xml", "does not exist. Make it first"),
        ("/proc/run.html", "cannot be written"),
    ],
)
def test_a_report_that_could_not_be_written_stops_the_run(
    report: str, says: str, home: Path, tmp_path: Path
) -> None:
    done = call("run", "--report", str(tmp_path / report))
    assert done.returncode == 2
    assert says in done.stderr
    assert not home.exists()


def test_a_damaged_history_stops_the_run(home: Path) -> None:
    home.mkdir()
    (home / "history.db").write_text("a letter, no database" * 100)
    done = call("run", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "history.db is damaged or no history" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_data_folder_that_cannot_be_made_stops_the_run(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call("run", env={"LOADONCE_HOME": str(tmp_path / "file" / "home")})
    assert done.returncode == 2
    assert "Set LOADONCE_HOME to a folder that you can write to" in done.stderr


def test_a_database_url_that_is_not_understood_stops_the_run(home: Path) -> None:
    done = call("run", env={"LOADONCE_DATABASE_URL": "nonsense"})
    assert done.returncode == 2
    assert "LOADONCE_DATABASE_URL" in done.stderr


def test_a_model_folder_that_is_missing_names_the_flag(home: Path, tmp_path: Path) -> None:
    done = call("run", "--model", str(tmp_path / "no-such-model"), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--model: " in done.stderr
    assert "no-such-model" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unforeseen_error_is_a_sentence_and_the_traceback_is_for_who_asks(tmp_path: Path) -> None:
    code = (
        "import sys, click; from dashboard import cli\n"
        "@cli.cli.command()\n"
        "def boom(): raise RuntimeError('the moon fell down')\n"
        "sys.exit(cli.main(['boom']))"
    )
    for debug, shown in (("", False), ("1", True)):
        environment = os.environ | {"LOADONCE_DEBUG": debug}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert ("Traceback" in done.stderr) is shown
        assert ("LOADONCE_DEBUG=1" in done.stderr) is not shown


# ---------------------------------------------------------------------- history


@pytest.mark.parametrize("arguments", [["history"], ["history", "list"]])
def test_the_list_prints_ids_whole_at_any_width(arguments: list[str], kept: Store) -> None:
    done = call(*arguments, env={"COLUMNS": "20"})
    assert done.returncode == 0
    ids = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert ids == ["20261122-084512-3f9c1a", "20261121-084512-3f9c1a", "20261120-084512-3f9c1a"]


def test_the_list_tells_the_verdict_in_words(kept: Store) -> None:
    lines = call("history", "list").stdout.splitlines()[1:]
    assert [re.findall(r"GREEN|RED|INCONCLUSIVE", line) for line in lines] == [
        ["INCONCLUSIVE"],
        ["RED"],
        ["GREEN"],
    ]


def test_the_list_is_bounded(kept: Store) -> None:
    assert len(call("history", "list", "--limit", "2").stdout.splitlines()) == 3


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_wrong_limit_names_its_flag(limit: str, kept: Store) -> None:
    done = call("history", "list", "--limit", limit)
    assert done.returncode == 2
    assert "--limit" in done.stderr


def test_the_list_as_json_is_one_object(kept: Store) -> None:
    done = call("history", "list", "--json")
    assert [row["verdict"] for row in json.loads(done.stdout)["runs"]] == ["inconclusive", "red", "green"]
    assert done.stderr == ""


def test_an_empty_history_says_how_to_begin(home: Path) -> None:
    done = call("history", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "python -m dashboard run" in done.stderr
    assert json.loads(call("history", "list", "--json").stdout) == {"runs": []}


def test_a_run_is_shown_by_the_beginning_of_its_id_and_exits_with_0(kept: Store) -> None:
    done = call("history", "show", "20261121")
    assert (done.returncode, done.stderr) == (0, "")
    assert "✕ RED" in done.stdout
    assert "Two loads <overlapped> & failed." in done.stdout
    assert "20261121-084512-3f9c1a" in done.stdout


def test_a_shown_run_lists_its_trials(kept: Store) -> None:
    out = call("history", "show", "20261122").stdout
    assert "trial 2 of 3: inconclusive" in out


def test_a_shown_run_as_json_is_the_object_of_run(kept: Store) -> None:
    shown = json.loads(call("history", "show", "20261122", "--json").stdout)
    assert shown["verdict"] == "inconclusive"
    assert [trial["verdict"] for trial in shown["trials"]] == ["green", "inconclusive", "green"]


def test_a_log_is_shown_without_its_control_characters(kept: Store) -> None:
    out = call("history", "show", "20261121", "--log").stdout
    assert "! boo \\u202edne" in out
    assert "\x1b" not in out


def test_a_log_in_json_is_exact(kept: Store) -> None:
    shown = json.loads(call("history", "show", "20261121", "--log", "--json").stdout)
    assert shown["logs"]["trial-1"][0]["text"] == "\x1b[31mboo\x1b[0m \u202edne"


@pytest.mark.parametrize(
    ("run_id", "says"),
    [
        ("nothing", "There is no run 'nothing'"),
        ("2026", "Several runs begin with '2026'"),
        ("", "There is no run ''"),
    ],
)
def test_an_id_that_is_not_one_run_is_usage(run_id: str, says: str, kept: Store) -> None:
    for arguments in (["show", run_id], ["export", run_id, "--to", "x.json"]):
        done = call("history", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr


@pytest.mark.parametrize("name", ["run.json", "run.xml", "run.html"])
def test_a_run_is_exported(name: str, kept: Store, tmp_path: Path) -> None:
    done = call("history", "export", "20261121", "--to", str(tmp_path / name))
    assert (done.returncode, done.stdout) == (0, "")
    assert "20261121-084512-3f9c1a" in (tmp_path / name).read_text("utf-8")


def test_an_export_with_an_unknown_ending_is_usage(kept: Store, tmp_path: Path) -> None:
    done = call("history", "export", "20261121", "--to", str(tmp_path / "run.txt"))
    assert done.returncode == 2
    assert ".html, .json, .xml" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(kept: Store) -> None:
    pipe = f'"{sys.executable}" -m dashboard history list | head -n 1; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", pipe], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_history_marks_runs_whose_console_has_ended(kept: Store, home: Path) -> None:
    code = (
        "import os; from dashboard.store import Store, store_url; from pathlib import Path\n"
        "from dataclasses import replace; from tests.dashboard import sample_records as sample\n"
        "record = replace(sample.run('green', run_id='cut'), status='running', verdict=None, trials=())\n"
        "Store.open(store_url(Path(os.environ['LOADONCE_HOME']))).save(record)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert "(interrupted)" in call("history", "list").stdout


# ---------------------------------------------------------------------- words


def test_the_summary_has_verdict_reasons_control_latencies_and_the_id() -> None:
    text = "\n".join(summary(sample.run("green")))
    for part in (
        "✓ GREEN",
        "One start, one completion",
        "Red in 1 of 1",
        "p95 0.90 s",
        "20261123-084512-3f9c1a",
    ):
        assert part in text


def test_the_summary_is_safe_to_print() -> None:
    evil = Reason("x", "\x1b]0;owned\x07 \x1b[2J now \u202e\r\nfake")
    record = replace(sample.run("red"), verdict=replace(sample.RED, reasons=(evil,)), warnings=(evil.text,))
    text = "\n".join(summary(record))
    assert not re.search(r"\x1b\[2J|\x1b\]|\x07|\u202e|\r", text)


def test_a_long_word_in_the_summary_is_never_broken() -> None:
    word = "x" * 300
    record = replace(sample.run("red"), warnings=(f"The folder {word} is gone.",))
    assert word in "\n".join(summary(record))


def test_a_trial_in_one_line() -> None:
    assert trial_line(sample.trial(2, "red"), 5) == (
        "trial 2 of 5: red, 3 starts, 0 completions, 3 failed loads, 2 meta tensor errors, 1 model, "
        "3 of 3 variants answered, 3 contended (2.50 s)"
    )


# ---------------------------------------------------------------------- progress


def _going(*states: str, step: str = "settle", message: str = "Waiting.", number: int = 1) -> object:
    trial = replace(
        sample.trial(number),
        verdict=None,
        ended_at=None,
        variants=tuple(sample.variant(n, state=state) for n, state in enumerate(states, 1)),
    )
    return replace(
        sample.run("green"),
        status="running",
        verdict=None,
        control=None,
        finished_at=None,
        step=step,  # type: ignore[arg-type]
        message=message,
        trials=(trial,) if states else (),
    )


def test_a_glance_counts_the_newest_trial() -> None:
    seen = glance(_going("answered", "failed", "sent"), sample.START + 2)  # type: ignore[arg-type]
    assert (seen.answered, seen.failed, seen.variants) == (1, 1, 3)
    assert (seen.starts, seen.completions, seen.meta_tensor_errors) == (1, 1, 0)
    assert (seen.trial, seen.elapsed) == ("trial 1/1", 2.0)


def test_plain_progress_has_a_line_for_each_step_and_not_for_each_tick() -> None:
    out = StringIO()
    with PlainProgress(out) as progress:
        for record in (
            _going(step="warm-up", message="Importing."),
            _going(step="warm-up", message="Importing."),
            _going("sent", "sent", "sent"),
            _going("answered", "sent", "sent"),
            _going("answered", "answered", "sent"),
        ):
            progress.show(record)  # type: ignore[arg-type]
        progress.show(sample.run("green"))
    lines = out.getvalue().splitlines()
    assert [line.split(" s  ")[1].split(",")[0] for line in lines] == [
        "Importing.",
        "Waiting.",
        "trial 1: green",
        "control 1",
    ]


def test_plain_progress_of_many_trials_has_a_line_for_each_trial() -> None:
    out = StringIO()
    done = sample.run(*["green"] * 50)
    with PlainProgress(out) as progress:
        for count in range(1, 51):
            going = replace(done, status="running", verdict=None, trials=done.trials[:count])
            for step in ("restart", "alive", "release", "settle"):
                progress.show(replace(going, step=step))  # type: ignore[arg-type]
    assert 50 <= len(out.getvalue().splitlines()) <= 56


def test_the_live_display_shows_variants_loads_and_time() -> None:
    from rich.console import Console

    out = StringIO()
    progress = LiveProgress(Console(file=out, force_terminal=True, width=100, color_system=None))
    with progress:
        progress.show(_going("answered", "failed", "sent"))  # type: ignore[arg-type]
        progress._live.refresh()
        progress.say("Stopping.")
    for part in (
        "1 of 3 variants answered, 1 failed",
        "1 start · 1 completion · 0 meta tensor errors",
        "trial 1/1",
    ):
        assert part in out.getvalue()
    assert "Stopping." in out.getvalue()


def test_without_a_terminal_progress_is_plain() -> None:
    assert isinstance(open_progress(StringIO()), PlainProgress)


# ---------------------------------------------------------------------- serve


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_port_in_use_names_it_and_a_free_one(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call("serve", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(rf"Port {port} on 127\.0\.0\.1 is in use.* --port \d+", done.stderr)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http"])
def test_a_wrong_port_names_its_flag(port: str, home: Path) -> None:
    done = call("serve", "--port", port)
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize("host", ["not.a.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_names_its_flag(host: str, home: Path) -> None:
    done = call("serve", "--host", host, "--port", str(_free_port()))
    assert done.returncode == 2
    assert "--host" in done.stderr
    assert "Try 127.0.0.1" in done.stderr


def test_a_damaged_history_stops_the_console(home: Path) -> None:
    home.mkdir()
    (home / "history.db").write_text("a letter, no database" * 100)
    done = call("serve", "--port", str(_free_port()))
    assert done.returncode == 2
    assert "is damaged or no history" in done.stderr


def _serve(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Start the console and return it with the first line that it prints."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_console_says_where_it_is_once_and_ends_with_0(number: signal.Signals, home: Path) -> None:
    port = _free_port()
    process, line = _serve("--port", str(port))
    try:
        assert line == f"Loadonce is at http://127.0.0.1:{port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_an_open_address_is_warned_about(home: Path) -> None:
    port = _free_port()
    process, line = _serve("--host", "0.0.0.0", "--port", str(port))
    try:
        assert line == f"Loadonce is at http://127.0.0.1:{port}\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "Warning:" in err
    assert "no login yet" in err
