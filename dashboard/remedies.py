"""The remedies that a diagnosis chooses from: what happened and most likely why, and what to do next.

Where the cure is a few lines of code, they stand with it, to be copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.examples import AWAITED, ONCE_LOADER, OWN_LOCK, SHARED_GATE

__all__ = ["REMEDIES", "Remedy"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What most likely lies behind a verdict, and what to do; `example` is the code that does it."""

    cause: str
    cure: str
    example: str | None = None

    @property
    def link(self) -> str | None:
        """The page of the console that says more of its code, and hands out the folder `loader/`."""
        return "guide?about=loader" if self.example else None


REMEDIES: Final[Mapping[str, Remedy]] = {
    "guard_off": Remedy(
        "The guard was off in this run, as it was asked to be: nothing held back the variants that found no "
        "model, and each began a load. A service without a lock does just that.",
        "Launch it with the guard on: that is to come out green. Where your own service has no lock yet, put "
        "the folder loader/ beside its code, and these lines in the place of its load.",
        ONCE_LOADER,
    ),
    "guard_no_second_check": Remedy(
        "The guard had no second check in this run, as it was asked: each variant waited for the lock, and "
        "then loaded again, because it did not look a second time.",
        "Launch it with the guard on: that is to come out green. A lock of your own needs both checks, as in "
        "these lines.",
        OWN_LOCK,
    ),
    "guard_per_model": Remedy(
        "Two models were loaded at the same time in this run, as it was asked, each under a correct lock of "
        "its own. Transformers swaps parts of torch while it loads, so the two loads broke each other.",
        "Launch it with the guard on: that is to come out green. Where your own service loads several "
        "models, these lines let all of them pass one gate.",
        SHARED_GATE,
    ),
    "beside_the_guard": Remedy(
        "The guard was on in this run, so that no lock is missing: something in the worker loaded a model "
        "without asking it.",
        "See in the log which threads load, and let that code pass the gate, as these lines do. If nothing "
        "else loads there, please report it, with the bundle of this run (Download).",
        SHARED_GATE,
    ),
    "lock_not_used": Remedy(
        "Several threads found no model at the same moment and each began to load one: no lock held the "
        "others back.",
        "Hold one lock for the whole process while loading, look again once inside it, and publish the model "
        "last. These lines do all three: put the folder loader/ beside your code, and give OnceLoader the "
        "load that you have.",
        ONCE_LOADER,
    ),
    "lock_per_call": Remedy(
        "There may be a lock, but each call makes its own, so nobody ever waits for anybody.",
        "Make the lock once, at module level, beside the variable that holds the model, as in these lines. A "
        "lock that is created inside the function, or inside an object made for each request, locks nothing.",
        OWN_LOCK,
    ),
    "second_check_missing": Remedy(
        "The loads came one after the other: each thread waited for the lock and then loaded again, because "
        "it did not look a second time.",
        "Inside the lock, test again whether the model is there before loading it, as these lines do.",
        OWN_LOCK,
    ),
    "lock_per_model": Remedy(
        "Two models were loaded at the same time, each perhaps with a correct lock of its own. Transformers "
        "swaps parts of torch while it loads, so the two loads broke each other.",
        "Use one lock for everything that goes through transformers or accelerate: the loader's process "
        "gate. These lines make loads in code that is not yours pass it, too.",
        SHARED_GATE,
    ),
    "code_not_restarted": Remedy(
        "The process may still run the code from before the fix: a running service does not notice that its "
        "files have changed.",
        "Restart the service (and rebuild the image, if the code is copied into it), then run this again.",
    ),
    "several_processes": Remedy(
        "More than one worker process may write to this log (uvicorn --workers, gunicorn, replicas). Each "
        "loads a model of its own, which is right, and in one log looks like several loads.",
        "Judge again with --expected-workers set to their number, or start the service with one worker.",
    ),
    "poisoned_process": Remedy(
        "Overlapping loads have left functions of torch swapped in this process; after that every load "
        "fails, even a single one.",
        "Restart the worker: nothing else helps. Then find what loaded at the same time; the first error in "
        "the log is the real one, those after it are its victims.",
    ),
    "device_map": Remedy(
        "A device map may have left weights on the meta device, for example because they did not fit and "
        "were to be offloaded, and the model was then moved by hand.",
        "Do not call .to() on a model that was loaded with a device map. Try it once without one, or with "
        "enough memory.",
    ),
    "pytorch_version": Remedy(
        "Torch, transformers and accelerate may not fit together: an error about meta tensors in a load that "
        "ran alone is typical of that.",
        "Compare the three versions with those in requirements.txt, and load once in a fresh process with "
        "nothing else running. If that fails too, it is not a race.",
    ),
    "to_empty": Remedy(
        "Code of the service may call .to() on a module that was built without data, where torch asks for "
        "to_empty() and the weights to follow.",
        "Search the service for init_empty_weights and torch.device('meta'). Whatever is built under them "
        "needs to_empty() and a load of its weights before it is used.",
    ),
    "out_of_memory": Remedy(
        "The worker ran out of memory. Several loads at once need several times the memory; a single load "
        "may simply not fit.",
        "Count the loads first: with more than one, cure that. With exactly one, give the container or the "
        "GPU more memory, or load a smaller precision.",
    ),
    "corrupt_shard": Remedy(
        "A file of the checkpoint cannot be read: a download was cut off, or the disk was full.",
        "Delete the damaged file (the error names it) or the whole folder, fetch or make it again, and see "
        "that the disk has room.",
    ),
    "missing_shard": Remedy(
        "A file of the checkpoint is not there: the folder was copied or fetched in part, or a volume is not "
        "mounted.",
        "Compare the folder with its index file (model.safetensors.index.json), fetch what is missing, and "
        "look whether the container sees the folder that you mean.",
    ),
    "concurrent_import": Remedy(
        "Two threads imported the same library at the same moment, and one of them saw it half made "
        "(“partially initialized module”). It is a race, though not one of loading.",
        "Import torch and transformers once, at the top of the service, on the main thread and before any "
        "request is served; not inside the function that loads.",
    ),
    "tokenizer_race": Remedy(
        "Two threads used one fast tokenizer at the same moment (“Already borrowed”). That is a race of the "
        "requests and not of the load: the model may well have been loaded once.",
        "Give each thread a copy of the processor, or hold a lock around each call of it. A lock around the "
        "load does not help.",
    ),
    "forked_after_cuda": Remedy(
        "The process was forked after CUDA had been used, and a child can use nothing of it.",
        "Load in each worker after it has begun (without gunicorn's --preload), or start processes with "
        "“spawn” instead of “fork”.",
    ),
    "event_loop": Remedy(
        "Something that belongs to one event loop was awaited in another, or outside of any: a lock or a "
        "future was made at import, or in another thread.",
        "Make locks of asyncio inside the loop that uses them, and guard a load with a lock of threading: it "
        "is awaited through asyncio.to_thread, or by aget() of OnceLoader.",
        AWAITED,
    ),
    "file_lock": Remedy(
        "The load waits for a lock on a file of the model's cache: another process fetches the same model, "
        "or one that died left its lock on a network disk.",
        "See who else writes to that cache. If nobody does, delete the .lock files under .locks in it; give "
        "each host a cache of its own, or fetch the model once before the workers start.",
    ),
    "quoted": Remedy(
        "A line holds the words of a load in what may be the text of a request. A stranger's log does not "
        "tell which of both it is.",
        "Look at the line that is named. Let the service log requests by length or in quotes, or launch a "
        "run, which does not rest on the log alone.",
    ),
    "models_unknown": Remedy(
        "What stands behind the words of a start differs, and may name a model, or whom it is loaded for.",
        "Let the service name the model there, by its hub id or its folder, and the caller elsewhere.",
    ),
    "logged_twice": Remedy(
        "Or the model was loaded half as often: each message stands on two lines side by side, as when one "
        "logger has two handlers.",
        "Look whether logging is set up twice (a handler of the service's own and one of the root logger), "
        "and turn one off. If it was loaded once, the log then says so.",
    ),
    "load_failed": Remedy(
        "The model could not be loaded, for a reason of its own and not because of a race.",
        "Read the first error in the log: it names the file, the setting or the package. Cure that, then run "
        "this again.",
    ),
    "worker_died": Remedy(
        "The worker process died in the middle of its load. Without a message of its own this is most often "
        "the system's memory killer, else a crash in native code.",
        "Look at the end of its log and at the kernel's (dmesg, or docker inspect and its OOMKilled). Watch "
        "the memory while one variant loads alone.",
    ),
    "not_in_log": Remedy(
        "This log tells of no load: it begins after the load, it is empty, or the service's lines are in no "
        "profile that was tried.",
        "Judge an earlier part, restart the service and judge again, or describe its lines as a profile in "
        "targets.toml.",
    ),
    "no_text": Remedy(
        "This is no text log: it begins with binary data, as a picture, a program or an archive does.",
        "Name the log itself, or pass it on: docker logs NAME 2>&1 | python -m dashboard verdict --file -.",
    ),
    "already_warm": Remedy(
        "The model was loaded before the variants arrived: at start-up, by an earlier request, or by a "
        "health check that asks for it.",
        "Start clean: restart the worker and release the variants before anything else asks for the model. "
        "Let health checks use /healthz, not a path that loads.",
    ),
    "begun_warm": Remedy(
        "The model was loaded before the release, as this run was asked, so no load could be seen. It shows "
        "whether a loaded model is reused, and can show nothing of loading.",
        "There is nothing to cure. Whether the model is loaded once is shown by a run that begins cold.",
    ),
    "not_enough_contention": Remedy(
        "The load was over before a second variant asked for the model, so the guard was never tried. "
        "Nothing is wrong, and nothing is proven.",
        "Release more variants at once, or use a model that takes longer to load.",
    ),
    "unfinished": Remedy(
        "A load was still under way, or its end was cut from the log, when the watch ended.",
        "Raise the timeout above the time that one load takes, or wait and judge the log again.",
    ),
    "retried": Remedy(
        "A load failed and a later one succeeded. The variants were served, but something is not right: a "
        "network, a disk, a memory limit.",
        "Read the error of the failed load, cure it, and run this again.",
    ),
    "reloaded": Remedy(
        "The model was given up and loaded again during the trial, so there was more than one load for a "
        "good reason.",
        "Turn off what unloads the model (an idle timer, an operator) for the length of a trial, and run it "
        "again.",
    ),
    "restarted": Remedy(
        "The worker was restarted in the middle: by a health check that lost patience, by an operator, or "
        "because it crashed.",
        "Look who restarted it. A health check must not wait for the model: let it use /healthz, and give it "
        "a start period longer than a load.",
    ),
    "log_incomplete": Remedy(
        "Lines of the log are missing: it was rotated, cut by --since, or its reader fell behind.",
        "Start from a fresh worker and read its log from the first line.",
    ),
    "too_many_waiting": Remedy(
        "The worker turned variants away because too many were waiting already (HTTP 429).",
        "Release fewer at once, or raise LOADONCE_MAX_WAITING.",
    ),
    "connection_lost": Remedy(
        "Connections to the worker were refused or cut off: it had ended, was restarting, or its port is "
        "wrong.",
        "See whether the worker is alive and what its log says last, then run this again.",
    ),
    "not_answered": Remedy(
        "Some variants got no answer in time, or an answer that was an error.",
        "Read the error beside each of them. If they only ran out of time, raise the timeout or release "
        "fewer.",
    ),
    "control_not_red": Remedy(
        "With the guard off the same trial showed no race: it went well too, by luck or because this model "
        "loads too fast to collide, or it ended for a reason of its own, which is named above.",
        "If it ended for a reason of its own, cure that first. Else release more variants, or use a "
        "checkpoint with tied weights that loads more slowly, until the control does go red.",
    ),
    "witness_disagrees": Remedy(
        "What the log says and what the variants were given do not fit together: lines are missing, or "
        "somebody else writes to this log.",
        "Run it again from a fresh worker. If it stays so, compare the load numbers in the answers with "
        "those in the log.",
    ),
    "aborted": Remedy(
        "The trial was cut short, so what would have happened is not known.",
        "Run it again to its end.",
    ),
    "look_closer": Remedy(
        "None of the known signatures fits what was seen.",
        "Read the reasons and the log around the first load, and run it again with the same settings.",
    ),
}
