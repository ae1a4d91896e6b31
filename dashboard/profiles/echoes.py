"""Echoes: words of a load that a line only repeats, and that no load has said.

    a command that searches the log, and the count that it prints    source lines, as a traceback quotes them
    the request line of an access log, and the text of a request     the same record twice on one line of JSON

Where a line cannot tell whether it repeats or says so, the sighting is a doubt (`quoted`): it counts neither
as an event nor as nothing.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from loader.events import EventKind

__all__ = ["Echo", "echo_of", "repeats_a_mark"]

Echo = Literal["none", "doubtful", "sure"]

_NEAR: Final = 240
"""Bytes before a sighting in which the words stand that make it an echo."""
_LOADS: Final = frozenset({"started", "completed"})

_SEARCH: Final = re.compile(
    rb"(?:\b[ef]?grep\s.{0,120}"
    rb"|(?:^|[$#>|+%;&(`]\s{0,4}|\bsudo\s{1,4})(?:rg|ag|ack|awk|gawk|sed|findstr|select-string|echo)\s.{0,120}"
    rb"|(?:\bcount(?:s|ed|ing)?|\bnumber|\btimes|\boccurrences?|\blines?) (?:of|with|for)?\s{0,2}"
    rb"|(?:\blooking|\bsearch(?:ing|ed)?|\bwaiting|\bwatching|\bcheck(?:ing)?) (?:the log )?for\s{1,2})"
    rb"[\"'`(]{0,2}$"
)
_COUNTED: Final = re.compile(
    "[\"'`]?\\s{0,2}(?:(?:count|times|lines|occurrences)\\b|횟수|로그|메시지)".encode(), re.IGNORECASE
)
_CALL: Final = re.compile(rb"(?:\w\(\s{0,4}|(?:^|[\s(])[rbu]?f|^\s{4,80})[rbuf]{0,2}[\"']{1,3}[^\"']{0,80}$")
_PLACEHOLDER: Final = re.compile(
    rb"[\w\s:=(/.-]{0,24}(?:\{[a-z_][\w.\[\]]{0,60}(?:![rsa])?(?::[^}]{0,20})?\}|%[srd]\b)"
)
_ACCESS: Final = re.compile(
    rb"\"(?:get|post|put|patch|delete|head|options) [^\"]{0,220}$"
    rb"|http/[\d.]{1,3}\" \d{3} [\d-]{1,12} \"[^\"]{0,100}(?:\" \"[^\"]{0,100})?$"  # referrer, agent
)
_ASKED: Final = re.compile(
    rb"\b(?:prompts?|questions?|query|queries|instructions?|user[_ ](?:message|input|text)|inputs?"
    rb"|request[_ ]body|payload|caption|headers?|user-agent|referer|file_?name|image(?:[_ ](?:name|url))?"
    rb"|answers?|replies|reply|generated(?:[_ ]text)?)"
    rb"[\"']?\s{0,2}[:=]\s{0,2}(?P<open>\[?[\"'`]|b[\"'])?"
)
_ESCAPED: Final = re.compile(rb"\\.")
_LOGGED: Final = re.compile(rb"\"(?:message|msg|log|event|text|body)\"\s{0,2}:\s{0,2}\"")
_WORDS: Final = re.compile(
    rb"(?P<key>[a-z\x80-\xff][\w@\x80-\xff-]{0,40})[\"']?\s{0,2}[:=]?\s{0,2}(?P<open>[\"'])$"
)
_TOLD_BY: Final = re.compile(
    rb"@?(?:short_|full_)?"
    rb"(?:messages?|msg|log|events?|text|body|line|info|debug|content|data|output|mt?)"
)
"""What a value is called that is the line itself: any other is words that are quoted."""
_NO_START: Final = re.compile(
    rb"(?:(?:un|down|up|off|downloading/)|\b(?:error|failed|failure|exception|while|when|after|before|during"
    rb"|finished|done|completed|stopped|not|skip(?:s|ped|ping)?|avoid(?:s|ed|ing)?|prevent(?:s|ed|ing)?|without"
    rb"|instead of|already|no need (?:for|of)"
    rb"|(?:lock|spent|needed|time|seconds|ms|took)(?: \S{1,12})? (?:for|on|in|of)"
    rb"|took \S{1,12}(?: s| ms| sec| seconds)?"
    rb"|(?:an)?other (?:thread|request|worker|process|caller|call|task|variant)(?: (?:is|was))?(?: still)?"
    rb"|wait(?:s|ed|ing)? (?:for|on|until)(?: \S{1,24}){0,4})[\s:,.]{1,3})$"
)
_NO_LOAD: Final = re.compile(
    rb"[\s:,(-]{0,4}(?:is )?(?:already (?:loaded|in memory|cached|there)|(?:already )?"
    rb"(?:in progress|under way|running|took|finished|done|complete[ds]?|skipped))\b"
)
_DENIED: Final = re.compile(rb"[\"']?\s{0,2}[:=?]\s{0,2}(?:false|no|0|none|null)\b")
_OF_LLAVA: Final = re.compile(
    rb"(?:llava[\w.-]{0,24}(?:\s[\w.-]{1,12}){0,2}|vlm?m?|llm|vision(?:-language)?|language|multi-?modal|image|main|base|default|new"
    rb"|the|our|this|hf|huggingface|transformers|pretrained|quantized|\w{0,3}\d{1,2}(?:-?bits?)?|ai|ml"
    rb"|cuda(?::\d)?|cpu|mps|info|debug|warning|notice|done|ok|success|and)[\"'):\]]{0,2}\s{1,3}$"
)
_WORD: Final = re.compile(rb"[a-z][\w.-]{0,40}\s{1,3}$")
_NAMED: Final = re.compile(
    rb"(?:whisper|clip|siglip|bert|blip|sam|yolo|sdxl|vae|unet|lora|embeddings?|reranker|tts|asr|ocr|tokenizer"
    rb"|processor|diffusion|diarization|detection|segmentation|classifier)[\"')]{0,2}\s{1,3}$"
)
_LEVEL: Final = re.compile(rb"(?:info|debug)?[:\s]{0,12}$")
_LABEL: Final = re.compile(
    rb"\b(?!uvicorn|gunicorn|error|access|msg|message|event)[a-z]{3,40}[\"']?\s{0,2}[:=]\s{0,2}[\"'`]?$"
)
_RECORD: Final = re.compile(rb"\s{0,4}\{\s{0,4}\"text\":")
"""loguru's JSON: the line as text, then once more as `record`."""


