"""Several sources in one live log: merged by time, named, told apart, each with a connection of its own."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.log_rows import row, rows_seen, texts, wait_for_rows

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.e2e.log_fixtures"]

NOON = 1795435200.0


@pytest.fixture
def pair(new_log):
    return new_log(), new_log()


def test_lines_of_several_sources_are_merged_by_time(open_log, pair):
    first, second = pair
    first.write("INFO 1", "INFO 3", "INFO 5", at=NOON, step=2)
    second.write("INFO 2", "INFO 4", "INFO 6", at=NOON + 1, step=2)
    page = open_log(logs=pair)
    expect(texts(page)).to_have_text([f"INFO {n}" for n in range(1, 7)])
    expect(page.locator(".row .source")).to_have_text([first.name, second.name] * 3)


def test_a_line_that_comes_late_is_put_in_its_place(open_log, pair):
    first, second = pair
    page = open_log(logs=pair)
    first.write("INFO 1", "INFO 3", at=NOON, step=2)
    expect(page.locator(".row")).to_have_count(2)
    second.write("INFO 2", at=NOON + 1)
    expect(texts(page)).to_have_text(["INFO 1", "INFO 2", "INFO 3"])


def test_a_source_keeps_its_own_order_though_its_clock_runs_back(open_log, pair):
    first, second = pair
    first.write("INFO a", at=NOON)
    first.write("INFO b", at=NOON - 60)
    first.write("INFO c", at=NOON + 2)
    second.write("INFO z", at=NOON + 1)
    page = open_log(logs=pair)
    expect(texts(page)).to_have_text(["INFO a", "INFO b", "INFO z", "INFO c"])


def test_a_backlog_is_merged_whole_and_in_order(open_log, new_log):
    logs = [new_log() for _ in range(3)]
    for place, log in enumerate(logs):
        log.write(*(f"INFO {n}" for n in range(6000)), at=NOON + place / 10, step=1.0)  # more than one batch
    page = open_log(logs=logs)
    expect(page.locator(".count")).to_have_text("18,000 lines", timeout=60_000)
    wait_for_rows(page, 18_000)
    expect(texts(page).last).to_have_text("INFO 5999")
    seen = rows_seen(page)
    assert seen == [[log.name, n] for n in range(6000) for log in logs]


def test_the_place_is_held_while_older_lines_come_in_above(open_log, pair):
    first, second = pair
    first.write(*(f"INFO {n}" for n in range(600)), at=NOON)
    page = open_log(logs=pair)
    expect(row(page, "INFO 599")).to_be_in_viewport()
    page.locator(".view").evaluate("view => view.scrollTop = 6000")
    expect(row(page, "INFO 305")).to_be_in_viewport()
    before = row(page, "INFO 305").bounding_box()["y"]
    second.write(*(f"INFO other {n}" for n in range(100)), at=NOON + 0.5)
    expect(page.locator(".count")).to_have_text("700 lines")
    expect(row(page, "INFO 305")).to_be_in_viewport()
    assert abs(row(page, "INFO 305").bounding_box()["y"] - before) <= 20


def test_a_source_can_be_left_out_and_brought_back(open_log, pair):
    first, second = pair
    first.write("INFO one", at=NOON)
    second.write("INFO two", at=NOON + 1)
    page = open_log(logs=pair)
    chip = page.get_by_role("button", name=first.name)
    expect(chip).to_have_text(re.compile("1$"))
    chip.click()
    expect(texts(page)).to_have_text(["INFO two"])
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.click()
    expect(texts(page)).to_have_text(["INFO one", "INFO two"])


def test_one_source_has_no_names_and_no_chips(open_log, log):
    log.write("INFO one")
    page = open_log()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row .source")).to_have_count(0)
    expect(page.get_by_role("group", name="Sources shown")).to_be_hidden()


def test_that_one_source_has_ended_is_said_of_it_alone(open_log, pair):
    first, second = pair
    first.write("INFO bye")
    first.finish()
    page = open_log(logs=pair, state=re.compile("Ended: "))
    expect(page.locator(".state-words")).to_have_text(f"Ended: {first.name} · Live: {second.name}")
    expect(page.get_by_role("button", name=first.name)).to_contain_text("Ended")
    expect(page.get_by_role("button", name=second.name)).not_to_contain_text("Ended")
    second.finish()
    expect(page.locator(".state-words")).to_have_text("Ended")


def test_that_one_source_reconnects_is_said_of_it_alone(open_log, pair):
    first, second = pair

    def cut_off_the_first(page):
        def route(socket):
            if f"source={first.name}&" in socket.url:
                socket.close(code=1012)
            else:
                socket.connect_to_server()

        page.route_web_socket(re.compile("/live/logs"), route)

    second.write("INFO here")
    words = f"Reconnecting… {first.name} · Live: {second.name}"
    page = open_log(logs=pair, state=words, prepare=cut_off_the_first)
    expect(page.get_by_role("button", name=first.name)).to_contain_text("Reconnecting…")
    expect(texts(page)).to_have_text(["INFO here"])


def test_the_trace_of_one_source_is_folded_though_another_s_lines_stand_in_it(open_log, pair):
    first, second = pair
    first.write(
        "Traceback (most recent call last):", '  File "a.py", line 1', "    x()", "KeyError: 1", at=NOON
    )
    second.write("INFO between", at=NOON + 1.5)
    page = open_log(logs=pair)
    expect(texts(page)).to_have_text([re.compile("^Traceback.*2 lines"), "INFO between", "KeyError: 1"])


def test_context_is_that_of_all_sources(open_log, pair):
    first, second = pair
    first.write("INFO 1", "INFO 3 hit", "INFO 5", at=NOON, step=2)
    second.write("INFO 2", "INFO 4", at=NOON + 1, step=2)
    page = open_log(logs=pair)
    expect(page.locator(".row")).to_have_count(5)
    page.locator(".filter").fill("hit")
    page.get_by_label("Lines of context").select_option("2")
    expect(texts(page)).to_have_text(["INFO 1", "INFO 2", "INFO 3 hit", "INFO 4", "INFO 5"])


def test_pause_holds_back_the_lines_of_every_source(open_log, pair):
    first, second = pair
    page = open_log(logs=pair)
    first.write("INFO 1", at=NOON)
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    second.write("INFO 0", at=NOON - 1)
    first.write("INFO 2", at=NOON + 1)
    expect(page.locator(".newest")).to_have_text("Paused · 2 new lines · Jump to newest ↓")
    page.locator(".filter").fill("INFO")
    expect(page.locator(".row mark")).to_have_count(1)
    page.get_by_role("button", name="Resume").click()
    expect(texts(page)).to_have_text(["INFO 0", "INFO 1", "INFO 2"])


def test_a_range_is_put_to_the_server_and_another_one_reads_from_nothing(open_log, log):
    sockets = []
    log.write("INFO one", "INFO two")
    page = open_log(prepare=lambda page: page.on("websocket", lambda socket: sockets.append(socket.url)))
    expect(page.locator(".row")).to_have_count(2)
    page.get_by_role("radio", name="Last five minutes").click()
    page.wait_for_event("websocket", lambda socket: "begin=5m" in socket.url)
    expect(texts(page)).to_have_text(["INFO one", "INFO two"])
    expect(page.locator(".count")).to_have_text("2 lines")
    asked = [parse_qs(urlsplit(url).query) for url in sockets if "/live/logs" in url]
    assert [query.get("begin") for query in asked] == [None, ["5m"]]
    assert [query["since"] for query in asked] == [["0"], ["0"]]


def test_the_names_of_sources_fit_a_phone(open_log, pair):
    for log in pair:
        log.write("INFO " + "word " * 30)
    page = open_log(logs=pair, width=390, height=844)
    expect(page.locator(".row .source")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".view").evaluate("view => view.scrollWidth <= view.clientWidth")
