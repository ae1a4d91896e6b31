"""Finding lines of the live log: filter, highlight, patterns, context, chips."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import texts

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.e2e.log_fixtures"]


def test_the_filter_shows_matching_lines_in_any_case(open_log, log):
    page = open_log()
    log.write("INFO one", "INFO Tensor [a.b*", "INFO tensor [A.B*", "INFO axb*")
    page.locator(".filter").fill("tensor [a.b*")
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".matches")).to_have_text("2 matches")


def test_matches_are_marked(open_log, log):
    page = open_log()
    log.write("INFO a tensor and a Tensor")
    page.locator(".filter").fill("tensor")
    expect(page.locator(".row mark")).to_have_text(["tensor", "Tensor"])


def test_invert_shows_the_other_lines(open_log, log):
    page = open_log()
    log.write("INFO one", "INFO two", "INFO three")
    page.locator(".filter").fill("two")
    page.get_by_role("button", name="Invert").click()
    expect(page.locator(".row .text")).to_have_text(["INFO one", "INFO three"])


def test_new_lines_pass_through_the_filter_too(open_log, log):
    page = open_log()
    page.locator(".filter").fill("wanted")
    log.write("INFO wanted", "INFO other", "INFO wanted again")
    expect(page.locator(".row")).to_have_count(2)


def test_levels_can_be_left_out(open_log, log):
    page = open_log()
    log.write("INFO one", "ERROR two", "WARNING three", "DEBUG four", "five")
    expect(page.locator(".row")).to_have_count(5)
    page.locator(".chip.info").click()
    page.locator(".chip.other").click()
    expect(page.locator(".row .level")).to_have_text(["E", "W", "D"])


def test_streams_can_be_left_out(open_log, log):
    page = open_log()
    log.write("to stdout", "[stderr] to stderr")
    expect(page.locator(".row")).to_have_count(2)
    page.locator(".chip.stdout").click()
    expect(page.locator(".row .text")).to_have_text(["[stderr] to stderr"])


def test_a_filter_that_hides_everything_says_so_and_offers_the_way_back(open_log, log):
    page = open_log()
    log.write("INFO one")
    page.locator(".filter").fill("nothing like it")
    expect(page.get_by_text("No line passes the filter.")).to_be_visible()
    page.get_by_role("button", name="Show all lines").click()
    expect(page.locator(".row")).to_have_count(1)


def test_the_slash_key_goes_to_the_filter(open_log):
    page = open_log()
    page.keyboard.press("/")
    expect(page.locator(".filter")).to_be_focused()


def test_typing_in_the_filter_does_not_trigger_the_page_s_own_keys(open_log, log):
    page = open_log()
    page.locator(".filter").press_sequentially("rc")
    expect(page.locator(".filter")).to_have_value("rc")
    expect(page.get_by_role("dialog")).to_have_count(0)


# ---------------------------------------------------------------- highlight


def highlight(page, text):
    page.get_by_role("button", name="Highlight").click()
    page.locator(".filter").fill(text)


def test_highlight_keeps_all_lines_and_marks_what_is_found(open_log, log):
    page = open_log()
    log.write("INFO one", "INFO two", "INFO three")
    highlight(page, "two")
    expect(page.locator(".row mark")).to_have_text(["two"])
    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator(".matches")).to_have_text("1 match")


def test_enter_goes_from_hit_to_hit_and_round_again(open_log, log):
    page = open_log()
    log.write(*(f"INFO line {number}{' here' if number % 100 == 50 else ''}" for number in range(300)))
    highlight(page, "here")
    expect(page.locator(".matches")).to_have_text("3 matches")
    page.locator(".view").evaluate("view => view.scrollTop = 0")
    for place, number in ((1, 50), (2, 150), (3, 250), (1, 50)):
        page.locator(".filter").press("Enter")
        expect(page.locator(".matches")).to_have_text(f"{place} of 3")
        expect(page.locator(".row.current .text")).to_have_text(f"INFO line {number} here")
        expect(page.locator(".row.current")).to_be_in_viewport()


def test_shift_enter_and_the_buttons_go_both_ways(open_log, log):
    page = open_log()
    log.write(*(f"INFO hit {number}" for number in range(1, 6)))
    highlight(page, "hit")
    expect(page.locator(".matches")).to_have_text("5 matches")
    page.locator(".filter").press("Enter")
    page.locator(".filter").press("Shift+Enter")
    expect(page.locator(".matches")).to_have_text("5 of 5")
    page.get_by_role("button", name="Previous hit").click()
    expect(page.locator(".matches")).to_have_text("4 of 5")
    page.get_by_role("button", name="Next hit").click()
    expect(page.locator(".matches")).to_have_text("5 of 5")


def test_the_keys_n_go_from_hit_to_hit_while_the_list_has_the_focus(open_log, log):
    page = open_log()
    log.write("INFO hit 1", "INFO other", "INFO hit 2")
    highlight(page, "hit")
    expect(page.locator(".matches")).to_have_text("2 matches")
    page.locator(".view").focus()
    page.keyboard.press("n")
    page.keyboard.press("n")
    expect(page.locator(".matches")).to_have_text("2 of 2")
    page.keyboard.press("Shift+N")
    expect(page.locator(".matches")).to_have_text("1 of 2")


def test_new_lines_are_marked_and_counted_too(open_log, log):
    page = open_log()
    log.write("INFO hit 1")
    highlight(page, "hit")
    expect(page.locator(".matches")).to_have_text("1 match")
    log.write("INFO hit 2", "INFO other")
    expect(page.locator(".matches")).to_have_text("2 matches")
    expect(page.locator(".row mark")).to_have_count(2)


def test_invert_finds_the_other_lines_when_highlighting_too(open_log, log):
    page = open_log()
    log.write("INFO hit 1", "INFO other", "INFO hit 2")
    highlight(page, "hit")
    page.get_by_role("button", name="Invert").click()
    page.locator(".filter").press("Enter")
    expect(page.locator(".row.current .text")).to_have_text("INFO other")
    expect(page.locator(".row")).to_have_count(3)


def test_escape_clears_the_search_from_the_list_too(open_log, log):
    page = open_log()
    log.write("INFO one", "INFO two")
    page.locator(".filter").fill("two")
    expect(page.locator(".row")).to_have_count(1)
    page.locator(".view").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".filter")).to_have_value("")


# ---------------------------------------------------------------- patterns


def pattern(page, text):
    button = page.get_by_role("button", name="Regex")
    if button.get_attribute("aria-pressed") == "false":
        button.click()
    page.locator(".filter").fill(text)


def test_a_pattern_finds_in_any_case_and_marks_what_it_matched(open_log, log):
    page = open_log()
    log.write("INFO GET /a 200", "INFO get /b 404", "INFO put /c 200")
    pattern(page, r"get \S+ \d{3}")
    expect(texts(page)).to_have_text(["INFO GET /a 200", "INFO get /b 404"])
    expect(page.locator(".row mark")).to_have_text(["GET /a 200", "get /b 404"])


def test_a_pattern_is_tried_on_new_lines_too(open_log, log):
    page = open_log()
    pattern(page, r"^INFO \d+$")
    log.write("INFO 1", "INFO other", "INFO 22")
    expect(texts(page)).to_have_text(["INFO 1", "INFO 22"])


def test_a_pattern_may_be_inverted(open_log, log):
    page = open_log()
    log.write("INFO 1", "INFO other", "INFO 22")
    pattern(page, r"\d")
    page.get_by_role("button", name="Invert").click()
    expect(texts(page)).to_have_text(["INFO other"])


def test_a_wrong_pattern_says_so_and_keeps_the_last_result(open_log, log):
    page = open_log()
    log.write("INFO 1", "INFO other", "INFO 22")
    pattern(page, r"\d\d")
    expect(texts(page)).to_have_text(["INFO 22"])
    page.locator(".filter").fill(r"\d\d(")
    expect(page.locator(".notice")).to_have_text(re.compile("Not a pattern yet: Unterminated group"))
    expect(texts(page)).to_have_text(["INFO 22"])
    log.write("INFO 33", "INFO 4")
    expect(texts(page)).to_have_text(["INFO 22", "INFO 33"])
    page.locator(".filter").fill(r"\d")
    expect(page.locator(".notice")).to_be_hidden()
    expect(page.locator(".row")).to_have_count(4)


def test_a_pattern_that_never_ends_does_not_hang_the_page(open_log, log):
    page = open_log()
    log.write("INFO " + "a" * 60 + "!", "INFO other")
    pattern(page, "other")
    expect(page.locator(".row")).to_have_count(1)
    page.locator(".filter").fill(r"(a+)+$")
    expect(page.locator(".matches")).to_have_text("Searching…")
    log.write("INFO another")
    expect(page.locator(".count")).to_have_text("1 of 3 lines")  # the page goes on meanwhile
    expect(page.locator(".notice")).to_have_text(re.compile("takes too long on this log"))
    expect(texts(page)).to_have_text(["INFO other", "INFO another"])


def test_a_line_that_a_good_pattern_chokes_on_is_told_and_left_out(open_log, log):
    page = open_log()
    log.write("INFO aaa")
    pattern(page, r"(a+)+$")
    expect(page.locator(".row mark")).to_have_text(["aaa"])
    log.write("INFO " + "a" * 60 + "!")
    expect(page.locator(".notice")).to_have_text(re.compile("1 line not searched"))
    log.write("INFO aa")
    expect(texts(page)).to_have_text(["INFO aaa", "INFO aa"])


def test_without_a_worker_a_pattern_is_refused_in_words(open_log, log):
    forbid = "window.Worker = class { constructor() { throw new Error('no') } }"
    page = open_log(prepare=lambda page: page.add_init_script(forbid))
    log.write("INFO one", "INFO two")
    pattern(page, "one")
    expect(page.locator(".notice")).to_have_text(re.compile("lets no worker run"))
    expect(page.locator(".row")).to_have_count(2)


def test_the_text_of_a_pattern_is_only_text_without_the_switch(open_log, log):
    page = open_log()
    log.write("INFO a.c", "INFO abc")
    page.locator(".filter").fill("a.c")
    expect(texts(page)).to_have_text(["INFO a.c"])


# ---------------------------------------------------------------- context


def context(page, lines):
    page.get_by_label("Lines of context").select_option(str(lines))


def test_context_shows_the_lines_round_each_hit_and_what_is_left_out(open_log, log):
    page = open_log()
    log.write(*(f"INFO {n:02d}{' hit' if n in (3, 5, 12) else ''}" for n in range(16)))
    page.locator(".filter").fill("hit")
    context(page, 2)
    shown = ["01", "02", "03 hit", "04", "05 hit", "06", "07", "10", "11", "12 hit", "13", "14"]
    expect(texts(page)).to_have_text([f"INFO {text}" for text in shown])
    expect(page.locator(".row.dim")).to_have_count(9)
    expect(page.get_by_label("Lines left out")).to_have_count(1)
    expect(page.locator(".matches")).to_have_text("3 matches")


def test_lines_before_a_hit_that_comes_later_are_brought_back(open_log, log):
    page = open_log()
    page.locator(".filter").fill("hit")
    context(page, 2)
    log.write(*(f"INFO {n}" for n in range(10)))
    expect(page.locator(".count")).to_have_text("0 of 10 lines")
    log.write("INFO hit")
    expect(texts(page)).to_have_text(["INFO 8", "INFO 9", "INFO hit"])
    log.write("INFO after 1", "INFO after 2", "INFO after 3")
    expect(page.locator(".count")).to_have_text("5 of 14 lines")
    log.write("INFO hit again")
    shown = ["8", "9", "hit", "after 1", "after 2", "after 3", "hit again"]
    expect(texts(page)).to_have_text([f"INFO {text}" for text in shown])
    expect(page.get_by_label("Lines left out")).to_have_count(0)


def test_context_is_for_the_filter_only(open_log):
    page = open_log()
    expect(page.get_by_label("Lines of context")).to_be_enabled()
    page.get_by_role("button", name="Highlight").click()
    expect(page.get_by_label("Lines of context")).to_be_disabled()
