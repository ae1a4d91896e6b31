"""A log that is sent again from a little before where it ended: what of it is news."""

from dashboard.engine.records import Record
from dashboard.engine.window import Window

MS = 1_000_000


def record(ms, text="x", stream="stdout"):
    return Record(stream, 1_000_000_000_000 + ms * MS, text.encode())


def sent(window, *records):
    return [one for one in records if window.is_new(one)]


def test_what_was_written_before_the_first_line_that_was_asked_for_is_no_news():
    window = Window()
    before, first, second, third = (record(ms, str(ms)) for ms in (0, 10, 20, 500))
    sent(window, first, second)
    window.resume()
    assert sent(window, before, first, second, third) == [third]


def test_neither_is_it_where_the_streams_change_places():
    window = Window()
    before, first = record(10, "before", "stderr"), record(5, "first")
    sent(window, first)
    window.resume()
    assert sent(window, before, first) == []


def test_nor_the_beginning_of_a_line_of_which_only_the_end_was_shown():
    window = Window()
    sent(window, record(5, " and its end"), record(6, "next"))
    window.resume()
    assert sent(window, record(5, "the beginning and its end"), record(6, "next"), record(7)) == [record(7)]


def test_when_the_first_line_is_gone_what_comes_after_it_is_news_all_the_same():
    window = Window()
    sent(window, record(5, "gone"))
    window.resume()
    assert sent(window, record(300), record(301)) == [record(300), record(301)]


def test_a_window_that_has_moved_on_asks_only_for_what_was_shown():
    window = Window()
    sent(window, record(0, "first"), record(9000, "newest"))
    window.resume()
    # Written late, with an early stamp: there is no first line to wait for any more
    assert sent(window, record(8000, "late")) == [record(8000, "late")]
