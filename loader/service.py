"""The worker's HTTP interface: variants in, texts out, and what the loader is doing.

POST /variants   200, 422 bad input, 413 too large, 429 too many, 503 the load failed
GET  /healthz    alive; answers while libraries are imported and while a load runs
GET  /readyz     200 once the model is loaded, 503 before
GET  /loader     state, counts, the model's size, and the events after ?seq=; with ?memory=1 also what the
                 process holds, which the kernel counts page by page
GET  /metrics    for Prometheus
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loader.attempt import Loaded
from loader.controls import ModelSource
from loader.events import format_line
from loader.journal import JOURNAL, on_behalf_of
from loader.llava import Pair, generate_text
from loader.memory import pss_mb
from loader.metrics import Metrics
from loader.model_size import gpu_bytes, model_bytes
from loader.once import OnceLoader
from loader.settings import Settings
from loader.variants import MAX_BODY, VariantRequest, decode_image
from loader.verification import is_offloaded
from loader.versions import versions

__all__ = ["Worker", "build_app"]

T = TypeVar("T")
_UNGUARDED_THREADS: Final = 40  # what a service with plain `def` handlers gets from Starlette


@dataclass(frozen=True, slots=True)
class Source:
    """The model's name and where it comes from; there is none until the libraries are imported."""

    model: str
    models: ModelSource[Pair]


@dataclass
class Worker:
    """The state behind the routes.

    Threading: the routes run on one event loop; `source` is set once by the main thread. Loads run on threads
    of their own, generations in a bounded pool, so that health answers whatever they do.
    """

    settings: Settings
    source: Future[Source] = field(default_factory=Future)
    in_flight: int = 0
    sizes: dict[str, int] = field(default_factory=dict)  # bytes of the model by device; no reference to it
    ground_mb: float | None = None  # PSS with the libraries imported and nothing loaded

    def __post_init__(self) -> None:
        self.source.set_running_or_notify_cancel()  # a request that goes away must not cancel it
        self.metrics = Metrics(self)
        self._generations = ThreadPoolExecutor(self.settings.generation_threads, "generate")
        self._loads = ThreadPoolExecutor(min(self.settings.max_waiting, _UNGUARDED_THREADS), "request")
        self._one = threading.Lock()  # guards an offloaded model: its hooks move weights in and out per call

    @property
    def models(self) -> ModelSource[Pair] | None:
        """The source, once there is one."""
        ready = self.source.done() and self.source.exception() is None
        return self.source.result().models if ready else None

    @property
    def state(self) -> str:
        """`starting` until the libraries are imported, then the source's state."""
        return "starting" if self.models is None else self.models.state

    def identity(self) -> dict[str, Any]:
        """Who this process is."""
        return {"boot": JOURNAL.boot, "pid": os.getpid(), "host": socket.gethostname()}

    async def acquire(self) -> Loaded[Pair]:
        """Return the model as the guard mode has it. The event loop is never blocked."""
        models = (await asyncio.wrap_future(self.source)).models
        if isinstance(models, OnceLoader):
            loaded = await models.aacquire()
        else:  # the wrong ways load in the caller's own thread: each request gets one
            loaded = await self._on(self._loads, models.acquire)
        if not self.sizes:
            self.sizes = model_bytes(loaded.value)
        return loaded

    async def generate(self, pair: Pair, prompt: str, image: Any) -> tuple[str, float]:
        """Generate in the pool; return the text and the seconds it took once its turn had come."""
        return await self._on(self._generations, self._generate, pair, prompt, image)

    async def decode(self, image: str | None) -> Any:
        """Decode an image in the pool: a large one would hold up the loop."""
        return None if image is None else await self._on(self._generations, decode_image, image)

    def _generate(self, pair: Pair, prompt: str, image: Any) -> tuple[str, float]:
        with self._one if is_offloaded(pair[1]) else nullcontext():
            began = time.monotonic()
            text = generate_text(pair, prompt, image, self.settings.max_new_tokens)
            return text, time.monotonic() - began

    async def _on(self, pool: ThreadPoolExecutor, call: Callable[..., T], *arguments: Any) -> T:
        run = functools.partial(copy_context().run, call, *arguments)
        return await asyncio.get_running_loop().run_in_executor(pool, run)


