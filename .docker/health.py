"""The image's health check: asks whichever of worker and console this container runs; exit 0 if well."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

PAGES = {"loader.worker": (8000, "/healthz"), "dashboard": (8501, "/_stcore/health")}


def running() -> str | None:
    """Return the module that this container was started for, or None if it is neither of the two servers."""
    # Process 1 is the server, or with `docker run --init` the one that has started it
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended, or is another user's
        if words[1:3] == ["-m", "loader.worker"]:
            return "loader.worker"
        if words[1:4] == ["-m", "dashboard", "serve"]:
            return "dashboard"
    return None


def main() -> int:
    """Ask, and say what is wrong."""
    module = running()
    if module is None:
        return 0  # a command that ends by itself: nothing listens
    port, path = PAGES[module]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{module} does not answer on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    if status != 200:
        sys.stdout.write(f"{module} answers {path} on port {port} with {status} instead of 200\n")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
