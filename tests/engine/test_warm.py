"""Warm trials at containers: our worker loads before the release, a stranger's service cannot be told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.sweep import cell_of
from tests.engine.conftest import Containers as Made
from tests.engine.launcher import GUARDED, Launcher, codes, stranger


@pytest.mark.model
def test_our_worker_answers_all_from_the_model_that_it_has(
    containers: Made, launch: Launcher, demo_checkpoint: Path
) -> None:
    worker = containers.worker(demo_checkpoint)
    record = launch.run(worker.name, warm=True)
    assert codes(record) == ["no_load"]
    cell = cell_of(record.settings, record)
    assert (cell.state, cell.words) == ("warm", "1 of 1 reused, no load")


def test_a_stranger_s_service_is_not_told_to_load_first(containers: Made, launch: Launcher) -> None:
    stranger(containers, launch, GUARDED)
    record = launch.run("yh", warm=True)
    assert codes(record)[0] == "aborted"
    assert record.verdict is not None
    assert "cannot be told to load its model first. Test it cold." in record.verdict.reasons[0].text
