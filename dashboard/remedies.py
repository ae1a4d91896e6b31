"""The remedies that a diagnosis chooses from: what happened and most likely why, what to do next, a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["REMEDIES"]

_OWN_SERVICE: Final = "README.md#putting-the-loader-into-your-own-service"
_NOT_GREEN: Final = "README.md#when-it-is-not-green"

REMEDIES: Final[Mapping[str, tuple[str, str, str | None]]] = {
    "lock_not_used": (
        "Several threads found no model at the same moment and each began to load one: no lock held the "
        "others back.",
        "Look whether the service runs with the guard on. In your own code take one lock for the whole "
        "process before loading, look again once inside it, and publish the model last; or let "
        "OnceLoader do it.",
        _OWN_SERVICE,
    ),
    "lock_per_call": (
        "There may be a lock, but each call makes its own, so nobody ever waits for anybody.",
        "Make the lock once, at module level, beside the variable that holds the model. A lock that is "
        "created "
        "inside the function, or inside an object made for each request, locks nothing.",
        _OWN_SERVICE,
    ),
    "second_check_missing": (
        "The loads came one after the other: each thread waited for the lock and then loaded again, because "
        "it did not look a second time.",
        "Inside the lock, test again whether the model is there before loading it.",
        _OWN_SERVICE,
    ),
    "lock_per_model": (
        "Two models were loaded at the same time, each perhaps with a correct lock of its own. Transformers "
        "swaps parts of torch while it loads, so the two loads broke each other.",
        "Use one lock for everything that goes through transformers or accelerate: the loader's process "
        "gate, "
        "and guard_transformers() for code that is not yours.",
        _OWN_SERVICE,
    ),
    "code_not_restarted": (
        "The process may still run the code from before the fix: a running service does not notice that its "
        "files have changed.",
        "Restart the service (and rebuild the image, if the code is copied into it), then run this again.",
        _NOT_GREEN,
    ),
    "several_processes": (
        "More than one worker process may write to this log (uvicorn --workers, gunicorn, replicas). Each "
        "loads a model of its own, which is right, and in one log looks like several loads.",
        "Judge again with --expected-workers set to their number, or start the service with one worker.",
        _NOT_GREEN,
    ),
    "poisoned_process": (
        "Overlapping loads have left functions of torch swapped in this process; after that every load "
        "fails, "
        "even a single one.",
        "Restart the worker: nothing else helps. Then find what loaded at the same time; the first error in "
        "the log is the real one, those after it are its victims.",
        _NOT_GREEN,
    ),
    "device_map": (
        "A device map may have left weights on the meta device, for example because they did not fit and "
        "were "
        "to be offloaded, and the model was then moved by hand.",
        "Do not call .to() on a model that was loaded with a device map. Try it once without one, or with "
        "enough memory.",
        None,
    ),
    "pytorch_version": (
        "Torch, transformers and accelerate may not fit together: an error about meta tensors in a load that "
        "ran alone is typical of that.",
        "Compare the three versions with those in requirements.txt, and load once in a fresh process with "
        "nothing else running. If that fails too, it is not a race.",
        None,
    ),
    "to_empty": (
        "Code of the service may call .to() on a module that was built without data, where torch asks for "
        "to_empty() and the weights to follow.",
        "Search the service for init_empty_weights and torch.device('meta'). Whatever is built under "
        "them needs "
        "to_empty() and a load of its weights before it is used.",
        None,
    ),
    "out_of_memory": (
        "The worker ran out of memory. Several loads at once need several times the memory; a single "
        "load may "
        "simply not fit.",
        "Count the loads first: with more than one, cure that. With exactly one, give the container or "
        "the GPU "
        "more memory, or load a smaller precision.",
        _NOT_GREEN,
    ),
    "corrupt_shard": (
        "A file of the checkpoint cannot be read: a download was cut off, or the disk was full.",
        "Delete the damaged file (the error names it) or the whole folder, fetch or make it again, and "
        "see that "
        "the disk has room.",
        None,
    ),
    "missing_shard": (
        "A file of the checkpoint is not there: the folder was copied or fetched in part, or a volume is not "
        "mounted.",
        "Compare the folder with its index file (model.safetensors.index.json), fetch what is missing, and "
        "look whether the container sees the folder that you mean.",
        _NOT_GREEN,
    ),
    "concurrent_import": (
        "Two threads imported the same library at the same moment, and one of them saw it half made "
        "(“partially initialized module”). It is a race, though not one of loading.",
        "Import torch and transformers once, at the top of the service, on the main thread and before any "
        "request is served; not inside the function that loads.",
        _NOT_GREEN,
    ),
    "tokenizer_race": (
        "Two threads used one fast tokenizer at the same moment (“Already borrowed”). That is a race of the "
        "requests and not of the load: the model may well have been loaded once.",
        "Give each thread a copy of the processor, or hold a lock around each call of it. A lock around the "
        "load does not help.",
        _NOT_GREEN,
    ),
    "forked_after_cuda": (
        "The process was forked after CUDA had been used, and a child can use nothing of it.",
        "Load in each worker after it has begun (without gunicorn's --preload), or start processes with "
        "“spawn” instead of “fork”.",
        _NOT_GREEN,
    ),
    "event_loop": (
        "Something that belongs to one event loop was awaited in another, or outside of any: a lock or a "
        "future was made at import, or in another thread.",
        "Make locks of asyncio inside the loop that uses them, and guard a load with a lock of threading: it "
        "is awaited through asyncio.to_thread, or by aget() of OnceLoader.",
        _OWN_SERVICE,
    ),
    "file_lock": (
        "The load waits for a lock on a file of the model's cache: another process fetches the same model, "
        "or one that died left its lock on a network disk.",
        "See who else writes to that cache. If nobody does, delete the .lock files under .locks in it; give "
        "each host a cache of its own, or fetch the model once before the workers start.",
        _NOT_GREEN,
    ),
    "quoted": (
        "A line holds the words of a load in what may be the text of a request. A stranger's log does not "
        "tell which of both it is.",
        "Look at the line that is named. Let the service log requests by length or in quotes, or launch a "
        "run, which does not rest on the log alone.",
        _NOT_GREEN,
    ),
    "models_unknown": (
        "What stands behind the words of a start differs, and may name a model, or whom it is loaded for.",
        "Let the service name the model there, by its hub id or its folder, and the caller elsewhere.",
        _NOT_GREEN,
    ),
    "logged_twice": (
        "Or the model was loaded half as often: each message stands on two lines side by side, as when one "
        "logger has two handlers.",
        "Look whether logging is set up twice (a handler of the service's own and one of the root logger), "
        "and turn one off. If it was loaded once, the log then says so.",
        _NOT_GREEN,
    ),
    "load_failed": (
        "The model could not be loaded, for a reason of its own and not because of a race.",
        "Read the first error in the log: it names the file, the setting or the package. Cure that, then run "
        "this again.",
        _NOT_GREEN,
    ),
    "worker_died": (
        "The worker process died in the middle of its load. Without a message of its own this is most often "
        "the system's memory killer, else a crash in native code.",
        "Look at the end of its log and at the kernel's (dmesg, or docker inspect and its OOMKilled). "
        "Watch the "
        "memory while one variant loads alone.",
        _NOT_GREEN,
    ),
    "not_in_log": (
        "This log tells of no load: it begins after the load, it is empty, or the service's lines are in no "
        "profile that was tried.",
        "Judge an earlier part, restart the service and judge again, or describe its lines as a profile in "
        "targets.toml.",
        _NOT_GREEN,
    ),
    "already_warm": (
        "The model was loaded before the variants arrived: at start-up, by an earlier request, or by a "
        "health "
        "check that asks for it.",
        "Start clean: restart the worker and release the variants before anything else asks for the "
        "model. Let "
        "health checks use /healthz, not a path that loads.",
        _NOT_GREEN,
    ),
    "not_enough_contention": (
        "The load was over before a second variant asked for the model, so the guard was never tried. "
        "Nothing "
        "is wrong, and nothing is proven.",
        "Release more variants at once, or use a model that takes longer to load.",
        _NOT_GREEN,
    ),
    "unfinished": (
        "A load was still under way, or its end was cut from the log, when the watch ended.",
        "Raise the timeout above the time that one load takes, or wait and judge the log again.",
        _NOT_GREEN,
    ),
    "retried": (
        "A load failed and a later one succeeded. The variants were served, but something is not right: a "
        "network, a disk, a memory limit.",
        "Read the error of the failed load, cure it, and run this again.",
        None,
    ),
    "reloaded": (
        "The model was given up and loaded again during the trial, so there was more than one load for a "
        "good "
        "reason.",
        "Turn off what unloads the model (an idle timer, an operator) for the length of a trial, and run it "
        "again.",
        None,
    ),
    "restarted": (
        "The worker was restarted in the middle: by a health check that lost patience, by an operator, or "
        "because it crashed.",
        "Look who restarted it. A health check must not wait for the model: let it use /healthz, and "
        "give it a "
        "start period longer than a load.",
        _NOT_GREEN,
    ),
    "log_incomplete": (
        "Lines of the log are missing: it was rotated, cut by --since, or its reader fell behind.",
        "Start from a fresh worker and read its log from the first line.",
        None,
    ),
    "too_many_waiting": (
        "The worker turned variants away because too many were waiting already (HTTP 429).",
        "Release fewer at once, or raise LOADONCE_MAX_WAITING.",
        None,
    ),
    "connection_lost": (
        "Connections to the worker were refused or cut off: it had ended, was restarting, or its port is "
        "wrong.",
        "See whether the worker is alive and what its log says last, then run this again.",
        _NOT_GREEN,
    ),
    "not_answered": (
        "Some variants got no answer in time, or an answer that was an error.",
        "Read the error beside each of them. If they only ran out of time, raise the timeout or release "
        "fewer.",
        None,
    ),
    "control_not_red": (
        "With the guard off the same trial showed no race: it went well too, by luck or because this model "
        "loads too fast to collide, or it ended for a reason of its own, which is named above.",
        "If it ended for a reason of its own, cure that first. Else release more variants, or use a "
        "checkpoint with tied weights that loads more slowly, until the control does go red.",
        _NOT_GREEN,
    ),
    "witness_disagrees": (
        "What the log says and what the variants were given do not fit together: lines are missing, or "
        "somebody else writes to this log.",
        "Run it again from a fresh worker. If it stays so, compare the load numbers in the answers with "
        "those "
        "in the log.",
        None,
    ),
    "aborted": (
        "The trial was cut short, so what would have happened is not known.",
        "Run it again to its end.",
        None,
    ),
    "look_closer": (
        "None of the known signatures fits what was seen.",
        "Read the reasons and the log around the first load, and run it again with the same settings.",
        _NOT_GREEN,
    ),
}
