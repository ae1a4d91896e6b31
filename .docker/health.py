"""The image's health check: asks whichever of worker and console this container runs; exit 0 if well."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

PAGES = {"worker": (8000, "/healthz"), "console": (8501, "/_stcore/health")}


def server() -> str | None:
    """Return which of the two this container was started for; None if for neither."""
    # Process 1 is the server, or with `docker run --init` the one that has started it
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            words = (folder / "cmdline").read_text("utf-8", "replace").split("\0")
        except OSError:
            continue  # it has ended
        if len(words) > 2 and words[1].endswith("/entry.py"):
            return words[2] if words[2] in PAGES else None
    return None


def main() -> int:
    """Ask, and say what is wrong."""
    asked = server()
    if asked is None:
        return 0  # a command that ends by itself: nothing listens
    port, path = PAGES[asked]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"The {asked} does not answer on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    if status != 200:
        sys.stdout.write(f"The {asked} answers {path} on port {port} with {status} instead of 200\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
