"""Lines out of the live log: links to them, the clipboard, files; and all of it by the keyboard alone."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import row

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.e2e.log_fixtures"]

NOON = 1795435200.0
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def copied_link(page):
    expect(page.locator(".said")).to_have_text(re.compile("^Copied the link"))
    return clipboard(page)


# ---------------------------------------------------------------- links


def test_a_link_leads_a_colleague_to_the_same_line(open_log, log, new_page):
    log.write(*(f"INFO line {n}" for n in range(2000)))
    page = open_log(**CLIPBOARD)
    expect(row(page, "line 1999")).to_be_in_viewport()
    page.locator(".view").evaluate("view => view.scrollTop = 16_000")
    wanted = row(page, "line 805")
    wanted.hover()
    wanted.get_by_role("button", name="Copy link").click()
    link = copied_link(page)
    assert parse_qs(urlsplit(link).query)["line"] == ["806"]
    assert parse_qs(urlsplit(link).query)["trial"] == [log.name]  # what the page said belongs to the source
    other = new_page()
    other.goto(link)
    expect(other.locator(".row.flashed .text")).to_have_text("INFO line 805")
    expect(other.locator(".row.flashed")).to_be_in_viewport()


def test_with_several_sources_a_link_holds_source_and_time(open_log, new_log, new_page):
    logs = [new_log(), new_log()]
    for place, log in enumerate(logs):
        log.write(*(f"INFO {log.name} {n}" for n in range(1000)), at=NOON + place * 0.5 + 0.123456)
    page = open_log(logs=logs, **CLIPBOARD)
    expect(page.locator(".count")).to_have_text("2,000 lines")
    page.locator(".view").evaluate("view => view.scrollTop = 8000")
    words = f"INFO {logs[1].name} 205"
    wanted = row(page, words)
    wanted.hover()
    wanted.get_by_role("button", name="Copy link").click()
    link = copied_link(page)
    query = parse_qs(urlsplit(link).query)
    assert query["of"] == [logs[1].name]
    assert query["at"] == [f"{NOON + 0.5 + 0.123456 + 205:.6f}"]
    other = new_page()
    other.goto(link)
    expect(other.locator(".row.flashed .text")).to_have_text(words)
    expect(other.locator(".row.flashed")).to_be_in_viewport()


def test_a_link_into_a_folded_trace_opens_it(open_log, log):
    log.write("Traceback (most recent call last):", '  File "a.py", line 1', "    x()", "KeyError: 1")
    page = open_log("&line=3")
    expect(page.locator(".row.flashed .text")).to_have_text("    x()")


@pytest.mark.parametrize("address", ["&line=900", "&of={name}&at=1795435200.000001"])
def test_a_link_to_a_line_that_is_not_there_says_so(open_log, log, address):
    log.write("INFO one", "INFO two", at=NOON - 60)
    log.finish()
    page = open_log(address.format(name=log.name), state="Ended")
    expect(page.locator(".notice")).to_have_text(
        re.compile("to which the link leads, is not among the lines here")
    )
    page.get_by_role("button", name="Close this message").click()
    expect(page.locator(".notice")).to_be_hidden()


def test_a_link_to_a_source_that_is_not_shown_says_so(open_log, log):
    page = open_log(f"&of=gone&at={NOON}")
    expect(page.locator(".notice")).to_have_text(re.compile("a line of gone, which is not shown here"))


def test_a_line_that_comes_after_all_is_shown(open_log, log):
    log.write("INFO later", at=NOON + 60)
    page = open_log(f"&of={log.name}&at={NOON:.6f}")
    expect(page.locator(".notice")).to_be_visible()
    log.write("INFO wanted", at=NOON)
    expect(page.locator(".row.flashed .text")).to_have_text("INFO wanted")
    expect(page.locator(".notice")).to_be_hidden()


def test_a_tap_offers_the_link_on_a_phone(open_log, log):
    log.write("INFO one", "INFO two")
    page = open_log(width=390, height=844, has_touch=True, **CLIPBOARD)
    row(page, "INFO two").tap()
    page.get_by_role("button", name="Copy link to line 2").tap()
    assert copied_link(page).endswith("line=2")


# ---------------------------------------------------------------- clipboard and files


def test_copy_takes_the_lines_that_are_shown(open_log, log):
    page = open_log(**CLIPBOARD)
    log.write("INFO one", "\x1b[31mERROR\x1b[0m two", "INFO three")
    page.locator(".filter").fill("t")
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".said")).to_have_text("Copied 2 lines")
    assert clipboard(page) == "ERROR two\nINFO three\n"


def test_copy_takes_a_folded_trace_whole(open_log, log):
    page = open_log(**CLIPBOARD)
    trace = ("Traceback (most recent call last):", '  File "a.py", line 1', "    x()", "KeyError: 1")
    log.write(*trace, "INFO after")
    expect(page.locator(".row")).to_have_count(3)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".said")).to_have_text("Copied 5 lines")
    assert clipboard(page).splitlines() == [*trace, "INFO after"]


def test_copied_lines_of_several_sources_say_whose_they_are(open_log, new_log):
    logs = [new_log(), new_log()]
    logs[0].write("INFO one", at=NOON)
    logs[1].write("INFO two", at=NOON + 1)
    page = open_log(logs=logs, **CLIPBOARD)
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".said")).to_have_text("Copied 2 lines")
    assert clipboard(page) == f"{logs[0].name} | INFO one\n{logs[1].name} | INFO two\n"


def test_too_much_to_copy_is_said(open_log, log):
    page = open_log()
    log.write(*(["x" * 1_000_000] * 18))
    expect(page.locator(".count")).to_have_text("18 lines")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".said")).to_have_text("Too much to copy at once: filter, or use Download")


def test_a_browser_that_lets_nothing_be_copied_is_told(open_log, log):
    forbid = "navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false"
    page = open_log(prepare=lambda page: page.add_init_script(forbid))
    log.write("INFO one")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".said")).to_have_text("The browser did not allow it: use Download")
    row(page, "INFO one").hover()
    page.get_by_role("button", name="Copy link to line 1").click()
    expect(page.locator(".said")).to_have_text(re.compile("copy the page’s address"))


def downloaded(page, item):
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name=item).click()
    return saved.value.suggested_filename, Path(saved.value.path()).read_text("utf-8")


def test_download_saves_all_lines_as_they_were_printed(open_log, log):
    page = open_log()
    log.write("INFO one", "\x1b[31mERROR\x1b[0m two", "INFO three")
    page.locator(".filter").fill("three")
    expect(page.locator(".row")).to_have_count(1)
    text = "INFO one\n\x1b[31mERROR\x1b[0m two\nINFO three\n"
    assert downloaded(page, "All that this browser holds: 3 lines") == (
        f"loadonce-run-1-{log.name}.log",
        text,
    )


def test_download_saves_what_is_shown(open_log, log):
    page = open_log()
    log.write("INFO one", "\x1b[31mERROR\x1b[0m two", "INFO three")
    page.locator(".filter").fill("two")
    expect(page.locator(".row")).to_have_count(1)
    assert downloaded(page, "What is shown: 1 line")[1] == "\x1b[31mERROR\x1b[0m two\n"


def test_the_whole_log_is_offered_where_the_page_has_an_address_for_it(open_log, log):
    page = open_log("&engine=yes")
    page.get_by_role("button", name="Download").click()
    item = page.get_by_role("menuitem", name="Whole log from the engine")
    expect(item).to_have_attribute("href", f"/whole/{log.name}.log")


def test_the_menu_goes_by_keys_and_gives_the_focus_back(open_log, log):
    page = open_log("&engine=yes")
    page.get_by_role("button", name="Download").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="What is shown")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Whole log")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("button", name="Download")).to_be_focused()


# ---------------------------------------------------------------- rows by keys


def test_rows_are_walked_and_opened_by_keys(open_log, log):
    page = open_log()
    log.write("INFO one", '{"a":1}', "INFO three")
    expect(page.locator(".row")).to_have_count(3)
    page.locator(".view").focus()
    page.keyboard.press("ArrowUp")
    expect(row(page, "INFO three")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, '"a"')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".entry")).to_have_text(["a: 1"])
    expect(row(page, '"a"')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".entry")).to_have_count(0)


def test_the_link_of_a_row_is_reached_by_the_tab_key(open_log, log):
    page = open_log(**CLIPBOARD)
    log.write("INFO one", "INFO two")
    expect(page.locator(".row")).to_have_count(2)
    page.locator(".view").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy link to line 1")).to_be_focused()
    page.keyboard.press("Enter")
    assert copied_link(page).endswith("line=1")


@pytest.fixture
def walked_up(open_log, log):
    """A page on lines 0 to 299, of which the focus has gone up to line 297."""
    page = open_log()
    log.write(*(f"INFO line {n}" for n in range(300)))
    expect(row(page, "line 299")).to_be_in_viewport()
    page.locator(".view").focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    expect(row(page, "line 297")).to_be_focused()
    return page


def test_walking_up_follows_no_more_and_the_end_key_does_again(walked_up):
    expect(walked_up.locator(".newest")).to_be_visible()
    walked_up.keyboard.press("End")
    expect(walked_up.locator(".newest")).to_be_hidden()


def test_a_focused_row_keeps_the_focus_while_lines_come(walked_up, log):
    log.write(*(f"INFO line {n}" for n in range(300, 400)))
    expect(walked_up.locator(".count")).to_have_text("400 lines")
    expect(row(walked_up, "line 297")).to_be_focused()
    walked_up.keyboard.press("Space")
    expect(walked_up.get_by_role("button", name="Resume")).to_be_visible()
