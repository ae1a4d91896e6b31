"""Which entry is meant by a name or a container, and which containers may be seen and touched."""

from __future__ import annotations

import pytest

from dashboard.engine.facts import ContainerFacts
from dashboard.target_settings import TargetSettings, check_text


def settings(text: str) -> TargetSettings:
    found = check_text(text).settings
    assert found is not None
    return found


def container(name: str, service: str | None = None, project: str = "shop", **labels: str) -> ContainerFacts:
    compose = (
        {"com.docker.compose.service": service, "com.docker.compose.project": project} if service else {}
    )
    return ContainerFacts("1" * 64, name, "image", "sha256:0", "running", labels={**compose, **labels})


ENTRIES = settings(
    '[targets.yh]\ncontainer = "feedlyai-work-yh"\n[targets.web]\nservice = "captions"\nproject = "shop"'
)


@pytest.mark.parametrize("name", ["yh", "feedlyai-work-yh"])
def test_an_entry_is_found_by_its_key_and_by_its_container(name: str) -> None:
    assert ENTRIES.find(name) is ENTRIES.targets["yh"]


def test_an_entry_is_found_by_its_service() -> None:
    assert ENTRIES.find("captions") is ENTRIES.targets["web"]


def test_a_name_of_nobody_has_no_entry() -> None:
    assert ENTRIES.find("other") is None


def test_a_container_of_the_service_has_its_entry() -> None:
    assert ENTRIES.entry_for(container("shop_captions_1", "captions")) is ENTRIES.targets["web"]


def test_a_service_of_another_project_has_another_entry_or_none() -> None:
    assert ENTRIES.entry_for(container("x", "captions", "other")) is None


def test_a_container_that_nobody_names_may_only_be_seen() -> None:
    assert not TargetSettings().allows(container("db"))
    assert TargetSettings().shows(container("db"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", container("a", **{"loadonce.target": "true"})),
        ('[containers]\nallow = ["a"]', container("a")),
        ('[containers]\nallow = ["captions"]', container("a", "captions")),
        ('[targets.x]\ncontainer = "a"', container("a")),
    ],
)
def test_a_container_may_be_acted_on_by_label_list_or_entry(text: str, found: ContainerFacts) -> None:
    assert settings(text).allows(found)


def test_what_may_not_be_acted_on_can_be_hidden() -> None:
    hiding = settings('[containers]\nshow = "allowed"\nallow = ["a"]')
    assert [hiding.shows(container(name)) for name in ("a", "b")] == [True, False]
