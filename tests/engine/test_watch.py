"""`watch`, against a real engine: a second load alarms while the container works, a restart does not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat import Chat, open_chat
from tests.engine.command_line import SLEEP, call, shown
from tests.engine.conftest import ROOT, Containers
from tests.engine.private_engine import until

START = "print('Loading LLaVa model: llava-hf/llava-1.5-7b-hf on cuda', flush=True)"
END = "print('✓ LLaVa model loaded successfully on cuda', flush=True)"
ONCE = f"{START}; {END}"
WHEN_TOLD = f"{ONCE}; import os, time\nwhile not os.path.exists('/tmp/again'): time.sleep(0.1)\n{START}"


@pytest.fixture
def chat() -> Iterator[Chat]:
    with open_chat() as chat:
        yield chat


def test_a_second_load_alarms_and_is_sent_on(
    containers: Containers, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADONCE_WEBHOOK_URL", chat.url)
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path))
    container = containers.python(WHEN_TOLD + SLEEP)
    shown(containers, container.name, "successfully")
    command = [sys.executable, "-m", "dashboard", "watch", "--container", container.name, "--json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(f"Watching {container.name}")
            again = "open('/tmp/again', 'w')"
            containers.private.client("exec", container.name, "python3", "-c", again)
            alarm = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()  # else its end would be waited for, for ever
    assert "The model was loaded 2 times in" in alarm
    assert process.returncode == 1
    # On a busy machine it says that it is still sending; that it gave up, it must not say
    assert err in ("", "Sending the alert to 127.0.0.1, for a minute at the most.\n")
    (found,) = json.loads(out)["alarms"]
    assert (found["container"], found["code"], found["sure"]) == (container.name, "loaded_twice", True)
    (message,) = chat.seen
    assert message["text"] == f"*✕ {container.name}*"


def test_a_load_for_each_start_is_no_alarm(containers: Containers) -> None:
    container = containers.python(ONCE + SLEEP)
    shown(containers, container.name, "successfully")
    containers.private.client("restart", container.name)
    until(lambda: containers.private.client("logs", container.name).stdout.count("successfully") == 2, 30)
    done = call("watch", "--container", container.name, "--for", "3s", "--json")
    assert (done.returncode, json.loads(done.stdout)["alarms"]) == (0, []), done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--container", "nobody"), 4, "nobody"),
        (("--container", "yh", "--for", "soon"), 2, "--for: 'soon' is no span of time"),
        (("--container", "yh", "--for", "0s"), 2, "--for: '0s' is no span of time. Give one such as 30m"),
        (("--container", "yh", "--profile", "nobodys"), 2, "There is no log profile 'nobodys'"),
        ((), 2, "--container"),
    ],
)
def test_what_cannot_be_watched_is_said(
    containers: Containers, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = call("watch", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_a_webhook_that_is_none_is_usage(containers: Containers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADONCE_WEBHOOK_URL", "chat.example.org")
    done = call("watch", "--container", "yh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "LOADONCE_WEBHOOK_URL is no address" in done.stderr


@pytest.mark.parametrize("command", ["watch", "logs", "verdict"])
def test_what_the_settings_hide_is_hidden_from_commands_too(
    command: str, containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path))
    (tmp_path / "targets.toml").write_text('[containers]\nshow = "allowed"\n', "utf-8")
    hidden = containers.python(ONCE + SLEEP)
    shown(containers, hidden.name, "successfully")
    done = call(command, "--container", hidden.name)
    assert (done.returncode, done.stdout) == (4, "")
    assert f"targets.toml hides the container {hidden.name}" in done.stderr
    (tmp_path / "targets.toml").write_text(
        f'[containers]\nshow = "allowed"\nallow = ["{hidden.name}"]\n', "utf-8"
    )
    over = ("--for", "1s") if command == "watch" else ()
    assert call(command, "--container", hidden.name, *over).returncode == 0


@pytest.mark.parametrize("command", ["watch", "logs", "verdict"])
def test_settings_that_cannot_be_read_hide_what_is_not_labelled(
    command: str, containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADONCE_HOME", str(tmp_path))
    (tmp_path / "targets.toml").write_text("[containers\n", "utf-8")
    plain, labelled = (
        containers.python(ONCE + SLEEP, *label) for label in ((), ("--label", "loadonce.target=true"))
    )
    shown(containers, labelled.name, "successfully")
    over = ("--for", "1s") if command == "watch" else ()
    refused = call(command, "--container", plain.name, *over)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "targets.toml" in refused.stderr
    assert call(command, "--container", labelled.name, *over).returncode == 0
