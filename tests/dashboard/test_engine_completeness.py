"""What is remarked on a container whose log may come late."""

from __future__ import annotations

import pytest

from dashboard.engine.completeness import remarks_on
from dashboard.engine.facts import ContainerFacts


def container(command: str, *, tty: bool = False, **environment: str) -> ContainerFacts:
    return ContainerFacts(
        id="f" * 64,
        name="yh",
        image="i",
        image_id="sha256:1",
        state="running",
        command=tuple(command.split()),
        environment=environment,
        tty=tty,
    )


@pytest.mark.parametrize(
    "late",
    [
        container("python3 app.py"),
        container("/usr/bin/python3.11 -X dev app.py -u"),  # its own option, not Python's
        container("uvicorn app:app", PYTHON_VERSION="3.11.9"),
        container("python3 app.py", PYTHONUNBUFFERED=""),
    ],
    ids=lambda found: " ".join(found.command),
)
def test_a_python_that_holds_its_output_back_is_told_with_the_cure(late: ContainerFacts) -> None:
    (remark,) = remarks_on(late)
    assert remark.startswith("yh runs Python without PYTHONUNBUFFERED=1")
    assert "Set the variable" in remark


@pytest.mark.parametrize(
    "prompt",
    [
        container("python3 -u app.py"),
        container("python3 -Bu -m app"),
        container("python3 app.py", PYTHONUNBUFFERED="1"),
        container("python3 app.py", tty=True),
        container("/bin/service --language python"),
        container(""),
    ],
    ids=lambda found: " ".join(found.command),
)
def test_what_does_not_is_not(prompt: ContainerFacts) -> None:
    assert remarks_on(prompt) == ()
