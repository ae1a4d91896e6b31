"""`make fuzz`: repeats the parser's fuzzing with other seeds until the time is over, or until it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time

EXAMPLES = "4000"
MODULES = (
    "tests/dashboard/test_log_fuzz.py",
    "tests/dashboard/test_log_properties.py",
    "tests/dashboard/test_simulated_races.py",
    "tests/dashboard/test_sieve.py",
)


def main(seconds: float) -> int:
    """Fuzz for so many seconds; the round that has begun by then is finished."""
    begun, seed = time.monotonic(), int(time.time())
    while time.monotonic() - begun < seconds:
        sys.stderr.write(f"Seed {seed}, {time.monotonic() - begun:.0f} of {seconds:.0f} s\n")
        # A test of thousands of examples takes minutes, on a busy machine many: only what hangs is ended
        options = ("-q", "-x", "--timeout=3600", f"--hypothesis-seed={seed}")
        command = [sys.executable, "-m", "pytest", *options, *MODULES]
        done = subprocess.run(command, env={**os.environ, "LOADONCE_FUZZ_EXAMPLES": EXAMPLES}, check=False)
        if done.returncode != 0:
            return done.returncode
        seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600))
