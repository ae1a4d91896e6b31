"""What lines of the live log look like: nothing in them is markup; traces fold, fields open."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import CONTRAST, ERROR, STARTED, numbers_seen, row, texts

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.e2e.log_fixtures"]


def test_markup_in_a_line_is_inert(open_log, log):
    page = open_log()
    text = '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">'
    log.write(text)
    expect(page.locator(".row .text")).to_have_text([text])
    assert page.evaluate("window.hacked") is None


def test_control_characters_and_escape_sequences_are_not_shown(open_log, log):
    page = open_log()
    log.write("\x1b[31mred\x1b[0m \x1b]0;title\x07a\u202eb\u202c \x9b1mc \x1b[2Kd \x1b]8;;unfinished e")
    expect(page.locator(".row .text")).to_have_text(["red ab c d 8;;unfinished e"])


def test_basic_ansi_colours_are_kept(open_log, log):
    page = open_log()
    log.write("\x1b[32mINFO\x1b[0m: ready")
    expect(page.locator(".row .ansi-green")).to_have_text("INFO")


def test_a_load_event_is_marked_with_a_sign_and_a_title(open_log, log):
    page = open_log()
    log.write(STARTED, ERROR)
    expect(page.get_by_role("img", name="A load started here")).to_have_text("▶")
    expect(page.get_by_role("img", name="meta tensor error")).to_have_text("⚠")


def test_an_event_s_own_time_and_level_are_not_repeated(open_log, log):
    page = open_log()
    log.write(STARTED)
    expect(page.locator(".row .text")).to_have_text(re.compile(r"^loader Loading LLaVa model event=started"))


def test_a_traceback_is_an_error_up_to_its_last_line(open_log, log):
    page = open_log()
    log.write("Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: no", "INFO after")
    expect(page.locator(".row .level")).to_have_text(["E", "E", "E", "I"])


def test_a_giant_line_is_cut_and_can_be_opened(open_log, log):
    page = open_log()
    log.write("x" * 50_000 + "end")
    page.get_by_role("button", name="show all 50,003 characters").click()
    expect(page.locator(".row .text")).to_contain_text("xend")


def test_the_time_can_be_hidden(open_log, log):
    page = open_log()
    log.write("INFO one")
    expect(page.locator(".row time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    page.get_by_role("button", name="Time").click()
    expect(page.locator(".row time")).to_be_hidden()


def test_wrapped_lines_are_whole_within_the_width(open_log, log):
    page = open_log(width=390, height=844)
    log.write("INFO " + "word " * 100 + "last")
    expect(page.locator(".row")).to_have_count(1)
    assert page.locator(".view").evaluate("view => view.scrollWidth <= view.clientWidth")


def test_all_wrapped_lines_can_be_seen(open_log, log):
    page = open_log(width=390, height=844)
    log.write(*(f"INFO {number} " + "한글 wide words " * (number % 9) for number in range(2000)))
    expect(page.locator(".count")).to_have_text("2,000 lines")
    assert numbers_seen(page) == list(range(2000))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(open_log, log, scheme):
    page = open_log(scheme=scheme)
    log.write(STARTED, ERROR, "WARNING w", "DEBUG d", "[stderr] e", "\x1b[35mmagenta \x1b[30mblack")
    expect(page.locator(".row")).to_have_count(6)
    page.locator(".filter").fill("e")
    expect(page.locator(".row mark").first).to_be_visible()
    texts = page.locator(".row *, .bar button, .bar button *, .matches, .count, .foot *, .state-words")
    worst = texts.evaluate_all(CONTRAST)
    assert worst[0] >= 4.5, worst


# ---------------------------------------------------------------- a terminal's colours


def piece(page, text):
    return page.locator(".row .text span", has_text=text)


def test_backgrounds_and_all_weights_are_kept(open_log, log):
    page = open_log()
    log.write("\x1b[41mred paper\x1b[0m \x1b[3mitalic\x1b[23m \x1b[4;1mheavy\x1b[0m \x1b[9mstruck\x1b[0m")
    expect(piece(page, "red paper")).to_have_css("background-color", "rgb(194, 54, 33)")
    expect(piece(page, "italic")).to_have_css("font-style", "italic")
    expect(piece(page, "heavy")).to_have_css("text-decoration-line", "underline")
    expect(piece(page, "heavy")).to_have_css("font-weight", "700")
    expect(piece(page, "struck")).to_have_css("text-decoration-line", "line-through")


def test_inverse_swaps_ink_and_paper(open_log, log):
    page = open_log()
    log.write("plain \x1b[7mswapped\x1b[27m \x1b[34;7mblue paper\x1b[0m")
    expect(piece(page, "blue paper")).to_have_css("background-color", "rgb(40, 80, 200)")
    plain = page.locator(".row .text").evaluate("text => getComputedStyle(text).color")
    expect(piece(page, "swapped")).to_have_css("background-color", plain)


def test_a_colour_that_can_be_read_is_shown_as_it_is(open_log, log):
    page = open_log()
    log.write("\x1b[38;2;120;20;60mwine\x1b[0m \x1b[48;5;22mgreen paper\x1b[0m")
    expect(piece(page, "wine")).to_have_css("color", "rgb(120, 20, 60)")
    expect(piece(page, "green paper")).to_have_css("background-color", "rgb(0, 95, 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_a_terminal_can_be_read(open_log, log, scheme):
    page = open_log(scheme=scheme)
    for level in ("INFO", "ERROR", "WARNING"):
        log.write(
            *(
                level + "".join(f" \x1b[{place};5;{code}m{code}\x1b[0m" for code in range(first, first + 128))
                for place in (38, 48)
                for first in (0, 128)
            )
        )
    log.write(
        "\x1b[33;44myellow on blue\x1b[0m \x1b[30;40mblack on black\x1b[0m \x1b[38:2::255:255:0mRGB\x1b[0m"
    )
    expect(page.locator(".row")).to_have_count(13)
    worst = page.locator(".row .text span").evaluate_all(CONTRAST)
    assert worst[0] >= 4.5, worst


# ---------------------------------------------------------------- stack traces


TRACE = (
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in outer',
    "    inner()",
    "KeyError: 'model'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "b.py", line 2, in load',
    "    raise Broken()",
    "service.Broken: no model",
)
JAVA = (
    "java.lang.IllegalStateException: not ready",
    "\tat com.example.Main.run(Main.java:12)",
    "\tat com.example.Main.main(Main.java:3) ~[app.jar:1.0]",
    "Caused by: java.io.IOException: no file",
    "\tat com.example.Disk.read(Disk.java:9)",
    "\t... 2 more",
)
NODE = (
    "Error: connect ECONNREFUSED 127.0.0.1:5432",
    "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)",
    "    at async Pool.query (/app/db.js:10:3) {",
    "  errno: -111,",
    "}",
)


@pytest.fixture
def folded(open_log, log):
    """A page on one trace, folded to its first and last line."""
    page = open_log()
    log.write(*TRACE)
    expect(page.locator(".row")).to_have_count(2)
    return page


def test_a_chained_trace_is_folded_to_its_first_and_last_line(open_log, log):
    page = open_log()
    log.write("INFO before", *TRACE, "INFO after")
    shown = [re.compile("^Traceback.*9 lines"), "service.Broken: no model"]
    expect(texts(page)).to_have_text(["INFO before", *shown, "INFO after"])
    expect(page.get_by_role("button", name="9 lines of a stack trace")).to_have_attribute(
        "aria-expanded", "false"
    )
    expect(page.locator(".count")).to_have_text("13 lines")


def test_a_folded_trace_opens_and_closes(folded):
    folded.get_by_role("button", name="9 lines of a stack trace").click()
    expect(folded.locator(".row")).to_have_count(11)
    folded.get_by_role("button", name="9 lines of a stack trace").click()
    expect(folded.locator(".row")).to_have_count(2)


def test_the_frames_of_java_fold_to_the_error_and_its_cause(open_log, log):
    page = open_log()
    log.write("INFO before", *JAVA, "INFO after")
    shown = [re.compile("^java.lang.IllegalStateException: not ready.*4 lines"), JAVA[3]]
    expect(texts(page)).to_have_text(["INFO before", *shown, "INFO after"])
    expect(page.locator(".row .level")).to_have_text(["I", "E", "E", "I"])


def test_the_frames_of_node_fold_to_the_error(open_log, log):
    page = open_log()
    log.write(*NODE, "INFO after")
    expect(texts(page)).to_have_text([re.compile("^Error: connect.*4 lines"), "INFO after"])


def test_a_stack_under_a_warning_is_part_of_the_warning(open_log, log):
    page = open_log()
    log.write(
        "WARNING (node:7) DeprecationWarning: old", "    at a (/app/a.js:1:2)", "    at b (/app/b.js:3:4)"
    )
    page.get_by_role("button", name="2 lines of a stack trace").click()
    expect(page.locator(".row .level")).to_have_text(["W", "W", "W"])


def test_a_trace_that_arrives_in_parts_is_one(open_log, log):
    page = open_log()
    log.write(*TRACE[:3])
    expect(page.get_by_role("button", name="2 lines of a stack trace")).to_be_visible()
    log.write(*TRACE[3:])
    expect(page.get_by_role("button", name="9 lines of a stack trace")).to_be_visible()
    expect(page.locator(".row")).to_have_count(2)


def test_indented_lines_that_are_no_frames_stay(open_log, log):
    page = open_log()
    log.write(
        "INFO list:", "    at home", "    at work", "Traceback (most recent call last):", "INFO no trace"
    )
    expect(page.locator(".row")).to_have_count(5)


def test_folding_can_be_left_off_and_is_remembered(folded):
    folded.get_by_role("button", name="Fold traces").click()
    expect(folded.locator(".row")).to_have_count(11)
    folded.reload()
    expect(folded.locator(".row")).to_have_count(11)


def test_a_hit_in_a_folded_trace_opens_it(folded):
    folded.get_by_role("button", name="Highlight").click()
    folded.locator(".filter").fill("b.py")
    expect(folded.locator(".row")).to_have_count(11)
    folded.locator(".filter").press("Enter")
    expect(folded.locator(".row.current .text")).to_have_text('  File "b.py", line 2, in load')


def test_a_trace_found_by_the_filter_opens_under_its_head(open_log, log):
    page = open_log()
    log.write("INFO before", *JAVA)
    page.locator(".filter").fill("IllegalState")
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="4 lines of a stack trace").click()
    expect(page.locator(".row")).to_have_count(6)
    expect(page.locator(".row.dim")).to_have_count(5)


# ---------------------------------------------------------------- fields


def test_a_json_line_opens_to_its_fields(open_log, log):
    page = open_log()
    log.write('{"level":"info","request":{"id":9007199254740993,"tags":["a",null]},"empty":{}}')
    page.get_by_role("button", name="Fields of this line").click()
    expect(page.locator(".entry")).to_have_text(
        ["level: info", "request: ", "id: 9007199254740993", "tags: 2 items", "0: a", "1: null", "empty: {}"]
    )
    page.get_by_role("button", name="Fields of this line").click()
    expect(page.locator(".entry")).to_have_count(0)


def test_a_line_that_ends_in_an_object_opens_too(open_log, log):
    page = open_log()
    log.write('INFO {worker} audit {"actor":"kim"}', "INFO a dict {'actor': 'kim'}", "INFO {} empty {}")
    expect(page.locator(".row")).to_have_count(3)
    expect(page.get_by_role("button", name="Fields of this line")).to_have_count(1)
    page.get_by_role("button", name="Fields of this line").click()
    expect(page.locator(".entry")).to_have_text(["actor: kim"])


def test_fields_are_as_inert_as_lines(open_log, log):
    page = open_log()
    log.write('{"<b>k</b>":"<img src=x onerror=\\"window.hacked = 1\\"> \\u001b[31m\\u202ex"}')
    page.get_by_role("button", name="Fields of this line").click()
    expect(page.locator(".entry")).to_have_text(['<b>k</b>: <img src=x onerror="window.hacked = 1"> x'])
    assert page.evaluate("window.hacked") is None


def test_the_rows_under_opened_fields_are_pushed_down(open_log, log):
    page = open_log()
    log.write('{"a":1,"b":2,"c":3}', "INFO after")
    page.get_by_role("button", name="Fields of this line").click()
    expect(page.locator(".entry")).to_have_count(3)
    last, after = page.locator(".entry").last.bounding_box(), row(page, "INFO after").bounding_box()
    assert after["y"] >= last["y"] + last["height"]
