"""The loader's settings: every variable, and every value that it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import pytest

from loader.checkpoint_folder import check_checkpoint
from loader.errors import CheckpointError, SettingsError
from loader.settings import VARIABLES, Settings, home_folder


def test_without_variables_the_defaults_hold() -> None:
    assert Settings.from_environment({}) == Settings()


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert Settings.from_environment({"LOADONCE_MODEL": " ", "LOADONCE_GUARD": ""}) == Settings()


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "LOADONCE_MODEL": "llava-hf/llava-1.5-7b-hf",
            "LOADONCE_DTYPE": "bfloat16",
            "LOADONCE_DEVICE_MAP": "cuda:1",
            "LOADONCE_OFFLOAD_FOLDER": str(tmp_path / "offload"),
            "LOADONCE_REVISION": "main",
            "LOADONCE_LOCAL_FILES_ONLY": "TRUE",
            "LOADONCE_GUARD": "per-model",
            "LOADONCE_MAX_WAITING": "7",
            "LOADONCE_GENERATION_THREADS": "3",
            "LOADONCE_MAX_NEW_TOKENS": "9",
        }
    )
    assert settings == Settings(
        model="llava-hf/llava-1.5-7b-hf",
        dtype="bfloat16",
        device_map="cuda:1",
        offload_folder=str(tmp_path / "offload"),
        revision="main",
        local_files_only=True,
        guard="per-model",
        max_waiting=7,
        generation_threads=3,
        max_new_tokens=9,
    )


def test_the_list_of_variables_is_what_is_read() -> None:
    class Asked(dict[str, str]):
        names: ClassVar[list[str]] = []

        def get(self, name: str, default: Any = None) -> Any:
            self.names.append(name)
            return default

    Settings.from_environment(Asked())
    assert sorted(set(Asked.names)) == sorted(VARIABLES)


@pytest.mark.parametrize(("value", "means"), [("1", True), ("True", True), ("0", False), ("false", False)])
def test_a_switch_is_on_or_off(value: str, means: bool) -> None:
    assert Settings.from_environment({"LOADONCE_LOCAL_FILES_ONLY": value}).local_files_only is means


def test_an_offload_folder_need_not_be_there_yet(tmp_path: Path) -> None:
    named = tmp_path / "not" / "yet"
    assert Settings.from_environment({"LOADONCE_OFFLOAD_FOLDER": str(named)}).offload_folder == str(named)


def test_an_offload_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="file is no folder; it takes a folder to write to"):
        Settings.from_environment({"LOADONCE_OFFLOAD_FOLDER": str(tmp_path / "file")})


def test_an_offload_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # who runs the suite may be root, who may everything
    with pytest.raises(SettingsError, match="cannot be written to; it takes a folder to write to"):
        Settings.from_environment({"LOADONCE_OFFLOAD_FOLDER": str(tmp_path)})


def test_a_device_map_may_be_a_json_object() -> None:
    settings = Settings.from_environment({"LOADONCE_DEVICE_MAP": '{"": "cpu", "lm_head": 0}'})
    assert settings.device_map == {"": "cpu", "lm_head": 0}


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("LOADONCE_GUARD", "offf", "on, off, no-second-check, per-model"),
        ("LOADONCE_DTYPE", "int8", "auto, float32, float16, bfloat16"),
        ("LOADONCE_DEVICE_MAP", "gpu", "a JSON object"),
        ("LOADONCE_DEVICE_MAP", "{}", "a JSON object"),
        ("LOADONCE_DEVICE_MAP", '{"": [1]}', "a JSON object"),
        ("LOADONCE_DEVICE_MAP", '{"": true}', "a JSON object"),
        ("LOADONCE_DEVICE_MAP", '{"": ""}', "a JSON object"),
        ("LOADONCE_LOCAL_FILES_ONLY", "yes", "one of 1, true, 0, false"),
        ("LOADONCE_MAX_WAITING", "0", "a whole number from 1 to 100,000"),
        ("LOADONCE_MAX_WAITING", "-1", "a whole number"),
        ("LOADONCE_MAX_WAITING", "1e3", "a whole number"),
        ("LOADONCE_MAX_WAITING", "٣", "a whole number"),
        ("LOADONCE_MAX_WAITING", "9" * 30, "a whole number"),
        ("LOADONCE_GENERATION_THREADS", "many", "a whole number from 1 to 256"),
        ("LOADONCE_MAX_NEW_TOKENS", "0", "a whole number from 1 to 4,096"),
    ],
)
def test_an_impossible_value_is_refused_with_what_the_variable_takes(
    name: str, value: str, takes: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value).startswith(f"{name} is {value!r}; it takes")
    assert takes in str(caught.value)


def test_a_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert Settings.from_environment({"LOADONCE_MODEL": "mine"}).model == str(tmp_path / "mine")


def test_the_home_of_an_unknown_user_is_a_folder_that_is_not_there() -> None:
    model = Settings.from_environment({"LOADONCE_MODEL": "~nobody-of-that-name/llava"}).model
    assert model is not None
    with pytest.raises(CheckpointError, match=r"There is no checkpoint folder .*~nobody-of-that-name/llava"):
        check_checkpoint(Path(model))


def test_a_home_may_be_named(tmp_path: Path) -> None:
    assert home_folder({"LOADONCE_HOME": str(tmp_path)}) == tmp_path


def test_without_a_name_the_home_is_the_systems_place_for_data() -> None:
    assert home_folder({}).name == "loadonce"
