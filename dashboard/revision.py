"""Which revision of a source is under test, where its folder is a checkout of git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["IMAGE_LABEL", "git_revision"]

IMAGE_LABEL: Final = "org.opencontainers.image.revision"
"""The label by which an image tells it: see the annotations of the Open Container Initiative."""
_WAIT_S: Final = 5.0


def git_revision(folder: Path) -> str | None:
    """Return the commit that is checked out, with `-dirty` where files were changed; None if unknown."""
    if not (folder / ".git").exists():
        return None
    describe = ("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *describe],
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # somebody may be committing
            capture_output=True,
            text=True,
            timeout=_WAIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # no git here, or one that hangs: the run goes on without
    return done.stdout.strip() or None
