"""The live log in a real browser: it follows, holds, filters, survives a restart; nothing in it is markup."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("log_app.py")
STARTED = (
    "2026-11-23T07:10:47.123456Z INFO loader Loading LLaVa model event=started boot=3f9c1a seq=1 load=1 "
    "model=demo pid=7 thread=variant-3 attempt=1"
)
_NAMES = itertools.count(1)
ERROR = (
    "2026-11-23T07:10:48.123456Z ERROR loader Model load failed event=meta_tensor_error boot=3f9c1a seq=2 "
    "load=1 model=demo pid=7 thread=variant-3 error=MetaTensorError"
)


class LogFile:
    """The file behind one source of the test's console."""

    def __init__(self, folder, name):
        self.name = name
        self.path = folder / f"{name}.log"
        self.path.touch()

    def write(self, *lines):
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def numbered(self, first, end):
        self.write(*(f"INFO line {number:06d}" for number in range(first, end)))

    def finish(self):
        self.path.with_suffix(".end").touch()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def shared_server(module_console_server, folder):
    """A server for all tests that leave it alone; each test has a source of its own."""
    return module_console_server(APP, LOG_APP_FOLDER=str(folder))


@pytest.fixture
def log(folder):
    return LogFile(folder, f"source-{next(_NAMES)}")


@pytest.fixture
def server(console_server, folder):
    """A server that the test may end."""
    return console_server(APP, LOG_APP_FOLDER=str(folder))


@pytest.fixture
def open_log(request, new_page, log):
    def open_page(address="", *, at=None, **options):
        page = new_page(**options)
        page.goto(f"{(at or request.getfixturevalue('shared_server')).url}/?source={log.name}{address}")
        expect(page.locator(".state-words")).to_have_text("Live", timeout=30_000)
        return page

    return open_page


def row(page, text):
    return page.locator(".row", has_text=text)


def scroll_up(page, pixels=600):
    page.locator(".view").hover()
    page.mouse.wheel(0, -pixels)


def numbers_seen(page):
    """Scroll through the whole list and return the number of each row that was shown, once and in order."""
    return page.locator(".view").evaluate(
        """async (view) => {
            const seen = new Set(), shown = () => view.querySelectorAll(".row[data-number]");
            view.scrollTop = 0;
            for (let last = -1; view.scrollTop !== last; ) {
                for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
                for (const row of shown()) seen.add(Number(row.dataset.number));
                last = view.scrollTop;
                view.scrollTop += view.clientHeight * 1.3;
            }
            return [...seen];
        }"""
    )


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
    page = open_log("&line=1200")
    expect(page.locator(".row.flashed")).to_be_in_viewport()
    assert page.locator(".row.flashed .text").text_content() == "INFO line 001200"


# ---------------------------------------------------------------- filters


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


# ---------------------------------------------------------------- what lines look like


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


CONTRAST = """(texts) => {
    const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (; node; node = node.parentNode || node.host) {
            if (!(node instanceof Element)) continue;
            const colour = parse(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    return texts.filter((node) => node.textContent.trim() && node.checkVisibility()).map((node) => {
        const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [ratio, node.className, node.textContent.slice(0, 30)];
    }).sort((x, y) => x[0] - y[0])[0];
}"""


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


# ---------------------------------------------------------------- out of the browser


def test_copy_takes_the_lines_that_are_shown(open_log, log):
    page = open_log(permissions=["clipboard-read", "clipboard-write"])
    log.write("INFO one", "\x1b[31mERROR\x1b[0m two", "INFO three")
    page.locator(".filter").fill("t")
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".said")).to_have_text("Copied 2 lines")
    assert page.evaluate("navigator.clipboard.readText()") == "ERROR two\nINFO three\n"


def test_download_saves_all_lines_as_they_were_printed(open_log, log):
    page = open_log()
    log.write("INFO one", "\x1b[31mERROR\x1b[0m two", "INFO three")
    page.locator(".filter").fill("three")
    expect(page.locator(".row")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    text = Path(saved.value.path()).read_text("utf-8")
    assert (saved.value.suggested_filename, text) == (
        f"loadonce-run-1-{log.name}.log",
        "INFO one\n\x1b[31mERROR\x1b[0m two\nINFO three\n",
    )


# ---------------------------------------------------------------- when the console goes away


def test_after_a_restart_it_goes_on_where_it_was_without_loss(server, open_log, log):
    page = open_log(at=server)
    log.numbered(0, 2000)
    expect(page.locator(".count")).to_have_text("2,000 lines")
    server.stop()
    expect(page.locator(".state-words")).to_have_text("Reconnecting…")
    log.numbered(2000, 3000)
    server.start()
    expect(page.locator(".count")).to_have_text("3,000 lines", timeout=60_000)
    log.numbered(3000, 3500)
    expect(page.locator(".count")).to_have_text("3,500 lines")
    assert numbers_seen(page) == list(range(3500))


def test_after_a_crash_it_comes_back_too(server, open_log, log):
    page = open_log(at=server)
    log.write("INFO before")
    expect(row(page, "INFO before")).to_be_visible()
    server.kill()
    server.start()
    log.write("INFO after")
    expect(row(page, "INFO after")).to_be_visible(timeout=60_000)
    expect(page.locator(".count")).to_have_text("2 lines")


def test_another_source_replaces_the_lines_and_keeps_the_filter(open_log, log, folder):
    log.write("INFO trial wanted", "INFO trial other")
    LogFile(folder, "Control").write("INFO control wanted", "INFO control other")
    page = open_log()
    page.locator(".filter").fill("wanted")
    expect(page.locator(".row .text")).to_have_text(["INFO trial wanted"])
    page.get_by_role("radio", name="Control").click()
    expect(page.locator(".row .text")).to_have_text(["INFO control wanted"])


def test_the_server_s_log_holds_no_token(server, open_log, log):
    open_log(at=server)
    assert re.search(r"token=(?!…)", server.text()) is None


def test_the_console_ends_at_once_with_six_open_tabs(server, open_log, log):
    for _ in range(6):
        open_log(at=server)
    server.stop()
