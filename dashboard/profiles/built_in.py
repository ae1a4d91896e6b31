"""The built-in profiles: what each family of services really prints, word for word, and what that means.

Sources of the words: the guide's own service; transformers 4 and 5 (`modeling_utils`, `core_model_loading`);
vLLM 0.4 to 0.28 (`model_runner`, `gpu_model_runner`, `default_loader`, `multiproc_executor`);
sentence-transformers 0.3 to 6.2 (`SentenceTransformer.__init__`, `base.model`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dashboard.profiles.shape import Pattern, Profile, pattern

__all__ = [
    "AUTOMATIC",
    "COMMON",
    "FEEDLYAI",
    "OURS",
    "PROFILES",
    "SENTENCE_TRANSFORMERS",
    "TRANSFORMERS",
    "VLLM",
]

OURS: Final = "loadonce"
"""Our own lines are no pattern: `loader.events` reads those."""

_S: Final = rb"\s{0,4}"  # words may be wrapped or lose their space where a line was cut
_LLAVA: Final = rb"llava(?:[-\s]?(?:next|onevision|v?\d[\w.]{0,8})){0,2}"
_LOADING_THE: Final = rb" (?:while |when |in )?loading (?:the )?"
_TORN_START: Final = rb"loading\s{0,4}llava\s{0,4}(?:mo?d?e?)?(?=loading\s{0,4}llava)"
_ENCODER: Final = rb"(?:\w{0,24}encoder|\w{0,24}transformer)"
_NAMED: Final = rb"(?P<model>[^\s\"']{1,256})"


def _words(text: str) -> bytes:
    return text.encode().replace(b" ", _S)


COMMON: Final[tuple[Pattern, ...]] = (
    # transformers 4 and 5; the bars of both are progress of a load that somebody else has begun
    pattern(
        "progress",
        "loading",
        _words("loading (?:checkpoint shards|weights)") + rb"(?=\s{0,4}[:\d])",
        common=True,
    ),
    pattern(
        "meta_tensor_error",
        "cannot",
        _words("cannot copy out of meta tensor"),
        common=True,
        error="MetaTensorError",
    ),
    # The same, told of a model that is used: its parameters are still on `meta`
    *(
        pattern("meta_tensor_error", words, words.encode(), common=True, error="MetaTensorError")
        for words in ("tensor on device meta is not on", "cannot be called on meta tensors")
    ),
    *(
        pattern("failed", words, words.encode(), only_during_load=True, common=True, error="OutOfMemory")
        for words in (
            "out of memory",
            "not enough memory",
            "cannot allocate memory",
            "std::bad_alloc",
            "oomkilled",
            "by the oom killer",
            "result 'oom-kill'",
        )
    ),
    # A traceback's frame: what it tells of has left the load
    *(
        pattern(
            "failed",
            words,
            rb"%b(?=\s|$|\\n)" % words.encode(),
            only_during_load=True,
            common=True,
            error="LoadFailed",
        )
        for words in (", in from_pretrained", ", in get_llava_model")
    ),
    pattern(
        "failed",
        "exited with code",
        rb"exited with code (?:137|-9)\b",
        only_during_load=True,
        common=True,
        error="OutOfMemory",
    ),
    *(
        pattern("failed", words, expression, only_during_load=True, common=True, error="WorkerDied")
        for words, expression in (
            ("child process [", rb"child process \[\d{1,9}\] died"),
            ("segmentation fault", rb"segmentation fault"),
            ("fatal python error", rb"fatal python error"),
            ("worker timeout (pid", rb"worker timeout \(pid"),
            ("exited with code", rb"exited with code (?!0\b|130\b|143\b|137\b|-9\b|-2\b|-15\b)-?\d"),
            ("bus error", rb"bus error"),
            ("aborted (core", rb"aborted \(core"),
            ("killed", rb"(?<![^\s|:])killed(?=\s{0,40}(?:$|python|uvicorn|gunicorn|[\"(]))"),
            ("sent sigkill", rb"sent sigkill"),
            ("code=", rb"code=(?:killed, status=(?!2/|15/)|dumped)"),  # systemd
            ("died, killed by signal", rb"died, killed by signal (?!2\b|15\b)"),  # uWSGI
            ("application startup failed", rb"application startup failed"),  # uvicorn, when it loads first
        )
    ),
)
"""What any service may print: transformers' progress, and what ends a load wherever it runs."""