def echo_of(kind: EventKind, data: bytes, start: int, end: int) -> Echo:
    """Say whether bytes `start` to `end` of a line only repeat the words of an event of that kind."""
    near = data[max(0, start - _NEAR) : start].lower()
    if _SEARCH.search(near):
        return "sure"
    asked = _of_request(near)
    if kind == "released":
        return "sure" if _is_of_another(data, start, near) else "none"
    if kind not in _LOADS:
        # An error is one wherever it is quoted, but in the text of a request
        return "sure" if asked == "sure" and kind == "meta_tensor_error" else "none"
    after = data[end : end + 80].lower()
    if _COUNTED.match(after) or _is_source(near, after):
        return "sure"
    if _ACCESS.search(near) or (b'"record":' in near and _RECORD.match(data)):
        return "sure"
    if kind == "started" and _is_no_start(data, start, near, after):
        return "sure"
    if kind == "completed" and (_DENIED.match(after) or _is_of_another(data, start, near)):
        return "sure"
    return "doubtful" if _in_quotes(near, after) else asked


def repeats_a_mark(data: bytes, start: int) -> bool:
    """Say whether what a server says of its processes stands in the text of a request, or in a search."""
    near = _LEVEL.sub(b"", data[max(0, start - _NEAR) : start].lower())
    if _SEARCH.search(near) or _ACCESS.search(near) or _of_request(near) != "none":
        return True
    return _LABEL.search(near) is not None and _LOGGED.search(near) is None


def _of_request(near: bytes) -> Echo:
    found: Echo = "none"
    for asked in _ASKED.finditer(near):
        rest, opened = _ESCAPED.sub(b"", near[asked.end() :]), asked["open"]
        if opened is not None and opened[-1:] not in rest:
            return "sure"
        if not _LOGGED.search(rest):
            found = "doubtful"  # behind the quote, or without one: a line of its own may have been joined
    return found


def _in_quotes(near: bytes, after: bytes) -> bool:
    """Say whether the words, and nothing else, stand in quotes that are not those of a message."""
    if near.endswith(b"`"):
        return after.startswith(b"`")
    words = _WORDS.search(near)
    return words is not None and after.startswith(words["open"]) and not _TOLD_BY.fullmatch(words["key"])


def _is_source(near: bytes, after: bytes) -> bool:
    """Say whether this is a line of source code, as a traceback quotes it."""
    return bool(_CALL.search(near) or ((b"{" in after or b"%" in after) and _PLACEHOLDER.match(after)))


def _is_no_start(data: bytes, start: int, near: bytes, after: bytes) -> bool:
    # Words before a start's own make it something else only before a small "loading": threads join their
    # lines without a space, and then whatever stands before a capital belongs to another message.
    if data[start : start + 1] == b"l" and _NO_START.search(near) is not None:
        return True
    return _NO_LOAD.match(after) is not None


def _is_of_another(data: bytes, start: int, near: bytes) -> bool:
    """Say whether the word before `model loaded` names another model, or makes a wish of it."""
    if _NAMED.search(near):
        return True
    word = _WORD.search(near)
    if data[start : start + 1] != b"m" or word is None:
        return False
    cut = word.start() == 0 and b"llava".endswith(word[0].strip())  # the line before ends with its begin
    return not cut and _OF_LLAVA.search(near) is None
