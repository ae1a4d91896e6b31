from __future__ import annotations

import pytest

from dashboard.launch_form import PRESETS, draft

GOOD = {
    "target": "local", "jobs": 1, "variants_per_job": 5, "repeat": 1, "timeout_s": 180, "guard": "on",
    "control": True, "model": "",
}  # fmt: skip


def test_a_good_form_makes_settings_and_a_sentence():
    form = draft(GOOD)
    assert form.settings is not None
    assert form.settings.model is None
    assert form.sentence.startswith("5 variants will be released at the same instant at a fresh worker.")


@pytest.mark.parametrize(
    ("field", "value"),
    [("jobs", 0), ("jobs", -1), ("variants_per_job", 10**9), ("repeat", 0), ("timeout_s", 0), ("jobs", None),
     ("variants_per_job", None), ("repeat", None), ("timeout_s", None), ("model", " ")],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_field(field, value):
    form = draft({**GOOD, field: value})
    if field == "model":
        assert form.settings is not None  # blank means the demo checkpoint
    else:
        assert form.settings is None
        assert set(form.errors) == {field}


def test_the_control_is_left_to_the_settings_where_the_switch_is_off_limits():
    settings = draft({**GOOD, "guard": "off", "control": True}).settings
    assert settings is not None
    assert settings.control is None


def test_a_lone_variant_is_warned_about():
    assert "cannot collide" in draft({**GOOD, "variants_per_job": 1}).sentence


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_every_preset_can_be_launched(preset):
    assert preset.settings.check() is preset.settings
    assert f"{preset.settings.variants} variants" in preset.label
