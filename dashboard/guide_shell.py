"""What the guide's steps are by hand: lines for a shell that work when pasted one after the other. Pure.

For the local target they run in the folder in which the console runs, and leave nothing behind but a log. For
a container they trigger its service as `targets.toml` says, and begin to read its log at its last start: a
restart keeps what was written before.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final

from dashboard.engine.addresses import NoAddress, address_of
from dashboard.engine.facts import ContainerFacts
from dashboard.target_settings import CommandTrigger, HttpTrigger, TriggerSettings, WorkerTrigger
from dashboard.target_settings.templates import EACH_VARIANT, fill, placeholders

__all__ = ["container_lines", "local_lines"]

_LOG: Final = "/tmp/worker.log"
_URL: Final = "http://127.0.0.1:8000"
_WORDS: Final = '"LLaVa|loaded successfully|meta tensor"'
_START: Final = '-c "Loading LLaVa model"'
_META: Final = '-c -i "meta tensor"'
_VARIANT: Final[dict[str, Any]] = {"job_id": "job-1", "variant_id": "variant-\0", "prompt": "What is this?"}
_PLACES: Final = {
    "variant_id": "variant-\0", "n": "\0", "job_id": "job-1", "run": "by-hand",
    "jobs": 1, "variants_per_job": 3, "variants": 3,
}  # fmt: skip
"""What stands for the number of the variant is no character that a template can have."""


def local_lines(python: str) -> dict[str, str]:
    """Return the lines of each step for a worker on this machine, which `python` starts."""
    return {
        "source": 'grep -n -E "Lock|with self._lock|second check" loader/once.py',
        "restart": f"{python} -m loader.worker --host 127.0.0.1 --port 8000 > {_LOG} 2>&1 &\n"
        f"WORKER=$!\n{_until_alive(f'{_URL}/healthz')}",
        "release": _at_once(_curl(_URL, "POST", "/variants", {}, _VARIANT)),
        "wait": "sleep 10",
        "look": f"grep -i -E {_WORDS} {_LOG}",
        "count": f"grep {_START} {_LOG}",
        "meta": f"grep {_META} {_LOG}",
        "model": f"{python} -c '\n{_threads('loader', 'get_llava_model')}'\nkill $WORKER",
    }


def container_lines(
    name: str, module: str, container: ContainerFacts | None, trigger: TriggerSettings | None
) -> dict[str, str]:
    """Return the lines of each step for a container; none for a release that takes a database."""
    place, _colon, function = module.partition(":")
    function = function or "get_llava_model"
    trigger = trigger or WorkerTrigger()
    url = None
    if isinstance(trigger, WorkerTrigger | HttpTrigger):
        url = _address(container, trigger.port)
    log = f"docker logs --since \"$(docker inspect -f '{{{{.State.StartedAt}}}}' {name})\" {name} 2>&1"
    return {
        "source": f'docker exec {name} grep -n -E "Lock|with |is None|def {function}" '
        f"{place.replace('.', '/')}.py",
        "restart": f"docker restart {name}" + (f"\n{_until_alive(url)}" if url is not None else ""),
        "release": _release(name, url, trigger),
        "wait": "sleep 180",
        "look": f"{log} | grep -i -E {_WORDS}",
        "count": f"{log} | grep {_START}",
        "meta": f"{log} | grep {_META}",
        "model": f"docker exec {name} python3 -c '\n{_threads(place, function)}'",
    }


def _release(name: str, url: str | None, trigger: TriggerSettings) -> str:
    match trigger:
        case WorkerTrigger():
            return _at_once(_curl(url or _URL, "POST", "/variants", {}, _VARIANT))
        case HttpTrigger():
            body = _filled(trigger.body)
            headers = {key: fill(value, _PLACES) for key, value in trigger.headers.items()}
            return _at_once(_curl(url or _URL, trigger.method, fill(trigger.path, _PLACES), headers, body))
        case CommandTrigger():
            return _command(name, trigger)
        case _:
            return ""


def _command(name: str, trigger: CommandTrigger) -> str:
    options = [f"-e {shlex.quote(f'{key}={value}')}" for key, value in trigger.environment.items()]
    options += [f"-w {shlex.quote(trigger.workdir)}"] if trigger.workdir else []
    options += [f"-u {shlex.quote(trigger.user)}"] if trigger.user else []
    words = [_quoted(fill(word, _PLACES)) for word in trigger.command]
    line = " ".join(["docker exec", *options, name, *words])
    return _at_once(line) if any(placeholders(word) & EACH_VARIANT for word in trigger.command) else line


def _at_once(line: str) -> str:
    """Three of them in the background, in a shell of their own: it waits for them and for nothing else."""
    return f"(for i in 1 2 3; do\n  {line} &\ndone; wait)"


def _curl(url: str, method: str, path: str, headers: dict[str, str], body: Any) -> str:
    if body is not None and "content-type" not in map(str.lower, headers):
        headers = {**headers, "Content-Type": "application/json"}
    parts = [f"curl -s -X {method} {_quoted(url + path)}"]
    parts += [f"-H {_quoted(f'{name}: {value}')}" for name, value in headers.items()]
    parts += [f"-d {_quoted(json.dumps(body))}"] if body is not None else []
    return " \\\n    ".join(parts)


def _quoted(text: str) -> str:
    """Return text in double quotes, in which the variant's number and `${NAME}` are left to the shell."""
    text = text.replace("\\u0000", "\0")  # as JSON writes it
    escaped = re.sub(r'([\\"`$])', r"\\\1", text)
    return '"' + re.sub(r"\\(\$\{\w+\})", r"\1", escaped).replace("\0", "$i") + '"'


def _filled(template: Any) -> Any:
    if isinstance(template, str):
        return fill(template, _PLACES)
    if isinstance(template, dict):
        return {key: _filled(value) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value) for value in template]
    return template


def _until_alive(url: str) -> str:
    return f"until curl -s -o /dev/null {url}; do sleep 1; done"


def _threads(module: str, function: str) -> str:
    return (
        "from concurrent.futures import ThreadPoolExecutor\n"
        f"from {module} import {function} as get\n"
        "with ThreadPoolExecutor(3) as pool:\n"
        "    models = [each.result()[-1] for each in [pool.submit(get) for _ in range(3)]]\n"
        'print("different models:", len(set(map(id, models))))'
    )


def _address(container: ContainerFacts | None, port: int) -> str:
    """Return where a container's port can be reached from this machine, as far as the engine tells."""
    if container is None:
        return _URL
    try:
        host, port = address_of(container, port, "")
    except NoAddress:
        return _URL
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
