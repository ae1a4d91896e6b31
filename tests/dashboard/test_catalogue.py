"""Every word of the console has its Korean, and none is left over: `python -m tests.messages` mends most."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from dashboard.language import TOLD, speaking
from dashboard.remedies import REMEDIES
from dashboard.retold import told
from tests.corpus.judged import NAMES, content, judged
from tests.messages import DASHBOARD, FAR, NEAR, far_messages, kept, own_messages, translated, wanted

PLACE = re.compile(r"\{\w+\}")
ENGLISH_WORDS = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")
QUOTED = re.compile(r"“[^”]*”|`[^`]*`|\([^()]*\)")
MEND = "run `python -m tests.messages`, and write the Korean into dashboard/languages/ko.po"
SHOWING = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "form_submit_button",
    "header", "info", "markdown", "metric", "multiselect", "number_input", "page_link", "pills", "popover",
    "radio", "segmented_control", "selectbox", "subheader", "success", "text_area", "text_input", "title",
    "toast", "toggle", "warning",
}  # fmt: skip
"""Calls of Streamlit whose first argument, or one of these by name, is read by an operator."""
READ_BY_NAME = {"label", "help", "placeholder", "title", "body"}
PAGES = sorted(
    path
    for path in (*DASHBOARD.glob("app_pages/*.py"), *DASHBOARD.glob("*_desk.py"), DASHBOARD / "frame.py")
    if path.name not in ("alert_desk.py", "probe_desk.py", "sweep_desk.py")  # no widget in them: see FAR
)


@cache
def catalogue():
    return kept()


def keys(messages):
    return {(message.id, message.context) for message in messages if message.id}


def test_nothing_that_is_said_lacks_its_korean():
    known = {(message.id, message.context) for message in catalogue() if message.id and translated(message)}
    missing = sorted(str(key) for key in keys(wanted()) - known)
    assert not missing, f"{len(missing)} without Korean; {MEND}: {missing[:10]}"


def test_the_catalogue_holds_nothing_that_nobody_says():
    dead = sorted(str(key) for key in keys(catalogue()) - keys(wanted()))
    assert not dead, f"{len(dead)} are said no more; {MEND}: {dead[:10]}"


def test_a_translation_has_the_places_of_its_english():
    wrong = []
    for message in catalogue():
        if not message.id:
            continue
        english = message.id if isinstance(message.id, str) else message.id[-1]
        korean = [message.string] if isinstance(message.string, str) else message.string
        wrong += [english for each in korean if set(PLACE.findall(each)) != set(PLACE.findall(english))]
    assert not wrong


def test_no_translation_is_a_guess():
    assert not [message.id for message in catalogue() if message.id and message.fuzzy]


def test_what_is_told_from_afar_was_found_in_every_module_that_is_listed():
    assert {name for name in NEAR if not (DASHBOARD / name).exists()} == set()
    assert [pattern for pattern in FAR if not list(DASHBOARD.glob(pattern))] == []
    assert len(far_messages()) > 500
    assert len(own_messages()) > 200


# ------------------------------------------------------------------ no literal escapes


def bare_literals(path):
    """Return the texts of words that a page hands to Streamlit as they are, with their lines."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in SHOWING or ast.unparse(node.func.value) == "_LOG":
            continue
        first = node.args[:1] if node.func.attr != "page_link" else []  # that is where it leads
        read = [*first, *(each.value for each in node.keywords if each.arg in READ_BY_NAME)]
        found += [(node.lineno, text) for argument in read for text in literals(argument)]
    return found


def literals(node):
    if isinstance(node, ast.Constant):
        parts = [node.value] if isinstance(node.value, str) else []
    elif isinstance(node, ast.JoinedStr):
        parts = [each.value for each in node.values if isinstance(each, ast.Constant)]
    elif isinstance(node, ast.IfExp | ast.BoolOp):
        inner = (node.body, node.orelse) if isinstance(node, ast.IfExp) else node.values
        return [text for each in inner for text in literals(each)]
    else:
        return []
    # Marks of Markdown, icons and names of things are in no language
    bare = (re.sub(r":[a-z/_]+:|:(small|gray|red|green|orange|blue)\[|`[^`]*`", "", part) for part in parts)
    return [text for text in bare if re.search(r"[A-Za-z]{3,}", text)]


NAMES_IN_NO_LANGUAGE = {
    "services.llava_service:get_llava_model",
    "meta tensor|OOM",
    "targets.toml",
    '[containers]\nallow = ["feedlyai-work-yh"]',
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_word_on_a_page_escapes_translation(path):
    assert [(line, text) for line, text in bare_literals(path) if text not in NAMES_IN_NO_LANGUAGE] == []


def test_a_bare_literal_would_be_found(tmp_path):
    page = tmp_path / "page.py"
    page.write_text('st.title("Launch")\nst.info(why or f"{name} is gone", help=_("fine"))\n', "utf-8")
    assert bare_literals(page) == [(1, "Launch"), (2, " is gone")]


# ------------------------------------------------------------------ what is really said


@pytest.mark.parametrize("name", NAMES)
def test_each_verdict_on_the_corpus_is_told_in_korean(name):
    found = judged(content(name))
    texts = [reason.text for reason in found.verdict.reasons]
    texts += [text for finding in found.findings for text in (finding.cause, finding.cure)]
    with speaking("ko"):
        told_texts = [told(text) for text in texts]
    for text, korean in zip(texts, told_texts, strict=True):
        assert re.search(r"[가-힣]", korean), text
        assert not ENGLISH_WORDS.search(QUOTED.sub("", korean)), korean


@pytest.mark.parametrize("code", REMEDIES)
def test_each_cause_and_cure_is_told_in_korean(code):
    remedy = REMEDIES[code]
    with speaking("ko"):
        for text in (remedy.cause, remedy.cure):
            assert told(text) != text
            assert not ENGLISH_WORDS.search(QUOTED.sub("", told(text)))


def test_the_guides_own_terms_are_the_guides():
    words = {message.id: message.string for message in catalogue() if isinstance(message.id, str)}
    assert words["Model loading completed"] == "모델 로딩 완료"
    assert words["Meta tensor errors: {count}"].format(count=0) == "Meta tensor 오류: 0회"
    lock = words["See that the lock is in the code: double-checked locking"]
    assert "이중 확인 잠금" in lock
    assert "락" in lock


def test_a_told_sentence_and_a_pages_own_word_are_kept_apart():
    contexts = {message.context for message in catalogue() if message.id}
    assert contexts == {None, TOLD}
