"""LLaVA: the real load through transformers and accelerate, a generation, and `get_llava_model()`.

torch and transformers take seconds to import, so they are imported inside functions: whoever imports
`loader` pays nothing, and a service chooses the moment with `import_libraries()`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loader.attempt import report_progress
from loader.checkpoint import demo_folder, ensure_checkpoint
from loader.controls import ModelSource, source_for
from loader.once import OnceLoader
from loader.settings import Settings
from loader.verification import verify_dtype, verify_value

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "PHRASE",
    "Pair",
    "generate_text",
    "get_llava_model",
    "import_libraries",
    "llava_source",
    "load_llava",
    "versions",
]

PHRASE: Final = "Loading LLaVa model"
"""What the `started` event of a LLaVA says, so that `grep -c` counts the loads."""

Pair = tuple[Any, Any]
"""The processor and the model. Any: naming their types would import them."""

_SHARDS: Final = "Loading checkpoint shards"  # the progress bar of transformers 4
_TENSORS: Final = "Loading weights"  # … and of 5
_IMAGE: Final = "<image>"


def import_libraries() -> float:
    """Import torch, transformers' LLaVA classes and accelerate; return the seconds it took.

    Call it early and from the main thread: two threads that import these at once can deadlock.
    """
    began = time.monotonic()
    import accelerate  # type: ignore[import-untyped]  # noqa: F401  # it ships no types
    import torch  # noqa: F401
    import transformers.models.auto.modeling_auto
    import transformers.models.clip.image_processing_pil_clip
    import transformers.models.clip.modeling_clip
    import transformers.models.llama.modeling_llama
    import transformers.models.llava.modeling_llava
    import transformers.models.llava.processing_llava  # noqa: F401

    _follow_progress()
    return time.monotonic() - began


def versions() -> dict[str, str]:
    """Return the versions of what a load goes through."""
    found = {"python": sys.version.split()[0]}
    for name in ("torch", "transformers", "accelerate"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def load_llava(model: str, settings: Settings) -> Pair:
    """Load processor and model, and verify both. Not guarded: `get_llava_model()` is.

    Raises:
        MetaTensorError, WrongDtype: the model is not whole, or not as asked.
        OSError and others of transformers: the checkpoint cannot be read.
    """
    import_libraries()
    from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
    from transformers.models.llava.processing_llava import LlavaProcessor

    where: dict[str, Any] = {"revision": settings.revision} if settings.revision else {}
    if Path(model).is_dir():
        where["local_files_only"] = True  # a folder needs no hub, nor a word with it
    processor = LlavaProcessor.from_pretrained(model, **where)
    network = LlavaForConditionalGeneration.from_pretrained(
        model, dtype=settings.dtype, device_map=settings.device_map, **where
    )
    network.eval()  # type: ignore[no-untyped-call]  # transformers types its classes in part
    verify_value(network, model)
    verify_dtype(network, settings.dtype, model)
    return processor, network


def generate_text(pair: Pair, prompt: str, image: Image | None, max_new_tokens: int | None) -> str:
    """Return the text that the model generates for a prompt and an image.

    Threading: any thread; several at once only if the model is not offloaded (`verification.is_offloaded`).
    """
    import torch

    processor, network = pair
    words = " ".join(prompt.replace(_IMAGE, " ").split())
    text = f"USER: {_IMAGE + chr(10) if image is not None else ''}{words} ASSISTANT:"
    inputs = processor(text=text, images=image, return_tensors="pt").to(network.device)
    bound = max_new_tokens or network.generation_config.max_new_tokens or 64
    with torch.inference_mode():
        output = network.generate(**inputs, max_new_tokens=bound, do_sample=False)
    return str(processor.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def llava_source(settings: Settings) -> tuple[str, ModelSource[Pair]]:
    """Return the model's name and a source of it, guarded as `settings` say; nothing is loaded yet.

    Makes the demo checkpoint when no model is named, which takes seconds the first time.

    Raises:
        CheckpointError: the demo checkpoint could not be made.
    """
    model = settings.model or str(ensure_checkpoint(demo_folder()))
    return model, source_for(settings.guard, lambda: load_llava(model, settings), name=model, began=PHRASE)


_source: ModelSource[Pair] | None = None
_once: OnceLoader[Pair] | None = None
_source_lock = threading.Lock()  # guards the making of `_source`: settings are read once


def get_llava_model(timeout: float | None = None) -> Pair:
    """Return `(processor, model)`, loaded once in this process. Settings come from `LOADONCE_*`.

    Blocks while the model loads, at most `timeout` seconds. Any thread.

    Raises:
        SettingsError: a `LOADONCE_*` variable cannot be used.
        CheckpointError: there is no model named, and the demo checkpoint cannot be made.
        LoadTimeout, RecursiveLoad and what the load raises: as `OnceLoader.get()`.
    """
    try:
        # What OnceLoader.get() does, without a second call: this is the path that every request takes
        return _once._value  # type: ignore[union-attr]  # while there is no loader, that is an AttributeError too
    except AttributeError:
        pass
    return _get_source().acquire(timeout).value


def _get_source() -> ModelSource[Pair]:
    global _source, _once
    with _source_lock:
        if _source is None:
            _, _source = llava_source(Settings.from_environment())
            _once = _source if isinstance(_source, OnceLoader) else None
        return _source


def _after_fork() -> None:
    global _source_lock, _following_lock
    _source_lock, _following_lock = threading.Lock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _follow_progress() -> None:
    """Turn transformers' progress bars for weights into progress events, for good and for every thread.

    The hook stays: which load a bar belongs to is told by the context that it runs in, so nothing has to be
    put back after a load, where another load's hook could be lost.
    """
    global _following
    from transformers.utils import logging

    with _following_lock:
        if not _following and hasattr(logging, "set_tqdm_hook"):  # not before transformers 5
            hook = _ProgressHook()
            hook.previous = logging.set_tqdm_hook(hook)
            _following = True


_following = False
_following_lock = threading.Lock()  # guards the setting of the hook: twice would tell each step twice


class _ProgressHook:
    previous: Callable[..., Any] | None = None

    def __call__(self, factory: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        description = kwargs.get("desc") or ""
        if args and str(description).startswith((_TENSORS, _SHARDS)) and hasattr(args[0], "__len__"):
            return _Bar(args[0], "tensors" if description.startswith(_TENSORS) else "shards")
        if self.previous is not None:
            return self.previous(factory, args, kwargs)
        return factory(*args, **kwargs)


class _Bar:
    """Stands where a progress bar would: passes the items through and tells how many there were."""

    _STEPS: Final = 10  # events a load at most, but for slow ones …
    _PAUSE_S: Final = 2.0  # … which tell after this many seconds as well

    def __init__(self, items: Any, unit: str) -> None:
        self._items, self._unit = items, unit

    def __iter__(self) -> Iterator[Any]:
        total, told, last = len(self._items), 0, time.monotonic()
        for done, item in enumerate(self._items, 1):
            yield item
            due = done * self._STEPS // total > told * self._STEPS // total
            if due or time.monotonic() - last > self._PAUSE_S:
                told, last = done, time.monotonic()
                report_progress(done, total, self._unit)
