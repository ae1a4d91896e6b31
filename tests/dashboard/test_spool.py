"""What a ring has no room for is read from the disk, and a disk that says no is told in one sentence."""

import os
import resource
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.evidence import LogLine
from dashboard.logs import LogRing
from dashboard.spool import Spool


@contextmanager
def files_of_at_most(size):
    """A disk that takes no more of a file than `size` bytes, as a full one takes no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def spool(tmp_path):
    opened = Spool("s", tmp_path)
    yield opened
    opened.close()


def lines(*numbers):
    return [LogLine("s", number, "stdout", 1.5, f"line {number} \ud800") for number in numbers]


def fill(ring, count):
    """Lines as a follower adds them: some at a time. Incompressible, so that a full disk is full."""
    for start in range(0, count, 10):
        ring.append("stdout", 1.0, [f"{i} {os.urandom(60).hex()}" for i in range(start, start + 10)])


def read_on(ring, since=0, limit=7):
    """Everything from `since` on: the numbers that are written on the lines, and how many were skipped."""
    seen, skipped = [], 0
    while since < ring.next:
        page = ring.read(since, limit=limit)
        assert page.lines or page.skipped
        skipped += page.skipped
        seen += [line for line in page.lines if line.stream != "engine"]
        since = page.next
    return [int(line.text.split()[0]) for line in seen], skipped


def test_lines_come_back_as_they_were(spool):
    spool.write(lines(*range(1200)))
    assert spool.read(0, 5000) == lines(*range(1200))


def test_a_reader_begins_at_any_line(spool):
    spool.write(lines(*range(1200)))
    assert spool.read(777, 3) == lines(777, 778, 779)


def test_lines_that_were_never_written_are_passed_over(spool):
    spool.write(lines(1, 2))
    spool.write(lines(7, 8))
    assert [spool.read(3, 1), spool.read(9, 1)] == [lines(7), []]


def test_the_oldest_lines_make_room(tmp_path):
    spool = Spool("s", tmp_path, max_bytes=4000)
    for number in range(0, 20_000, 100):
        spool.write(lines(*range(number, number + 100)))
    oldest = spool.read(0, 1)[0].number
    assert 0 < oldest < 19_900
    assert spool.read(19_999, 1) == lines(19_999)
    spool.close()


def test_a_spool_leaves_no_name_behind_that_a_crash_could_leave(spool, tmp_path):
    spool.write(lines(1))
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_gives_the_disk_back(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from dashboard.logs import LogRing; "
        "from dashboard.spool import Spool\n"
        "ring = LogRing('s', max_lines=10, spool=Spool('s', Path(sys.argv[1])))\n"
        "for n in range(100): ring.append('stdout', 1.0, [str(n)])\n"
        "assert ring.read(0).lines[0].text == '0'\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert (done.returncode, list(tmp_path.iterdir())) == (-9, [])


def test_a_closed_spool_takes_and_gives_nothing(spool):
    spool.write(lines(1))
    spool.close()
    spool.close()
    spool.write(lines(2))
    assert spool.read(0, 5) == []


def test_a_ring_with_a_spool_gives_every_line_once(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    fill(ring, 5000)
    assert read_on(ring) == (list(range(5000)), 0)


def test_a_ring_with_a_spool_holds_no_more_in_memory_than_it_may(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    fill(ring, 5000)
    held = [number for number in range(5000) if ring.in_memory(number)]
    assert 0 < len(held) <= 110


def test_a_ring_is_bounded_by_characters_too(spool):
    ring = LogRing("s", max_bytes=10_000, spool=spool)
    fill(ring, 1000)
    assert sum(ring.in_memory(number) for number in range(1000)) < 200
    assert read_on(ring) == (list(range(1000)), 0)


def test_a_closed_ring_says_so_only_after_its_last_line(spool):
    ring = LogRing("s", max_lines=10, spool=spool)
    fill(ring, 100)
    ring.close()
    assert [ring.read(0, limit=5).closed, ring.read(95).closed] == [False, True]


def test_a_ring_may_begin_at_any_number(spool):
    ring = LogRing("s", max_lines=10, first=10**14, spool=spool)
    fill(ring, 100)
    page = ring.read(0)
    assert (page.lines[0].number, page.skipped) == (10**14, 0)


def test_a_full_disk_is_one_sentence_and_following_goes_on(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    with files_of_at_most(20_000):
        fill(ring, 3000)
    seen, skipped = read_on(ring)
    assert (seen[0], seen[-1], skipped > 0) == (0, 2999, True)
    newest = ring.read(ring.next - 100).lines
    told = [line.text for line in newest if line.stream == "engine"]
    assert len(told) == 1
    assert "cannot be kept on its disk (File too large). Make room" in told[0]


def test_while_the_disk_is_full_memory_stays_bounded(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    with files_of_at_most(20_000):
        fill(ring, 3000)
    assert ring.in_memory(ring.next - 1)
    assert not ring.in_memory(ring.next - 120)


def test_when_the_disk_has_room_again_lines_are_kept_again(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    with files_of_at_most(20_000):
        fill(ring, 1000)
    lost_until = ring.next
    fill(ring, 1000)
    seen, skipped = read_on(ring, lost_until)
    assert (len(seen), skipped) == (1000, 0)


def test_lines_that_the_disk_gives_back_damaged_count_as_skipped(spool):
    ring = LogRing("s", max_lines=100, spool=spool)
    fill(ring, 1000)
    os.pwrite(spool._files[0].fileno(), b"\0" * 300, 0)
    seen, skipped = read_on(ring)
    assert skipped > 0
    assert len(seen) + skipped == 1000


def test_readers_beside_the_writer_miss_nothing_and_see_nothing_twice(spool):
    ring = LogRing("s", max_lines=50, spool=spool)
    seen = {name: [] for name in range(3)}

    def follow(name):
        since = 0
        while not (page := ring.read(since, limit=20)).closed:
            assert page.skipped == 0
            seen[name] += [line.number for line in page.lines]
            since = page.next
            ring.wait(since, 10)
        seen[name] += [line.number for line in page.lines]

    readers = [threading.Thread(target=follow, args=(name,)) for name in seen]
    for reader in readers:
        reader.start()
    fill(ring, 20_000)
    ring.close()
    for reader in readers:
        reader.join()
    assert all(numbers == list(range(20_000)) for numbers in seen.values())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 40), st.integers(1, 50))
def test_however_lines_come_and_are_read_each_comes_once(batches, bound, limit):
    spool = Spool("s")
    ring, count = LogRing("s", max_lines=bound, spool=spool), 0
    for size in batches:
        ring.append("stdout", 1.0, [f"{number} x" for number in range(count, count + size)])
        count += size
    assert read_on(ring, limit=limit) == (list(range(count)), 0)
    ring.discard()
