from __future__ import annotations

import threading

import pytest

from dashboard import language
from dashboard.language import _, filled, known, moment, n_, number, speaking, tag
from dashboard.retold import Sentence, told

NOON = 1_795_400_000.0  # 23 November 2026 in every time zone


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A small catalogue in the place of the console's own."""
    (tmp_path / "ko.po").write_text(
        """
msgid "Log of {name}"
msgstr "{name} 로그"

msgid "{count} variant"
msgid_plural "{count} variants"
msgstr[0] "변형 {count}개"

msgctxt "told"
msgid "{loads} failed{where} and none succeeded."
msgstr "{loads}가 실패했고{where} 성공한 로드가 없습니다."

msgctxt "told"
msgid "{count} loads"
msgstr "로드 {count}회"

msgctxt "told"
msgid "in worker {boot}"
msgstr "(워커 {boot})"

msgctxt "told"
msgid "Launch it again."
msgstr "다시 실행하세요."
""",
        "utf-8",
    )
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    _forget()
    yield
    _forget()


def _forget():
    from dashboard import retold

    for cached in (language.catalogue, language.translations, retold.sentences, retold._reading):
        cached.cache_clear()


# ------------------------------------------------------------------ who speaks what


def test_nobody_who_chose_speaks_english():
    assert language.language() == "en"
    assert _("Log of {name}", name="web-1") == "Log of web-1"


def test_a_block_speaks_its_language_and_gives_it_back(catalogue):
    with speaking("ko"):
        assert _("Log of {name}", name="web-1") == "web-1 로그"
    assert _("Log of {name}", name="web-1") == "Log of web-1"


def test_two_viewers_speak_their_own_at_the_same_time(catalogue):
    both, heard = threading.Barrier(2), {}

    def view(name):
        with speaking(name):
            both.wait(60)
            heard[name] = n_("{count} variant", "{count} variants", 5)
            both.wait(60)

    threads = [threading.Thread(target=view, args=(name,)) for name in ("en", "ko")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"en": "5 variants", "ko": "변형 5개"}


def test_a_tab_is_asked_for_its_language_unless_a_block_speaks(catalogue, monkeypatch):
    monkeypatch.setattr(language, "_viewer", lambda: "ko")
    assert _("Log of {name}", name="web-1") == "web-1 로그"
    with speaking("en"):
        assert _("Log of {name}", name="web-1") == "Log of web-1"


@pytest.mark.parametrize(
    ("name", "means"),
    [("ko", "ko"), ("ko-KR", "ko"), ("KO_kr", "ko"), ("en-GB", "en"), ("de", None), ("", None), (None, None)],
)
def test_a_browsers_language_is_one_of_the_consoles_or_none(name, means):
    assert known(name) == means


def test_a_language_that_is_none_of_the_consoles_is_english():
    with speaking("../../etc"):
        assert language.language() == "en"


# ------------------------------------------------------------------ words, numbers, times


def test_what_is_not_translated_is_said_in_english(catalogue):
    with speaking("ko"):
        assert _("A new page") == "A new page"


@pytest.mark.parametrize(("count", "says"), [(1, "1 variant"), (2, "2 variants"), (1000, "1,000 variants")])
def test_a_count_takes_its_noun_along(count, says):
    assert n_("{count} variant", "{count} variants", count) == says


def test_braces_that_are_no_place_stay():
    assert filled("{n} of {total}: {}", {"total": 3}) == "{n} of 3: {}"


def test_a_value_with_braces_is_not_filled_again():
    assert filled("{name}", {"name": "{boot}", "boot": "x"}) == "{boot}"


@pytest.mark.parametrize(
    ("value", "digits", "says"),
    [(1234, 0, "1,234"), (0.126, 2, "0.13"), (1234.5, 1, "1,234.5"), (3, 2, "3.00")],
)
def test_numbers_have_their_thousands_and_digits(value, digits, says):
    assert number(value, digits) == says


def test_a_moment_is_written_as_the_language_writes_dates():
    with speaking("en@UTC"):
        assert moment(NOON, "dd MMM y") == "23 Nov 2026 UTC"
    with speaking("ko@UTC"):
        assert moment(NOON, "y년 M월 d일 EEEE") == "2026년 11월 23일 월요일 UTC"


# ------------------------------------------------------------------ what was said far from any page


def test_a_sentence_is_found_again_with_what_stands_in_it(catalogue):
    with speaking("ko"):
        assert told("2 loads failed in worker 3f9c1a and none succeeded.") == (
            "로드 2회가 실패했고 (워커 3f9c1a) 성공한 로드가 없습니다."
        )


def test_sentences_in_a_row_are_told_one_by_one(catalogue):
    with speaking("ko"):
        assert told("2 loads failed in worker a and none succeeded. Launch it again.").endswith(
            "성공한 로드가 없습니다. 다시 실행하세요."
        )


def test_a_text_of_which_half_is_known_stays_whole(catalogue):
    text = "Nobody knows this sentence. Launch it again."
    with speaking("ko"):
        assert told(text) == text


def test_marks_and_dots_between_keep_their_places(catalogue):
    with speaking("ko"):
        assert told("✕ Launch it again. · 2 loads") == "✕ 다시 실행하세요. · 로드 2회"


def test_english_is_told_as_it_is(catalogue):
    assert told("Launch it again.") == "Launch it again."


def test_a_place_for_a_count_takes_no_word(catalogue):
    with speaking("ko"):
        assert told("more loads") == "more loads"
        assert told("1,000 loads") == "로드 1,000회"


@pytest.mark.parametrize("text", ["", "a", "a failed", " and none succeeded.", "failed and none succeeded"])
def test_what_only_begins_or_ends_like_a_sentence_is_another(text):
    assert Sentence.read("{loads} failed{where} and none succeeded.", "x").match(text) is None


def test_a_short_sentence_is_not_seen_in_whatever_has_its_word(catalogue):
    with speaking("ko"):
        assert told("in worker 3f9c1a") == "(워커 3f9c1a)"
        assert told("in worker some other text of nobody") == "in worker some other text of nobody"


def test_a_long_text_of_somebody_else_is_not_tried_for_ever(catalogue):
    text = "A line. " * 5_000
    with speaking("ko"):
        assert told(text) == text


@pytest.mark.parametrize(
    ("place", "clock"),
    [
        ("Asia/Seoul", "11:13 UTC+9"),
        ("Asia/Kolkata", "07:43 UTC+5:30"),
        ("America/New_York", "21:13 UTC−5"),
        ("UTC", "02:13 UTC"),
    ],
)
def test_a_moment_is_told_by_the_viewers_clock_with_its_zone(place, clock):
    with speaking(f"en@{place}"):
        assert moment(NOON, "HH:mm") == clock
        assert tag() == f"en@{place}"


def test_a_zone_that_nobody_knows_is_this_machines_own():
    with speaking("en"):
        here = moment(NOON, "HH:mm")
    with speaking("en@Nowhere/../../etc/passwd"):
        assert moment(NOON, "HH:mm") == here
