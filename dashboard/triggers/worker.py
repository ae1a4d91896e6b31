"""The trigger of our own worker: `POST /variants`, and answers that say who gave them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from dashboard.evidence import Variant
from dashboard.triggers.http_release import HttpRelease, Request

__all__ = ["WorkerTrigger", "read_json", "refusal"]

_T = TypeVar("_T")

_PROMPT: Final = "<image> What is in the picture?"
_COLOURS: Final = ("crimson", "orange", "gold", "seagreen", "teal", "royalblue", "indigo", "grey")


class WorkerTrigger(HttpRelease):
    """One release of variants at a worker's `POST /variants`. See `base.Trigger`."""

    def __init__(
        self,
        variants: tuple[Variant, ...],
        *,
        host: str,
        port: int,
        timeout_s: float,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        requests = {
            variant.variant_id: Request(
                "POST", "/variants", {"Content-Type": "application/json"}, json.dumps(_body(index, variant))
            )
            for index, variant in enumerate(variants)
        }
        super().__init__(
            variants,
            requests,
            host=host,
            port=port,
            timeout_s=timeout_s,
            read_answer=_answered,
            on_change=on_change,
        )


def read_json(body: str) -> dict[str, Any]:
    """Return the JSON object in `body`; an empty one if there is none."""
    try:
        # A lone surrogate, which JSON can escape and UTF-8 cannot write, would make the record unwritable.
        document = json.loads(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def refusal(status: int, answer: Mapping[str, Any]) -> str:
    """Say what a service answered when it did not do what it was asked."""
    detail = answer.get("detail")
    if isinstance(detail, Mapping):
        detail = ": ".join(str(part) for part in (detail.get("error"), detail.get("message")) if part)
    return f"HTTP {status}" + (f": {detail}" if detail else "")


def _answered(variant: Variant, status: int, time: float, body: str) -> Variant:
    answer = read_json(body)
    if status != 200:
        return replace(variant, state="failed", status=status, answered=time, error=refusal(status, answer))
    worker = _a(dict, answer.get("worker")) or {}
    return replace(
        variant,
        state="answered",
        status=status,
        answered=time,
        boot=_a(str, worker.get("boot")),
        pid=_a(int, worker.get("pid")),
        host=_a(str, worker.get("host")),
        load_id=_a(int, answer.get("load_id")),
        model_id=_a(str, answer.get("model_id")),
        waited_ms=_milliseconds(answer.get("waited_ms")),
        load_ms=_milliseconds(answer.get("load_ms")),
        infer_ms=_milliseconds(answer.get("infer_ms")),
        answer=_a(str, answer.get("text")),
    )


def _a(kind: type[_T], value: object) -> _T | None:
    """Return `value` if it is what the contract says; whatever else a service answers is no identity."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _milliseconds(value: object) -> float | None:
    number = _a(int, value) if isinstance(value, int) else _a(float, value)
    return None if number is None else float(number)


def _body(index: int, variant: Variant) -> dict[str, str]:
    return {
        "job_id": variant.job_id,
        "variant_id": variant.variant_id,
        "prompt": _PROMPT,
        "image": _image(_COLOURS[index % len(_COLOURS)]),
    }


@cache
def _image(colour: str) -> str:
    from PIL import Image  # late: only a trial needs it

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
