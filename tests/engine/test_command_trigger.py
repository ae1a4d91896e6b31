"""The trigger that is a command in a container, on a real engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from dashboard.engine.connection import Engine
from dashboard.engine.facts import ContainerFacts
from dashboard.evidence import Variant
from dashboard.target_settings import CommandTrigger as CommandSettings
from dashboard.target_settings import HttpTrigger, TriggerSettings, WorkerTrigger
from dashboard.triggers.base import Trigger, TriggerError, TriggerUnreachable, plan_variants
from dashboard.triggers.opening import open_trigger
from tests.engine.conftest import Containers
from tests.engine.private_engine import until

IDLE = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); time.sleep(600)"
SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("", 5000), Handler).serve_forever()
"""

Make = Callable[..., Trigger]


@pytest.fixture(scope="module")
def idle(private, engine: Engine) -> Iterator[ContainerFacts]:
    made = Containers(private, engine)
    yield made.python(IDLE)
    made.clean()


@pytest.fixture
def make(engine: Engine) -> Iterator[Make]:
    made: list[Trigger] = []

    def begin(
        container: ContainerFacts,
        settings: TriggerSettings,
        variants: tuple[Variant, ...] | None = None,
        timeout_s: float = 30,
        **environment: str,
    ) -> Trigger:
        made.append(
            open_trigger(
                settings,
                variants or plan_variants(1, 3),
                engine=engine,
                container=container,
                timeout_s=timeout_s,
                environment=environment,
            )
        )
        return made[-1]

    yield begin
    for trigger in made:
        trigger.close()


def python(script: str, *words: str, **more) -> CommandSettings:
    return CommandSettings(("python3", "-c", script, *words), **more)


def released(trigger: Trigger) -> Trigger:
    trigger.arm(20)
    trigger.release()
    assert trigger.wait(60)
    return trigger


def errors(trigger: Trigger) -> set[str | None]:
    return {variant.error for variant in released(trigger).variants}


def test_one_command_starts_all_variants(idle: ContainerFacts, make: Make) -> None:
    script = "import sys; sys.exit(sys.argv[1:] != ['2', '3', '6'])"
    trigger = make(idle, python(script, "{jobs}", "{variants_per_job}", "{variants}"), plan_variants(2, 3))
    assert {variant.state for variant in released(trigger).variants} == {"answered"}


def test_each_variant_has_a_command_of_its_own(idle: ContainerFacts, make: Make) -> None:
    script = "import sys; sys.exit(f'{sys.argv[1]} {sys.argv[2].rpartition(chr(46))[0]}')"
    trigger = make(idle, python(script, "{n}", "{variant_id}"))
    assert [(variant.error or "").split(": ")[1] for variant in released(trigger).variants] == [
        "1 job-1.variant-1",
        "2 job-1.variant-2",
        "3 job-1.variant-3",
    ]


def test_each_job_has_a_command_of_its_own(idle: ContainerFacts, make: Make) -> None:
    script = "import sys; sys.exit('job-2' in sys.argv[1])"
    trigger = make(idle, python(script, "{job_id}"), plan_variants(2, 2))
    assert [variant.state for variant in released(trigger).variants] == ["answered"] * 2 + ["failed"] * 2


def test_commands_run_at_the_same_time(idle: ContainerFacts, make: Make) -> None:
    # Each waits for the other two
    script = """
import os, sys, time
os.makedirs(f"/tmp/{sys.argv[1]}", exist_ok=True)
open(f"/tmp/{sys.argv[1]}/{sys.argv[2]}", "w").close()
while len(os.listdir(f"/tmp/{sys.argv[1]}")) < 3: time.sleep(0.01)
"""
    trigger = released(make(idle, python(script, "{run}", "{n}")))
    assert {variant.state for variant in trigger.variants} == {"answered"}
    assert trigger.skew_ms is not None


def test_a_failure_is_told_with_its_status_and_its_last_words(idle: ContainerFacts, make: Make) -> None:
    script = "import sys; print('it goes on'); print('it broke', file=sys.stderr); sys.exit(3)"
    assert errors(make(idle, python(script))) == {"the command 'python3' ended with exit status 3: it broke"}


def test_a_program_that_is_not_there_is_told(idle: ContainerFacts, make: Make) -> None:
    told = errors(make(idle, CommandSettings(("python4", "x.py"))))
    assert len(told) == 1
    assert f"the command 'python4' is not in {idle.name}" in (told.pop() or "")


def test_only_the_end_of_a_long_output_is_kept(idle: ContainerFacts, make: Make) -> None:
    script = "import sys\nfor n in range(200000): print('line', n)\nsys.exit(1)"
    assert errors(make(idle, python(script))) == {
        "the command 'python3' ended with exit status 1: line 199999"
    }


def test_the_folder_the_user_and_the_environment_are_the_settings(idle: ContainerFacts, make: Make) -> None:
    script = 'import os, sys; sys.exit(f\'{os.getcwd()} {os.getuid()} {os.environ["KEY"] == "s3cret"}\')'
    settings = python(script, workdir="/tmp", user="1234", environment={"KEY": "${SECRET}"})
    assert errors(make(idle, settings, SECRET="s3cret")) == {
        "the command 'python3' ended with exit status 1: /tmp 1234 True"
    }


