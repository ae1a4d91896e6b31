"""Brings a checkpoint from the hub into the local cache, and says why where the hub does not give it.

One step before the load, so that everything after it reads a folder: what the hub has to say is lost in
transformers' own words otherwise, a model of the wrong kind is refused before gigabytes are on their way, and
`local_files_only` asks nobody at all. Imports neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loader.checkpoint_folder import check_architecture, check_checkpoint, shards_of
from loader.errors import (
    CorruptCheckpoint,
    GatedModel,
    HubError,
    HubUnreachable,
    ModelNotFound,
    RevisionNotFound,
)

__all__ = ["fetch_checkpoint"]

_ALL_BUT_WEIGHTS: Final = ("*.json", "*.jinja", "*.txt", "tokenizer.model")
_OLDER_WEIGHTS: Final = ("pytorch_model*.bin",)


def fetch_checkpoint(model: str, revision: str | None, *, local_files_only: bool) -> Path:
    """Return the folder in the hub's cache that holds `model`, downloaded first as far as it is not there.

    Blocks for as long as the download takes. With `local_files_only`, no connection is made; without it, what
    is in the cache is used when the hub cannot be reached.

    Raises:
        HubUnreachable, ModelNotFound, RevisionNotFound, GatedModel, HubError: the hub did not give it.
        CheckpointError and kin: what came is no whole LLaVA.
        OSError: it cannot be written to the cache.
    """
    folder = _snapshot(model, revision, _ALL_BUT_WEIGHTS, local_files_only)
    check_architecture(folder)
    commit = folder.name  # from now on: the branch may move on between the two steps
    shards = shards_of(folder)
    folder = _snapshot(model, commit, [*shards] or ["model.safetensors"], local_files_only)
    if not shards_of(folder):
        folder = _snapshot(model, commit, _OLDER_WEIGHTS, local_files_only)
    try:
        check_checkpoint(folder)
    except CorruptCheckpoint as error:
        raise CorruptCheckpoint(
            f"{error} Delete {folder.parent.parent} before that: the damaged file would be taken from there."
        ) from error
    return folder


def _snapshot(model: str, revision: str | None, files: Sequence[str], local_files_only: bool) -> Path:
    from huggingface_hub import errors, snapshot_download

    what = f"{model} at revision {revision}" if revision else model
    try:
        found = snapshot_download(
            model, revision=revision, allow_patterns=[*files], local_files_only=local_files_only
        )
    except errors.IncompleteSnapshotError as error:
        # The list of files may be longer than what a load needs: the check of the folder is the judge
        return Path(error.snapshot_path)
    except errors.GatedRepoError as error:
        raise GatedModel(
            f"The hub gives {model} only to those whom its owner let in. Ask for access on the model's page, "
            "and set HF_TOKEN to a token of that account."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise RevisionNotFound(
            f"The hub knows {model}, but no revision {revision} of it. "
            "Set LOADONCE_REVISION to a branch, tag or commit of the model, or unset it."
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelNotFound(
            f"The hub knows no model {model}, or does not show it without a token. "
            "Correct LOADONCE_MODEL, or set HF_TOKEN to a token that may see it."
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        if local_files_only or isinstance(error.__cause__ or error, errors.OfflineModeIsEnabled):
            raise HubUnreachable(
                f"{what} is not on this machine, and the hub must not be asked (LOADONCE_LOCAL_FILES_ONLY or "
                "HF_HUB_OFFLINE is set). Download it once with that unset, or name a folder."
            ) from error
        raise HubUnreachable(
            f"{what} is not on this machine, and the hub cannot be reached "
            f"({_first_line(error.__cause__ or error)}). "
            "Check the network, HF_ENDPOINT and the proxy, or name a folder in LOADONCE_MODEL."
        ) from error
    except errors.HfHubHTTPError as error:
        raise HubError(
            f"The hub refused {what} ({_first_line(error)}). Check HF_TOKEN and HF_ENDPOINT, or try later."
        ) from error
    except errors.HTTPError as error:  # type: ignore[attr-defined]  # of whichever library the hub uses
        raise HubUnreachable(
            f"The download of {what} broke off ({_first_line(error) or type(error).__name__}). "
            "Check the network and try again: what has come is kept."
        ) from error
    return Path(found)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
