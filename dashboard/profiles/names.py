"""The model that a start names: what stands behind its words, if that is the name of a model at all.

Two starts that name two models are two counts, so a word that names none must not pass for a name: who loads,
on what, for whom, how often. A word that may be either is `vague`: it opens a count, and proves nothing.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["VAGUE", "ModelName", "name_of", "named_behind", "same_name"]

_NAME: Final = re.compile(
    rb"\s{0,4}(?:[:=]|(\()|from\s)[\s\"'\[(]{0,4}"
    rb"(?:(?:model(?:_id|_name|_path)?|name|path|checkpoint|repo(?:_id)?)=[\"']?)?"
    rb"([^\s\"'\[\](),;|<>{}]{1,256})(?=(\s|[\[(,;|<{])?)",
    re.IGNORECASE,
)
_NO_NAME: Final = re.compile(
    # who, for whom
    rb"(?:[^/\\]{0,40}[-_.])?(?:(?:thread|executor|pool|worker|variant|job|request|req|task|process|runner|replica"
    rb"|session|attempt|client|user|trace|retry)[a-z]{0,24}\d{0,9})(?:[-_=:#.(][^/\\]{0,200})?"
    rb"|(?:pid|try|gpu|cuda|cpu|mps|device|rank|id|main|dummy|anyio|asyncio|auto|none)(?:[-_=:#.][^/\\]{0,200}|\d{0,9})"
    # numbers, times, hashes, and settings
    rb"|#?[\d./:,tz+#-]{1,64}|(?:0x)?[\da-f]{6,64}|[\da-f-]{36}|.{0,64}=.{0,200}"
    rb"|(?:torch\.)?(?:b?float\d{0,2}|b?fp?(?:8|16|32)|u?int[48]|[48]-?bits?|half|double)"
    # words
    rb"|(?:start|begin|wait|initiali[sz]|load|us)(?:s|ed|ing|e)?|on|for|by|in|at|to|with|from|via|the|this|please"
    rb"|now|again|first|second|third|time|done|ok|ready|new|once|true|false|null|[^\x00-\x7f]{1,200}",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a model would and names none: who loads, on what, for whom, or how often."""
_MODEL: Final = re.compile(
    rb"[/\\]|\d[bm](?![a-z])|model|checkpoint|ckpt|\.(?:safetensors|bin|pth?|gguf)$|-hf$|gguf|gptq|awq"
    rb"|llava|llama|vicuna|mi[sx]tral|qwen|internvl|gemma|clip|siglip|blip|whisper|moondream|idefics|pixtral"
    rb"|minicpm|cogvlm|deepseek|molmo|florence|smolvlm|bert|falcon|(?:^|[-_.])(?:vit|phi|opt|gpt|t5|glm|yi|bge|e5)",
    re.IGNORECASE,
)
_MESSAGE: Final = re.compile("downloading|loading|✓|⚠|traceback|info:|error:".encode(), re.IGNORECASE)

VAGUE: Final = "vague"
"""The field of a start whose model's name may be none."""


class ModelName(NamedTuple):
    """A name. `cut`: it may be cut short. `vague`: it may name something else than a model."""

    text: str | None
    cut: bool = False
    vague: bool = False


def name_of(written: str, *, at_the_end: bool) -> ModelName:
    """Return a name that a pattern has found by itself; `at_the_end`: nothing more stands behind it."""
    name = written.rstrip(".,;:…")
    return ModelName(name or None, at_the_end and name == written)


def named_behind(data: bytes, end: int, stop: int) -> ModelName:
    """Return the model that is named behind the words of a start, which end at place `end`."""
    match = _NAME.match(data, end, stop)
    if match is None:
        return ModelName(None)
    written = match[2]
    if _NO_NAME.fullmatch(written.rstrip(b".,;:!")):
        return ModelName(None)
    known = _MODEL.search(written) is not None
    if match[1] is not None and not known:
        return ModelName(None)
    joined = _MESSAGE.search(written, 1)
    told = written if joined is None else written[: joined.start()]
    shown = told.decode("utf-8", "replace").rstrip(".,;:…") or None
    # The line ended, or another began, right behind the name
    return ModelName(shown, shown is not None and match[3] is None, shown is not None and not known)


def same_name(name: str) -> str:
    """Return how a name is compared: services write one model in several ways."""
    return name.casefold().replace("\\", "/").removeprefix("./").rstrip("/") or name