def build_app(worker: Worker) -> FastAPI:
    """Return the application of one worker."""
    app = FastAPI(title="Loadonce worker", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_BoundedBody)

    @app.exception_handler(RequestValidationError)
    async def bad_input(_: Request, error: RequestValidationError) -> JSONResponse:
        # Without `input` and `ctx`: what was sent may be long, and is nobody else's to read
        told = [{key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()]
        return JSONResponse({"detail": told}, 422)

    @app.post("/variants")
    async def variants(variant: VariantRequest) -> JSONResponse:
        if worker.in_flight >= worker.settings.max_waiting:
            worker.metrics.refused.inc()
            text = (
                f"{worker.in_flight:,} variants are in this worker already. "
                "Send fewer at once, or raise LOADONCE_MAX_WAITING."
            )
            return _problem(worker, 429, "TooManyWaiting", text, {"Retry-After": "1"})
        worker.in_flight += 1
        try:
            with on_behalf_of(variant.variant_id):
                return await _answer(worker, variant)
        finally:
            worker.in_flight -= 1

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {"status": "alive", **worker.identity(), "state": worker.state, "guard": worker.settings.guard}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        ready = worker.state == "ready"
        return JSONResponse(
            {"ready": ready, "state": worker.state, "boot": JOURNAL.boot}, 200 if ready else 503
        )

    @app.get("/loader")
    async def loader(
        seq: Annotated[int, Query(ge=0)] = 0, memory: Annotated[bool, Query()] = False
    ) -> dict[str, Any]:
        # On a thread: while the kernel counts the pages of a large process, health must answer
        held = await asyncio.to_thread(pss_mb) if memory else {}
        return _report(worker, seq) | {"pss_mb": float(held["pss_mb"]) if held else None}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(worker.metrics.text(), media_type=worker.metrics.content_type)

    return app


async def _answer(worker: Worker, variant: VariantRequest) -> JSONResponse:
    image = await worker.decode(variant.image)  # before the model: bad input begins no load
    asked = time.monotonic()
    try:
        loaded = await worker.acquire()
    except Exception as error:  # noqa: BLE001 - whatever a load can raise, the answer names it
        worker.metrics.failed.inc()
        return _problem(worker, 503, type(error).__name__, str(error))
    got = time.monotonic()
    try:
        text, seconds = await worker.generate(loaded.value, variant.prompt, image)
    except Exception as error:  # noqa: BLE001 - an unguarded load can leave a model that fails only now
        worker.metrics.failed.inc()
        return _problem(worker, 500, type(error).__name__, f"The generation failed: {error}")
    worker.metrics.answered(waited=got - asked, generated=seconds)
    return JSONResponse(
        {
            "variant_id": variant.variant_id,
            "job_id": variant.job_id,
            "worker": worker.identity(),
            "load_id": loaded.load_id,
            "model_id": loaded.model,
            "waited_ms": round((got - asked) * 1000, 3),
            "load_ms": round(loaded.seconds * 1000, 3),
            "infer_ms": round(seconds * 1000, 3),
            "text": text,
        }
    )


def _problem(
    worker: Worker, status: int, error: str, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    detail = {"error": error, "message": message[:500]}
    return JSONResponse({"detail": detail, "worker": worker.identity()}, status, headers)


def _report(worker: Worker, seq: int) -> dict[str, Any]:
    models = worker.models
    events = JOURNAL.since(seq)
    return {
        **worker.identity(),
        "parent_boot": JOURNAL.parent_boot,
        "state": worker.state,
        "guard": worker.settings.guard,
        "model": worker.source.result().model if models is not None else worker.settings.model,
        "counts": dict(models.counts) if models is not None else {},
        "model_bytes": worker.sizes,
        "ground_mb": worker.ground_mb,
        "gpu_bytes": gpu_bytes(),
        "in_flight": worker.in_flight,
        "versions": versions(),
        "seq": JOURNAL.seq,
        # Each as in the log, so that whoever reads the log can read this
        "events": [{"seq": event.seq, "kind": event.kind, "line": format_line(event)} for event in events],
    }


class _BoundedBody:
    """Refuses a body that is larger than any variant can be, before it fills the memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > MAX_BODY:
            await self._refuse(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:  # sent in chunks, without a length
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, bounded, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = {
            "error": "BodyTooLarge",
            "message": f"A body may have {MAX_BODY:,} bytes. Send a smaller image.",
        }
        response = JSONResponse({"detail": detail}, 413, {"Connection": "close"})
        await response(scope, receive, send)
