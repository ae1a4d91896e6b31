"""The names that the audit knows: what makes a lock, what finishes a model, what decorates."""

from __future__ import annotations

import re
from typing import Final

from dashboard.auditing.values import LockKind

__all__ = [
    "A_MODEL",
    "CACHES",
    "CHEAP",
    "FINISHING",
    "GETTERS",
    "HARMLESS",
    "HOLDERS",
    "HOOKS",
    "LOOKS_LIKE_A_GUARD",
    "LOOKS_LIKE_A_LOCK",
    "MAKES_CONTAINERS",
    "MAKES_OBJECTS",
    "OURS",
    "PER_REQUEST",
    "POOLS",
    "SINGLE_FLIGHT",
    "STARTUP",
    "TAKES_FUNCTIONS",
    "lock_kind",
]

_LOCKS: Final[dict[str, LockKind]] = {
    **{f"threading.{name}": "thread" for name in ("Lock", "RLock", "Condition", "_RLock", "_CRLock")},
    **{f"multiprocessing.{name}": "thread" for name in ("Lock", "RLock", "Condition")},
    **{f"{package}.Lock": "async" for package in ("asyncio", "anyio", "trio", "aiorwlock")},
    **{f"filelock.{name}": "thread" for name in ("FileLock", "SoftFileLock", "UnixFileLock")},
    "_thread.allocate_lock": "thread",
    "thread.allocate_lock": "thread",
    "gevent.lock.RLock": "thread",
    "asyncio.Condition": "async",
    "fasteners.InterProcessLock": "thread",
    "portalocker.Lock": "thread",
}
_SEMAPHORES: Final[dict[str, LockKind]] = {
    **{f"threading.{name}": "thread" for name in ("Semaphore", "BoundedSemaphore")},
    **{f"multiprocessing.{name}": "thread" for name in ("Semaphore", "BoundedSemaphore")},
    **{f"asyncio.{name}": "async" for name in ("Semaphore", "BoundedSemaphore")},
}
ACROSS_PROCESSES: Final = ("filelock.", "fasteners.", "portalocker.")
"""Locks by a file's name: two objects of one name exclude each other."""


def lock_kind(name: str, amount: object) -> LockKind | None:
    """Return what kind of lock the call of `name` makes; a semaphore's is the kind for that `amount`."""
    if name in _SEMAPHORES:
        return _SEMAPHORES[name] if amount in (None, 1) else "several"
    return _LOCKS.get(name)


FINISHING: Final = frozenset(
    [
        "to",
        "eval",
        "cuda",
        "cpu",
        "half",
        "float",
        "double",
        "bfloat16",
        "load_state_dict",
        "load_weights",
        "requires_grad_",
        "tie_weights",
        "fuse",
        "resize_token_embeddings",
        "load_adapter",
        "set_adapter",
        "merge_and_unload",
        "load_lora_weights",
        "fuse_lora",
        "quantize",
        "share_memory",
        "to_empty",
        "enable_model_cpu_offload",
        "enable_sequential_cpu_offload",
        "add_adapter",
        "warmup",
        "warm_up",
        "enable_xformers_memory_efficient_attention",
        "enable_attention_slicing",
        "initialize",
        "init",
        "build",
        "prepare",
        "setup",
        "load",
        "load_model",
        "compile",
        "train",
        "set_default_language",
    ]
)
"""Methods after which a model is another one, or only then ready."""

CACHES: Final = frozenset(
    [
        "functools.lru_cache",
        "functools.cache",
        "cachetools.cached",
        "cachetools.cachedmethod",
        "cachetools.func.lru_cache",
        "cachetools.func.ttl_cache",
        "cachetools.func.lfu_cache",
        "methodtools.lru_cache",
        "async_lru.alru_cache",
        "aiocache.cached",
        "streamlit.cache_data",
        "streamlit.experimental_memo",
        "joblib.Memory.cache",
        "django.utils.functional.cached_property",
        "werkzeug.utils.cached_property",
        "functools.cached_property",
        "cached_property.cached_property",
        "boltons.cacheutils.cached",
        "lru_cache",
        "cache",
        "cached_property",
    ]
)
"""Decorators that keep a result and let every caller compute it that comes before it is there."""

