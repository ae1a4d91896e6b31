"""LLaVA: the real load through transformers and accelerate, a generation, and `get_llava_model()`.

torch and transformers take seconds to import, so they are imported inside functions: whoever imports
`loader` pays nothing, and a service chooses the moment with `import_libraries()`.

No machine that tests this has a GPU. What depends on one (device maps, their check after a load, a fork with
a model on it) is tested with real modules whose tensors say that they are on one; no load onto one is.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loader.checkpoint import demo_folder, ensure_checkpoint
from loader.checkpoint_folder import check_checkpoint
from loader.controls import ModelSource, source_for
from loader.hub import fetch_checkpoint
from loader.load_faults import naming_faults, verify_weights
from loader.once import OnceLoader
from loader.placement import input_device, plan_placement, verify_placement
from loader.progress import follow_progress
from loader.settings import Settings, is_folder_name
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
]

PHRASE: Final = "Loading LLaVa model"
"""What the `started` event of a LLaVA says, so that `grep -c` counts the loads."""

Pair = tuple[Any, Any]
"""The processor and the model. Any: naming their types would import them."""

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

    follow_progress()
    return time.monotonic() - began


def load_llava(model: str, settings: Settings) -> Pair:
    """Load processor and model. Not guarded, nor looked at for tensors without data: `get_llava_model()` is.

    Imports torch and transformers. Blocks for as long as the load takes, and a download before it.

    Raises:
        LoadFailed, CheckpointError, HubError, ResourceError, DeviceMapError and kin: what `loader.errors`
            names; what a library raised is the cause.
    """
    with naming_faults(model) as folders:
        import_libraries()
        from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
        from transformers.models.llava.processing_llava import LlavaProcessor

        folder = _folder_of(model, settings)
        folders.append(folder)
        device_map = plan_placement(settings.device_map, folder)
        processor = LlavaProcessor.from_pretrained(folder, local_files_only=True)
        loaded: Any = LlavaForConditionalGeneration.from_pretrained(
            folder,
            dtype=settings.dtype,
            device_map=device_map,
            offload_folder=settings.offload_folder,
            local_files_only=True,  # a folder needs no hub, nor a word with it
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported to us by name, where its own error names none
        )
        network, report = loaded
        if network.training:  # transformers has seen to it, and to go through every module again takes time
            network.eval()
        if any(report.values()):
            # First: weights without data, as overlapping loads leave them, are reported as missing, too.
            # Of a load without a remark whoever publishes it looks: once is enough of what others wait for.
            verify_value(network, model, settings.device_map)
        verify_weights(report, model)
        verify_dtype(network, settings.dtype, model)
        verify_placement(network, settings.device_map, model)
    return processor, network


def _folder_of(model: str, settings: Settings) -> Path:
    if is_folder_name(model):
        check_checkpoint(Path(model))
        return Path(model)
    return fetch_checkpoint(model, settings.revision, local_files_only=settings.local_files_only)


def generate_text(pair: Pair, prompt: str, image: Image | None, max_new_tokens: int | None) -> str:
    """Return the text that the model generates for a prompt and an image.

    Threading: any thread; several at once only if the model is not offloaded (`verification.is_offloaded`).
    """
    import torch

    processor, network = pair
    words = " ".join(prompt.replace(_IMAGE, " ").split())
    text = f"USER: {_IMAGE + chr(10) if image is not None else ''}{words} ASSISTANT:"
    inputs = processor(text=text, images=image, return_tensors="pt").to(input_device(network))
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
        LoadTimeout, RecursiveLoad: as `OnceLoader.get()`. What the load raises: as `load_llava()`.
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
    global _source_lock
    _source_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
