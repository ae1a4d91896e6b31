"""Profiles: the patterns by which a family of services shows its loads in a log, found in linear time.

    line --> UTF-8 bytes --shape--> sightings of the patterns of a Profile   built_in: those we know
                         --marks--> server processes that began or ended     own: those of the user
    many lines at once --signs--> the few that are worth the look

Nothing here knows a source, a load or a verdict: `dashboard.timeline` puts sightings together.
"""

from dashboard.profiles.built_in import (
    AUTOMATIC,
    FEEDLYAI,
    OURS,
    PROFILES,
    SENTENCE_TRANSFORMERS,
    TRANSFORMERS,
    VLLM,
)
from dashboard.profiles.marks import Mark, find_marks
from dashboard.profiles.names import VAGUE
from dashboard.profiles.own import ProfileError, check_expression, own_profile
from dashboard.profiles.shape import QUOTED, Pattern, Profile, Sighting, without_colours
from dashboard.profiles.signs import ERRORS, SIGNS, may_tell, names_error, torn

__all__ = [
    "AUTOMATIC",
    "ERRORS",
    "FEEDLYAI",
    "OURS",
    "PROFILES",
    "QUOTED",
    "SENTENCE_TRANSFORMERS",
    "SIGNS",
    "TRANSFORMERS",
    "VAGUE",
    "VLLM",
    "Mark",
    "Pattern",
    "Profile",
    "ProfileError",
    "Sighting",
    "check_expression",
    "find_marks",
    "may_tell",
    "names_error",
    "own_profile",
    "torn",
    "without_colours",
]
