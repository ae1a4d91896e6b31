"""Everything that can go wrong in the loader, as one tree.

    LoaderError (a RuntimeError)
    ├── LoadTimeout (also a TimeoutError)   the caller gave up; the load goes on
    ├── RecursiveLoad                       a load needs, through others or not, its own result
    ├── LoadFailed                          what was loaded must not be given to anyone
    │   ├── MetaTensorError                 … its tensors hold no data
    │   ├── WrongDtype                      … it has another precision than asked for
    │   ├── WrongDevice                     … it lies elsewhere than asked for
    │   └── PoisonedProcess                 … torch or transformers stayed altered; only a restart helps
    ├── ForkedAfterCuda                     the model lives on a GPU that a forked process cannot use
    ├── CheckpointError                     the checkpoint is missing, or no LLaVA that can be loaded
    │   ├── IncompleteCheckpoint            … a file is missing: a shard, the index, the configuration
    │   ├── CorruptCheckpoint               … a file is cut off or damaged
    │   ├── WrongArchitecture               … it is another kind of model
    │   └── WeightsMismatch                 … its weights do not fit its own configuration
    ├── HubError                            the hub did not give the checkpoint
    │   ├── HubUnreachable                  … no network, or asking is switched off
    │   ├── ModelNotFound                   … it knows no such model
    │   ├── RevisionNotFound                … the model has no such branch, tag or commit
    │   └── GatedModel                      … the model must be asked for by its owner's rules first
    ├── ResourceError                       this machine cannot do it
    │   ├── OutOfMemory                     … the model does not fit into memory, or onto the GPU
    │   ├── OutOfDisk                       … what is downloaded or offloaded does not fit on the disk
    │   └── NoPermission                    … a file may not be read, or a folder not written to
    └── SettingsError                       an environment variable holds something impossible
        └── DeviceMapError                  … LOADONCE_DEVICE_MAP does, for this model or this machine

Where one of these stands for an error of another library, that one is its `__cause__`. An error that the load
function of an `OnceLoader` raises is none of these: every waiter gets it as it was raised.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CorruptCheckpoint",
    "DeviceMapError",
    "ForkedAfterCuda",
    "GatedModel",
    "HubError",
    "HubUnreachable",
    "IncompleteCheckpoint",
    "LoadFailed",
    "LoadTimeout",
    "LoaderError",
    "MetaTensorError",
    "ModelNotFound",
    "NoPermission",
    "OutOfDisk",
    "OutOfMemory",
    "PoisonedProcess",
    "RecursiveLoad",
    "ResourceError",
    "RevisionNotFound",
    "SettingsError",
    "WeightsMismatch",
    "WrongArchitecture",
    "WrongDevice",
    "WrongDtype",
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


class WrongDevice(LoadFailed):
    """Weights of the model lie on another device than the one asked for."""


class PoisonedProcess(LoadFailed):
    """Functions of torch or transformers stayed swapped after overlapping loads: no load can be trusted."""


class ForkedAfterCuda(LoaderError):
    """This process was forked from one that holds the model on a GPU; CUDA does not survive a fork."""


class CheckpointError(LoaderError):
    """A checkpoint is missing, half written, damaged, not LLaVA, or does not fit together."""


class IncompleteCheckpoint(CheckpointError):
    """A file that the checkpoint needs is not there: a shard that its index names, the configuration."""


class CorruptCheckpoint(CheckpointError):
    """A file of the checkpoint is cut off or damaged.

    Known from lengths and headers. Bytes that were changed inside the weights, with every length right,
    cannot be told without a checksum, which safetensors files do not hold.
    """


class WrongArchitecture(CheckpointError):
    """The checkpoint is a whole model of another kind, such as a text-only one."""


class WeightsMismatch(CheckpointError):
    """Weights are missing or have other shapes than the configuration says.

    transformers would fill them with random numbers and call the model loaded.
    """


class HubError(LoaderError):
    """The hub did not give the checkpoint."""


class HubUnreachable(HubError):
    """The hub cannot be reached, or must not be asked, and the checkpoint is not on this machine."""


class ModelNotFound(HubError):
    """The hub knows no such model, or does not show it to strangers."""


class RevisionNotFound(HubError):
    """The model has no such branch, tag or commit on the hub."""


class GatedModel(HubError):
    """The model is given out only to those whom its owner has let in."""


class ResourceError(LoaderError):
    """This machine lacks what the load needs."""


class OutOfMemory(ResourceError, MemoryError):
    """The model does not fit into this machine's memory, this process's limit, or the GPU."""


class OutOfDisk(ResourceError):
    """There is no room, or no quota, for what the load must write: a download, or offloaded weights."""


class NoPermission(ResourceError):
    """A file of the checkpoint may not be read, or a folder may not be written to."""


class SettingsError(LoaderError):
    """An environment variable holds a value that cannot be used."""


class DeviceMapError(SettingsError):
    """`LOADONCE_DEVICE_MAP` places weights where this model, or this machine, cannot have them."""
