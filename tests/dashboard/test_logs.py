"""Lines keep their numbers, memory stays bounded, and a reader is told what it missed."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.logs import LineSplitter, LogRing


def fill(ring, count, start=0):
    ring.append("stdout", 1.0, [f"line {i}" for i in range(start, start + count)])


def texts(page):
    return [line.text for line in page.lines]


def test_lines_are_numbered_from_zero():
    ring = LogRing("Trial 1")
    fill(ring, 3)
    assert [line.number for line in ring.read().lines] == [0, 1, 2]


def test_append_returns_the_lines_with_their_numbers():
    ring = LogRing("Trial 1")
    fill(ring, 2)
    added = ring.append("stderr", 2.5, ["third"])
    assert [(line.number, line.stream, line.time, line.source) for line in added] == [
        (2, "stderr", 2.5, "Trial 1")
    ]


def test_a_reader_resumes_where_it_was_and_sees_each_line_once():
    ring = LogRing("s")
    fill(ring, 5)
    first = ring.read(0, limit=3)
    fill(ring, 2, start=5)
    rest = ring.read(first.next)
    assert texts(first) + texts(rest) == [f"line {i}" for i in range(7)]


def test_the_oldest_lines_go_first_and_are_counted_for_who_asks_for_them():
    ring = LogRing("s", max_lines=10)
    fill(ring, 25)
    page = ring.read(0)
    assert (texts(page)[0], page.skipped, page.next) == ("line 15", 15, 25)


def test_a_ring_is_bounded_by_characters_too():
    ring = LogRing("s", max_bytes=100)
    ring.append("stdout", 1.0, ["x" * 40] * 5)
    page = ring.read(0)
    assert (len(page.lines), page.skipped) == (2, 3)


def test_a_line_that_is_bigger_than_the_whole_ring_is_dropped_and_counted():
    ring = LogRing("s", max_bytes=10)
    ring.append("stdout", 1.0, ["x" * 11])
    page = ring.read(0)
    assert (page.lines, page.skipped, page.next) == ((), 1, 1)


def test_a_page_is_bounded_by_characters():
    ring = LogRing("s")
    ring.append("stdout", 1.0, ["x" * 40] * 5)
    assert len(ring.read(0, max_chars=100).lines) == 2


def test_a_page_holds_one_line_at_least_whatever_its_length():
    ring = LogRing("s")
    ring.append("stdout", 1.0, ["x" * 400, "y"])
    assert len(ring.read(0, max_chars=100).lines) == 1


def test_asking_beyond_the_end_gives_nothing_and_stays_there():
    ring = LogRing("s")
    fill(ring, 3)
    page = ring.read(7)
    assert (page.lines, page.next, page.skipped) == ((), 7, 0)


def test_a_closed_ring_says_so_with_its_last_line_only():
    ring = LogRing("s")
    fill(ring, 4)
    ring.close()
    assert [ring.read(0, limit=2).closed, ring.read(2, limit=2).closed] == [False, True]


def test_close_twice_is_close_once():
    ring = LogRing("s")
    ring.close()
    ring.close()
    assert ring.closed


@given(
    st.lists(st.integers(min_value=0, max_value=700), max_size=20),
    st.integers(min_value=1, max_value=900),
)
def test_whatever_is_dropped_numbers_and_counts_agree(batches, bound):
    ring, seen, since, skipped = LogRing("s", max_lines=bound), [], 0, 0
    total = 0
    for size in batches:
        fill(ring, size, start=total)
        total += size
        page = ring.read(since, limit=10_000)
        seen += [line.number for line in page.lines]
        since, skipped = page.next, skipped + page.skipped
    assert (len(seen) + skipped, since, sorted(set(seen))) == (total, total, seen)


def test_wait_wakes_when_a_line_comes():
    ring = LogRing("s")
    woken = []
    waiter = threading.Thread(target=lambda: woken.append(ring.wait(0, timeout=30)))
    waiter.start()
    fill(ring, 1)
    waiter.join()
    assert woken == [True]


def test_wait_wakes_when_the_source_ends():
    ring = LogRing("s")
    ring.close()
    assert ring.wait(0, timeout=30)


def test_wait_gives_up_after_its_timeout():
    assert not LogRing("s").wait(0, timeout=0.001)


def test_many_writers_and_a_reader_lose_nothing():
    ring = LogRing("s")
    start = threading.Barrier(5)

    def write(name):
        start.wait()
        for i in range(200):
            ring.append("stdout", 1.0, [f"{name}-{i}"])

    writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    start.wait()
    seen, since = [], 0
    while len(seen) < 800 and ring.wait(since, timeout=30):
        page = ring.read(since)
        seen += texts(page)
        since = page.next
    for writer in writers:
        writer.join()
    assert len(set(seen)) == 800


def split(*chunks):
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return lines + splitter.finish()


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((b"a\nb\n",), ["a", "b"]),
        ((b"a\r\nb\r\n",), ["a", "b"]),
        ((b"a\r", b"\nb\n"), ["a", "b"]),
        ((b"hal", b"f\n"), ["half"]),
        ((b"no end",), ["no end"]),
        ((b"\n\n",), ["", ""]),
        ((b"\r10%\r20%\rdone\n",), ["10%", "20%", "done"]),
        (("모".encode()[:2], "모".encode()[2:] + b"\n"), ["모"]),
        ((b"\xff\xfe\n",), ["\ufffd\ufffd"]),
        ((b"cut \xeb",), ["cut \ufffd"]),
        ((), []),
    ],
)
def test_bytes_become_lines(chunks, lines):
    assert split(*chunks) == lines


def test_a_line_without_end_is_cut_so_that_it_cannot_fill_the_memory():
    lengths = [len(line) for line in split(*[b"x" * 65536] * 40)]
    assert (max(lengths), sum(lengths)) == (1024 * 1024, 40 * 65536)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))), st.data())
def test_where_the_reads_are_cut_does_not_matter(lines, data):
    whole = "".join(line + "\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert split(*chunks) == lines
