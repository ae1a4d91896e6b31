"""The live log in a real browser: it follows, holds its place, and survives the console's restart."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import STARTED, LogFile, numbers_seen, row, scroll_up

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.e2e.log_fixtures"]


# ---------------------------------------------------------------- following


def test_a_new_line_is_shown_without_a_rerun_of_the_page(open_log, log):
    page = open_log()
    log.write("INFO the newest line")
    expect(row(page, "the newest line")).to_be_visible()


def test_every_one_of_ten_thousand_lines_can_be_seen(open_log, log):
    page = open_log()
    log.numbered(0, 10_000)
    expect(page.locator(".count")).to_have_text("10,000 lines")
    assert numbers_seen(page) == list(range(10_000))


def test_the_list_follows_the_newest_line(open_log, log):
    page = open_log()
    log.numbered(0, 500)
    expect(row(page, "line 000499")).to_be_in_viewport()
    log.numbered(500, 1000)
    expect(row(page, "line 000999")).to_be_in_viewport()


def test_only_what_is_in_sight_is_in_the_document(open_log, log):
    page = open_log()
    log.numbered(0, 5000)
    expect(row(page, "line 004999")).to_be_visible()
    assert page.locator(".row").count() < 100


def test_scrolling_up_holds_the_place_while_lines_come(open_log, log):
    page = open_log()
    log.numbered(0, 1000)
    expect(row(page, "line 000999")).to_be_in_viewport()
    scroll_up(page, 4000)
    expect(page.locator(".newest")).to_be_visible()
    held = page.locator(".view").evaluate("view => view.scrollTop")
    log.numbered(1000, 1400)
    expect(page.locator(".newest")).to_have_text("400 new lines · Jump to newest ↓")
    assert page.locator(".view").evaluate("view => view.scrollTop") == held


def test_jump_to_newest_follows_again(open_log, log):
    page = open_log()
    log.numbered(0, 1000)
    expect(row(page, "line 000999")).to_be_in_viewport()
    scroll_up(page)
    log.numbered(1000, 1100)
    page.locator(".newest").click()
    expect(row(page, "line 001099")).to_be_in_viewport()
    log.numbered(1100, 1200)
    expect(row(page, "line 001199")).to_be_in_viewport()
    expect(page.locator(".newest")).to_be_hidden()


def test_scrolling_back_to_the_end_follows_again(open_log, log):
    page = open_log()
    log.numbered(0, 1000)
    expect(row(page, "line 000999")).to_be_in_viewport()
    scroll_up(page)
    expect(page.locator(".newest")).to_be_visible()
    scroll_up(page, -5000)
    expect(page.locator(".newest")).to_be_hidden()
    log.numbered(1000, 1100)
    expect(row(page, "line 001099")).to_be_in_viewport()


def test_pause_holds_the_list_and_counts_what_came(open_log, log):
    page = open_log()
    log.numbered(0, 10)
    expect(row(page, "line 000009")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    log.numbered(10, 25)
    expect(page.locator(".newest")).to_have_text("Paused · 15 new lines · Jump to newest ↓")
    expect(row(page, "line 000010")).to_have_count(0)


def test_resume_shows_what_was_held_back(open_log, log):
    page = open_log()
    log.numbered(0, 10)
    expect(row(page, "line 000009")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    log.numbered(10, 25)
    expect(page.locator(".newest")).to_contain_text("15 new lines")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".row")).to_have_count(25)


def test_the_space_key_pauses_the_list_that_has_the_focus(open_log, log):
    page = open_log()
    page.locator(".view").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_end_of_the_source_is_said_in_words(open_log, log):
    page = open_log()
    log.write("INFO bye")
    log.finish()
    expect(page.locator(".state-words")).to_have_text("Ended")


def test_a_line_that_the_address_names_is_shown_first(open_log, log):
    log.numbered(0, 3000)
    page = open_log("&line=1201")
    expect(page.locator(".row.flashed")).to_be_in_viewport()
    expect(page.locator(".row.flashed .text")).to_have_text("INFO line 001200")
    expect(page.locator(".newest")).to_have_text("Jump to newest ↓")  # a backlog is no news


@pytest.mark.slow
def test_the_oldest_lines_go_when_there_are_too_many_and_that_is_said(open_log, log):
    page = open_log()
    for end in range(46_000, 230_001, 46_000):
        log.numbered(end - 46_000, end)
        expect(row(page, f"line {end - 1:06d}")).to_be_in_viewport(timeout=60_000)
    page.locator(".view").evaluate("view => view.scrollTop = 0")
    words = re.compile(r"^([\d,]+) older lines are no longer kept in this browser$")
    expect(page.locator(".row.gap")).to_have_text(words)
    gone = int(words.match(page.locator(".row.gap").text_content())[1].replace(",", ""))
    assert 10_000 <= gone <= 30_000  # the bound, and some slack that spares the work
    expect(page.locator(".count")).to_have_text(f"{230_000 - gone:,} lines")
    expect(page.locator(".row .text").first).to_have_text(f"INFO line {gone:06d}")
    page.locator(".filter").fill(f"line {gone:06d}")
    expect(page.locator(".row .text")).to_have_text([f"INFO line {gone:06d}"])


# ---------------------------------------------------------------- the screen


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_does_not_overflow(open_log, log, width):
    page = open_log(width=width)
    log.write(STARTED, "x" * 3000)
    expect(page.locator(".row")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_targets_on_a_phone_are_big_enough(open_log, log):
    page = open_log(width=390, height=844)
    page.get_by_role("button", name="Options").click()
    heights = page.locator(".bar button:visible").evaluate_all("all => all.map(b => b.offsetHeight)")
    assert len(heights) >= 12
    assert min(heights) >= 44


# ---------------------------------------------------------------- when the console goes away


def test_after_a_restart_it_goes_on_where_it_was_without_loss(log_server, open_log, log):
    page = open_log(at=log_server)
    log.numbered(0, 2000)
    expect(page.locator(".count")).to_have_text("2,000 lines")
    log_server.stop()
    expect(page.locator(".state-words")).to_have_text("Reconnecting…")
    log.numbered(2000, 3000)
    log_server.start()
    expect(page.locator(".count")).to_have_text("3,000 lines", timeout=60_000)
    log.numbered(3000, 3500)
    expect(page.locator(".count")).to_have_text("3,500 lines")
    assert numbers_seen(page) == list(range(3500))


def test_after_a_crash_it_comes_back_too(log_server, open_log, log):
    page = open_log(at=log_server)
    log.write("INFO before")
    expect(row(page, "INFO before")).to_be_visible()
    log_server.kill()
    log_server.start()
    log.write("INFO after")
    expect(row(page, "INFO after")).to_be_visible(timeout=60_000)
    expect(page.locator(".count")).to_have_text("2 lines")


def test_another_source_replaces_the_lines_and_keeps_the_filter(open_log, log, log_folder):
    log.write("INFO trial wanted", "INFO trial other")
    LogFile(log_folder, "Control").write("INFO control wanted", "INFO control other")
    page = open_log()
    page.locator(".filter").fill("wanted")
    expect(page.locator(".row .text")).to_have_text(["INFO trial wanted"])
    page.get_by_role("radio", name="Control").click()
    expect(page.locator(".row .text")).to_have_text(["INFO control wanted"])


def test_the_server_s_log_holds_no_token(log_server, open_log, log):
    open_log(at=log_server)
    assert re.search(r"token=(?!…)", log_server.text()) is None


def test_the_console_ends_at_once_with_six_open_tabs(log_server, open_log, log):
    for _ in range(6):
        open_log(at=log_server)
    log_server.stop()