def test_a_secret_that_the_command_prints_is_not_shown(idle: ContainerFacts, make: Make) -> None:
    settings = python("import os, sys; sys.exit(os.environ['KEY'])", environment={"KEY": "${SECRET}"})
    assert errors(make(idle, settings, SECRET="s3cret")) == {
        "the command 'python3' ended with exit status 1: ${SECRET}"
    }


def test_a_command_that_does_not_end_fails_by_the_timeout(idle: ContainerFacts, make: Make) -> None:
    trigger = make(idle, python("import time; time.sleep(60)"), timeout_s=0.5)
    assert errors(trigger) == {"the command had not ended after 0.5 s"}


def test_a_command_that_goes_on_without_output_is_waited_for(idle: ContainerFacts, make: Make) -> None:
    script = "import os, sys, time; os.close(1); os.close(2); time.sleep(1.5); os._exit(4)"
    assert errors(make(idle, python(script))) == {"the command 'python3' ended with exit status 4"}


def test_nothing_runs_before_the_release(idle: ContainerFacts, make: Make, engine: Engine) -> None:
    trigger = make(idle, python("open('/tmp/ran', 'w')"))
    trigger.arm(20)
    trigger.close()
    assert {variant.state for variant in trigger.variants} == {"planned"}
    assert errors(make(idle, python("import os, sys; sys.exit(str(os.path.exists('/tmp/ran')))"))) == {
        "the command 'python3' ended with exit status 1: False"
    }


def test_closing_ends_the_listening_at_once(idle: ContainerFacts, make: Make) -> None:
    trigger = make(idle, python("import time; time.sleep(60)"))
    trigger.arm(20)
    trigger.release()
    until(lambda: all(variant.state == "sent" for variant in trigger.variants))
    trigger.close()
    trigger.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "command"]


def test_a_container_that_is_restarted_meanwhile_fails_the_command(
    containers: Containers, engine: Engine, make: Make
) -> None:
    container = containers.python(IDLE)
    trigger = make(container, python("import time; time.sleep(60)"))
    trigger.arm(20)
    trigger.release()
    until(lambda: all(variant.state == "sent" for variant in trigger.variants))
    engine.restart(container, grace=0)
    assert trigger.wait(30)
    assert {variant.state for variant in trigger.variants} == {"failed"}


def test_an_engine_that_ends_meanwhile_fails_the_command(containers: Containers, make: Make) -> None:
    trigger = make(containers.python(IDLE), python("import time; time.sleep(60)"))
    trigger.arm(20)
    trigger.release()
    until(lambda: all(variant.state == "sent" for variant in trigger.variants))
    containers.private.crash()
    try:
        assert trigger.wait(30)
        assert all(
            "the end of the command was not seen. No Docker engine" in (v.error or "")
            for v in trigger.variants
        )
    finally:
        containers.private.revive()


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_a_container_that_does_not_run_is_out_of_reach(containers: Containers, make: Make, how: str) -> None:
    container = containers.python(IDLE)
    containers.private.client(how, container.name)
    with pytest.raises(TriggerUnreachable, match=r"not running|paused"):
        make(container, python("pass")).arm(20)


def test_waiting_is_over_when_it_is_cancelled(idle: ContainerFacts, make: Make) -> None:
    with pytest.raises(TriggerError, match="was cancelled"):
        make(idle, python("pass")).arm(20, cancelled=lambda: True)


def test_more_commands_than_a_container_bears_are_refused(idle: ContainerFacts, make: Make) -> None:
    with pytest.raises(TriggerError, match=r"201 commands at once .* at most 200"):
        make(idle, python("pass", "{n}"), plan_variants(1, 201))


def test_a_secret_that_is_not_set_is_told_by_its_name(idle: ContainerFacts, make: Make) -> None:
    with pytest.raises(TriggerError, match=r"variable SECRET, to which the variable KEY of the command"):
        make(idle, python("pass", environment={"KEY": "${SECRET}"}))


def test_a_request_finds_the_port_of_the_container(
    containers: Containers, make: Make, engine: Engine
) -> None:
    container = containers.python(SERVER)
    probe = "import socket; socket.create_connection(('127.0.0.1', 5000))"
    until(
        lambda: containers.private.client("exec", container.name, "python3", "-c", probe).returncode == 0, 30
    )
    trigger = released(make(container, HttpTrigger(path="/", port=5000, body={})))
    assert {variant.state for variant in trigger.variants} == {"answered"}


def test_a_port_where_nobody_listens_is_out_of_reach(idle: ContainerFacts, make: Make) -> None:
    with pytest.raises(TriggerUnreachable, match=r":9000 \(Connection refused\)"):
        make(idle, WorkerTrigger(port=9000)).arm(20)


def test_a_container_without_a_network_is_out_of_reach(containers: Containers, make: Make) -> None:
    container = containers.python(IDLE, "--network", "none")
    with pytest.raises(
        TriggerUnreachable, match=r"publishes no port 8000 and has no network. Publish it \(-p"
    ):
        make(container, WorkerTrigger())
