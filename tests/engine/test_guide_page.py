"""What the Guide page's buttons find at a real engine: the verdict on a container's log."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.engine.connection import Engine
from dashboard.log_desk import judge_container_log
from tests.engine.conftest import Containers

ONE_LOAD = """
print("Loading LLaVa model: a/b on cuda")
print("LLaVa model loaded successfully on cuda")
"""


@pytest.mark.parametrize(("program", "verdict", "starts"), [(ONE_LOAD, "green", 1), (ONE_LOAD * 2, "red", 2)])
def test_the_log_of_a_container_is_judged_from_its_start(
    containers: Containers, tmp_path: Path, program: str, verdict: str, starts: int
) -> None:
    made = containers.python(program)
    containers.private.client("wait", made.name)
    found = judge_container_log(
        made.name, tmp_path, open_engine=lambda: Engine.open(containers.private.environment())
    )
    assert found.problem == ""
    assert found.judged is not None
    assert found.judged.verdict.verdict == verdict
    assert found.judged.verdict.counts.load_started == starts


def test_a_container_that_the_settings_hide_is_not_judged(containers: Containers, tmp_path: Path) -> None:
    made = containers.python(ONE_LOAD)
    (tmp_path / "targets.toml").write_text('[containers]\nshow = "allowed"\n', "utf-8")
    found = judge_container_log(
        made.name, tmp_path, open_engine=lambda: Engine.open(containers.private.environment())
    )
    assert found.judged is None
    assert "hides the container" in found.problem
