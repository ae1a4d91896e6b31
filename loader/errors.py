"""Everything that can go wrong in the loader, as one tree.

    LoaderError (a RuntimeError)
    ├── LoadTimeout (also a TimeoutError)   the caller gave up; the load goes on
    ├── RecursiveLoad                       a load needs, through others or not, its own result
    ├── LoadFailed                          what was loaded must not be given to anyone
    │   ├── MetaTensorError                 … its tensors hold no data
    │   ├── WrongDtype                      … it has another precision than asked for
    │   └── PoisonedProcess                 … torch or transformers stayed altered; only a restart helps
    ├── ForkedAfterCuda                     the model lives on a GPU that a forked process cannot use
    ├── CheckpointError                     the folder is missing, half written or no LLaVA
    └── SettingsError                       an environment variable holds something impossible

An error that the load function itself raises is none of these: every waiter gets it as it was raised.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CheckpointError",
    "ForkedAfterCuda",
    "LoadFailed",
    "LoadTimeout",
    "LoaderError",
    "MetaTensorError",
    "PoisonedProcess",
    "RecursiveLoad",
    "SettingsError",
    "WrongDtype",
    "recognise",
]


class LoaderError(RuntimeError):
    """Base of all errors of this package. The message names the thing, and the next step."""


class LoadTimeout(LoaderError, TimeoutError):
    """A caller waited as long as it wanted to. The load was not cancelled and may still succeed."""

    def __init__(self, model: str, thread: str, elapsed: float) -> None:
        super().__init__(
            f"{model} was not ready in time: thread {thread} has been loading it for {elapsed:.1f} s "
            "and goes on. Call again, or allow more time."
        )
        self.model, self.thread, self.elapsed = model, thread, elapsed


class RecursiveLoad(LoaderError):
    """A load asked, itself or through other loads, for the model that it is loading."""


class LoadFailed(LoaderError):
    """The load ended without an error of its own, but its result must not be used, or it gave none."""


class MetaTensorError(LoadFailed):
    """Tensors of the model have a shape but no data: two loads overlapped, or a device map left them out."""


class WrongDtype(LoadFailed):
    """Weights of the model have another precision than the one asked for."""


class PoisonedProcess(LoadFailed):
    """Functions of torch or transformers stayed swapped after overlapping loads: no load can be trusted."""


class ForkedAfterCuda(LoaderError):
    """This process was forked from one that holds the model on a GPU; CUDA does not survive a fork."""


class CheckpointError(LoaderError):
    """A checkpoint folder is missing, half written, damaged or not LLaVA."""


class SettingsError(LoaderError):
    """An environment variable holds a value that cannot be used."""


_NO_DATA: Final = ("copy out of meta tensor", "is on the meta device", "on device meta", "tensor on meta")


def recognise(error: BaseException, model: str) -> Exception:
    """Return the error that waiters shall get for `error`: itself, or ours where we know what it means.

    Torch's own words about tensors without data become `MetaTensorError`; `SystemExit` and its like, which
    must end no waiting thread, become `LoadFailed`. The original stays the cause.
    """
    if isinstance(error, LoaderError):
        return error
    known: LoadFailed
    if any(words in str(error) for words in _NO_DATA):
        known = MetaTensorError(
            f"{model} was loaded without data in some of its tensors ({error}). "
            "Two loads overlapped, or the device map leaves weights out; restart the process and load "
            "everything through one gate."
        )
    elif not isinstance(error, Exception):
        known = LoadFailed(
            f"The load of {model} ended with {type(error).__name__}({error}). "
            "A load function must return the model or raise an Exception."
        )
    else:
        return error
    known.__cause__ = error
    return known