FEEDLYAI: Final = Profile(
    "feedlyai",
    (
        # The guide's service tries eight bits first; when that does not fit, the same load goes on without.
        pattern("progress", "quantization failed", rb"quantization failed(?:[^\r\n]{0,400}?out of memory)?"),
        *(
            pattern("failed", words, words.encode() + rb" (?:the )?" + _LLAVA, error="LoadFailed")
            for words in ("failed to load", "could not load", "unable to load", "cannot load")
        ),
        *(
            pattern("failed", word, word.encode() + _LOADING_THE + _LLAVA, error="LoadFailed")
            for word in ("error", "exception", "failure")
        ),
        pattern(
            "failed",
            "loading",
            rb"loading" + _S + _LLAVA + _S + rb"model\s{1,3}(?:has |was )?(?:failed|timed out)",
            error="LoadFailed",
        ),
        *(
            pattern("failed", words, words.encode(), only_during_load=True, error="LoadFailed")
            for words in (
                "failed to load model",
                "failed to load the model",
                "error loading model",
                "error loading the model",
                "could not load model",
                "could not load the model",
                "model failed to load",
                "model load failed",
                "model loading failed",
                "model could not be loaded",
                "unable to load model",
                "unable to load the model",
                "모델 로딩 실패",
                "모델 로드 실패",
            )
        ),
        # Given up on purpose: what is loaded afterwards is a new generation
        pattern("released", "unloading", rb"unloading" + _S + _LLAVA + _S + rb"model"),
        pattern("released", "model", rb"model unloaded"),
        pattern("progress", "downloading/loading", _words("downloading/loading (?:processor|model) from")),
        pattern("started", "loading", rb"loading" + _S + _LLAVA + _S + rb"model(?!oading)"),
        # One process's words in the middle of another's: of the first only the begin is whole
        pattern("started", "loading", _TORN_START),
        pattern("completed", "model", _words("model loaded successfully")),
        pattern("progress", "model", _words(r"model loaded (?:with|on)\b")),
        *COMMON,
    ),
    # [pid 812], pid=812, [process:812], SpawnProcess-2, and gunicorn's logger: [812] [INFO]
    process=re.compile(
        rb"(?:\bpid[=: ]\s?|\bprocess(?:[_ ]id)?[=:]\s?|\b(?:spawn|fork)(?:pool)?(?:process|worker)-)"
        rb"(\d{1,9})\b"
        rb"|\[(\d{1,9})\] \[(?:info|warning|error|debug|critical)\]",
        re.IGNORECASE,
    ),
)
"""The service of the guide that this console grew from, and what uvicorn, gunicorn and Docker say of it."""

VLLM: Final = Profile(
    "vllm",
    (
        # INFO 05-28 12:20:38 [model_runner.py:1170] Starting to load model allenai/OLMoE-1B-7B-0125...
        pattern("started", "starting to load model", _words("starting to load model ") + _NAMED),
        # … [gpu_model_runner.py:1347] Model loading took 0.2540 GiB and 0.292183 seconds; before 0.8:
        # … model_runner.py:1117] Loading model weights took 2.3185 GB
        pattern("completed", "model loading took", _words(r"model loading took [\d.]{1,12} gi?b")),
        pattern(
            "completed", "loading model weights took", _words(r"loading model weights took [\d.]{1,12} gi?b")
        ),
        # Of each part of a model, the draft model of speculative decoding among them
        pattern("progress", "loading weights took", _words(r"loading weights took [\d.]{1,12} seconds")),
        pattern("progress", "loading drafter model", _words("loading drafter model")),
        pattern(
            "progress",
            "loading",
            _words(r"loading (?:safetensors|pt|np_cache|npcache) checkpoint shards") + rb"(?=\s{0,4}[:\d])",
        ),
        # The last words of a process that could not begin; after the load they are about something else
        *(
            pattern("failed", words, words.encode(), only_during_load=True, error="LoadFailed")
            for words in (
                "workerproc failed to start",
                "workerproc initialization failed",
                "enginecore failed to start",
                "engine core initialization failed",
                "engine process failed to start",
            )
        ),
        *COMMON,
    ),
    # (EngineCore_DP0 pid=1078), (VllmWorker rank=1 pid=9), (RayWorkerWrapper pid=8, ip=10.20.1.125)
    process=re.compile(
        rb"\([A-Za-z]\w{0,40}(?: \w{1,20}(?:=\d{1,6})?){0,2} pid=(\d{1,9})(?:, ip=[\w.:]{1,64})?\)"
    ),
    shards=True,
    # Requests are logged with their prompts, on one line
    hushed_by=re.compile(rb"received request [^\r\n]{0,300}?prompt: |\bprompt: ['\"]", re.IGNORECASE),
)
"""vLLM, alone or with one process for each part of a model that is split among devices."""

SENTENCE_TRANSFORMERS: Final = Profile(
    "sentence-transformers",
    (
        # Up to 5: Load pretrained SentenceTransformer: all-MiniLM-L6-v2
        pattern(
            "started", "load pretrained", _words("load pretrained ") + _ENCODER + rb"\s{0,2}:\s{0,4}" + _NAMED
        ),
        # From 6 on one of three, by what the folder holds
        pattern("started", "loading", rb"loading" + _S + _ENCODER + _words(" model from ") + _NAMED),
        pattern(
            "started",
            "no modules.json found for",
            rb"no modules\.json found for\s{1,4}" + _NAMED + rb", initializing",
        ),
        pattern(
            "started",
            "converting",
            rb"converting" + _S + _ENCODER + _words(" model ") + _NAMED + _words(" to ") + _ENCODER,
        ),
        pattern("progress", "no sentence-transformers model found", rb"no sentence-transformers model found"),
        *COMMON,
    ),
    tells_ends=False,
)
"""sentence-transformers, which logs that a load begins and never that it has ended."""

TRANSFORMERS: Final = Profile("transformers", COMMON, tells_ends=False)
"""Only what transformers itself prints: progress and errors, and neither the begin of a load nor its end."""

PROFILES: Final[Mapping[str, Profile]] = {
    each.name: each for each in (FEEDLYAI, VLLM, SENTENCE_TRANSFORMERS, TRANSFORMERS)
}
"""Profiles of strangers by name."""

AUTOMATIC: Final = (FEEDLYAI, VLLM, SENTENCE_TRANSFORMERS)
"""Tried when none is named, the first before the second: see `dashboard.timeline`. What `transformers` tells
is common to all of them."""
