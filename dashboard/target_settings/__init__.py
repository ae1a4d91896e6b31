"""`targets.toml`: which containers may be touched, and how each target is made ready and triggered.

    text --tomllib--> document --pydantic--> TargetSettings (frozen)      shape, checking
                                     |
                                     +--> faults, each with its line      places
    file <--> text, never reformatted: the page edits what the user wrote  file

Its form, key by key, with a full example: docs/targets.md.
"""

from dashboard.target_settings.checking import Checked, Fault, check_text
from dashboard.target_settings.file import (
    FILE_NAME,
    SettingsText,
    TargetSettingsError,
    read_text,
    save_text,
    target_settings,
)
from dashboard.target_settings.shape import (
    CommandTrigger,
    Containers,
    HttpTrigger,
    PostgresTrigger,
    ProfileSettings,
    Ready,
    TargetEntry,
    TargetSettings,
    TriggerSettings,
    WorkerTrigger,
)

__all__ = [
    "FILE_NAME",
    "Checked",
    "CommandTrigger",
    "Containers",
    "Fault",
    "HttpTrigger",
    "PostgresTrigger",
    "ProfileSettings",
    "Ready",
    "SettingsText",
    "TargetEntry",
    "TargetSettings",
    "TargetSettingsError",
    "TriggerSettings",
    "WorkerTrigger",
    "check_text",
    "read_text",
    "save_text",
    "target_settings",
]
