"""A process that has torch and transformers imported and forks a child for each piece of code given to it.

As good as a fresh process, because it never runs a torch operation itself, and 15 times as fast.
One JSON object a line: {"code", "env"} in, {"status", "stdout", "stderr"} out.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

from loader.journal import JOURNAL
from loader.llava import import_libraries


def run(code: str, env: dict[str, str]) -> dict[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(env)
            JOURNAL.renew()
            status = 1
            try:
                exec(compile(code, "<test>", "exec"), {"__name__": "__main__"})
                status = 0
            except BaseException:  # noqa: BLE001 - a forked child must never return into this loop
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "stdout": out.read().decode("utf-8", "replace"),
            "stderr": err.read().decode("utf-8", "replace"),
        }


if __name__ == "__main__":
    import_libraries()
    for line in sys.stdin:
        request = json.loads(line)
        answer = json.dumps(run(request["code"], request["env"]))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
