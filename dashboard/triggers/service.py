"""The trigger of a stranger's HTTP interface: one request for each variant, as `targets.toml` says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from dashboard.evidence import Variant
from dashboard.target_settings import HttpTrigger
from dashboard.target_settings.templates import fill
from dashboard.triggers.base import TriggerError
from dashboard.triggers.http_release import HttpRelease, Request
from dashboard.triggers.naming import Secrets, Values, name_variants
from dashboard.triggers.worker import read_json, refusal

__all__ = ["ServiceTrigger"]

_IN_PATHS: Final = "/?&=%:@!$'()*+,;~-._[]"
_NOT_IN_HEADERS: Final = re.compile(r"[^\x20-\x7e\t]")
_MOST: Final = 2000
"""Characters of an answer that are kept."""


class ServiceTrigger(HttpRelease):
    """One release of variants at a service of somebody else's. See `base.Trigger`.

    Raises:
        TriggerError: a secret is not set, or cannot be sent.
    """

    def __init__(
        self,
        variants: tuple[Variant, ...],
        settings: HttpTrigger,
        secrets: Secrets,
        *,
        host: str,
        port: int,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._secrets = settings, secrets
        names = name_variants(variants)
        super().__init__(
            variants,
            {variant_id: _request(settings, secrets, values) for variant_id, values in names.items()},
            host=host,
            port=port,
            timeout_s=timeout_s,
            read_answer=self._answered,
            on_change=on_change,
        )

    def _answered(self, variant: Variant, status: int, time: float, body: str) -> Variant:
        wanted = self._settings.status
        text = self._secrets.hide(body)
        if status in wanted if wanted else 200 <= status < 300:
            return replace(
                variant, state="answered", status=status, answered=time, answer=text[:_MOST] or None
            )
        told = refusal(status, read_json(text))
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        if told == f"HTTP {status}" and first:
            told = f"{told}: {first[:200]}"
        return replace(variant, state="failed", status=status, answered=time, error=told[:_MOST])


def _header(name: str, template: str, secrets: Secrets, values: Values) -> str:
    # The secret goes in last: braces in it are its own
    sent = secrets.resolve(fill(template, values), f"the header {name} in targets.toml").strip()
    if _NOT_IN_HEADERS.search(sent):
        raise TriggerError(
            f"The header {name} cannot be sent: what its environment variable holds is no line of ASCII. "
            "Look for a line break or a letter with an accent in it."
        )
    return sent


def _request(settings: HttpTrigger, secrets: Secrets, values: Values) -> Request:
    filled = {name: _header(name, value, secrets, values) for name, value in settings.headers.items()}
    body = None if settings.body is None else json.dumps(_filled(settings.body, values))
    if body is not None and "content-type" not in {name.lower() for name in filled}:
        filled["Content-Type"] = "application/json"
    return Request(settings.method, quote(fill(settings.path, values), _IN_PATHS), filled, body)


def _filled(template: Any, values: Values) -> Any:
    if isinstance(template, str):
        return fill(template, values)
    if isinstance(template, Mapping):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return template