SINGLE_FLIGHT: Final = frozenset(
    [
        "streamlit.cache_resource",
        "streamlit.experimental_singleton",
        "cached_property.threaded_cached_property",
        "gradio.cache",
    ]
)
"""Decorators that make the others wait for the first."""

PER_REQUEST: Final = frozenset(
    {"flask.g", "streamlit.session_state", "flask.session", "quart.g", "sanic.request", "gradio.State"}
)
HOLDERS: Final = {
    "threading.local": "thread",
    "werkzeug.local.Local": "request",
    "asgiref.local.Local": "request",
    "gevent.local.local": "thread",
    "contextvars.ContextVar": "request",
}
"""What makes an object whose attributes each thread, or request, has for itself."""

POOLS: Final = frozenset(
    {"concurrent.futures.ThreadPoolExecutor", "concurrent.futures.thread.ThreadPoolExecutor"}
)
GETTERS: Final = frozenset({"loader.get_llava_model", "loader.llava.get_llava_model"})
OURS: Final = frozenset({"loader.OnceLoader", "loader.once.OnceLoader", *GETTERS})

LOOKS_LIKE_A_LOCK: Final = re.compile(
    r"lock|mutex|semaphore|(?:^|_)sem(?:$|_)|synchron|critical", re.IGNORECASE
)
LOOKS_LIKE_A_GUARD: Final = re.compile(
    r"once|singleton|synchron|lock|cache|memo|single_?flight|lazy|thread_?safe", re.IGNORECASE
)
A_MODEL: Final = re.compile(
    r"model|pipe|llm|llava|clip|bert|whisper|engine|encoder|embed|processor|tokeni[sz]er|weights|checkpoint"
    r"|predictor|detector|classifier|generator|reranker|vision|nlp|ocr|tts|asr",
    re.IGNORECASE,
)
HARMLESS: Final = re.compile(
    r"(?:^|\.)(?:wraps|no_grad|inference_mode|autocast|retry|override|overload|deprecated|contextmanager"
    r"|asynccontextmanager|abstractmethod|task|shared_task|route|get|post|put|websocket|command|callback)$"
)
STARTUP: Final = re.compile(
    r"on_startup|startup|lifespan|worker_(?:process_)?init|worker_ready|before_serving|before_server_start"
)
"""Hooks that run once, before requests come."""
HOOKS: Final = frozenset({"post_fork", "when_ready", "on_starting", "post_worker_init"})
"""… and those of gunicorn, which are known by their names."""

TAKES_FUNCTIONS: Final = frozenset(
    [
        "to_thread",
        "run_in_executor",
        "run_in_threadpool",
        "submit",
        "run_sync",
        "Thread",
        "partial",
        "map",
        "apply_async",
        "run_until_complete",
        "run",
        "create_task",
        "ensure_future",
        "gather",
        "wait_for",
        "sync_to_async",
        "async_to_sync",
        "Timer",
    ]
)
"""Calls that run the function that they are given."""

MAKES_OBJECTS: Final = frozenset({"super.__new__", "object.__new__"})
MAKES_CONTAINERS: Final = frozenset(
    [
        "dict",
        "list",
        "set",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "weakref.WeakValueDictionary",
        "weakref.WeakKeyDictionary",
        "cachetools.TTLCache",
        "cachetools.LRUCache",
        "cachetools.LFUCache",
        "types.SimpleNamespace",
    ]
)
CHEAP: Final = re.compile(
    r"(?:time|os|sys|logging|datetime|pathlib|random|uuid|math|re|json|gc|warnings|traceback|typing|string"
    r"|collections|itertools|functools|contextlib|inspect|platform|psutil|threading|asyncio|multiprocessing"
    r"|concurrent|queue|dotenv|pydantic|fastapi|flask|starlette|prometheus_client|structlog|loguru)\..*"
    r"|print|len|str|int|float|bool|repr|type|id|isinstance|issubclass|hasattr|callable|range|enumerate|zip|min"
    r"|max|sum|sorted|reversed|list|dict|set|tuple|frozenset|format|open|iter|next|vars|dir|any|all|abs|round"
    r"|logger\..*|log\..*|torch\.cuda\.(?:is_available|device_count|empty_cache|synchronize)|torch\.device"
    r"|torch\.(?:bfloat16|float16|float32|dtype)|.*Config|super"
)
"""What is called without anything big being made."""
