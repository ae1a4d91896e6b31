"""A feed sends everything once, at its reader's pace, and only what has changed."""

import asyncio
import json

import pytest

from dashboard.evidence import LogLine
from dashboard.live_feed import (
    BATCH_CHARS,
    BATCH_LINES,
    WINDOW,
    Acks,
    KeptLog,
    changes,
    feed_lines,
    feed_view,
)
from dashboard.logs import LogRing


def ring_of(count, text="line", **bounds):
    ring = LogRing("s", **bounds)
    ring.append("stdout", 1.0, [f"{text} {i}" for i in range(count)])
    return ring


async def fed(source, since=0):
    """All batches of a source that has ended, read by a browser that keeps up."""
    batches, acks = [], Acks()

    async def send(text):
        batches.append(json.loads(text))
        acks.confirm()

    await asyncio.wait_for(feed_lines(source, since, send, acks), 30)
    return batches


def numbers(batches):
    return [line[0] for batch in batches for line in batch["lines"]]


def test_a_batch_is_what_the_browser_expects():
    ring = LogRing("s")
    ring.append("stderr", 2.5, ["<b>\ud800한"])
    ring.close()
    assert asyncio.run(fed(ring)) == [
        {"lines": [[0, "stderr", 2.5, "<b>\ud800한"]], "next": 1, "skipped": 0, "closed": True}
    ]


def test_every_line_comes_once_and_in_order():
    ring = ring_of(3 * BATCH_LINES + 7)
    ring.close()
    assert numbers(asyncio.run(fed(ring))) == list(range(3 * BATCH_LINES + 7))


def test_a_reader_resumes_at_its_line():
    ring = ring_of(20)
    ring.close()
    assert numbers(asyncio.run(fed(ring, since=15))) == list(range(15, 20))


def test_lines_that_are_gone_are_counted():
    ring = ring_of(30, max_lines=10)
    ring.close()
    assert [batch["skipped"] for batch in asyncio.run(fed(ring))] == [20]


def test_giant_lines_travel_in_batches_of_their_own():
    ring = LogRing("s")
    ring.append("stdout", 1.0, ["x" * (2 * BATCH_CHARS)] * 3)
    ring.close()
    assert [len(batch["lines"]) for batch in asyncio.run(fed(ring))] == [1, 1, 1]


def test_only_the_last_batch_says_that_the_source_has_ended():
    ring = ring_of(BATCH_LINES + 1)
    ring.close()
    batches = asyncio.run(fed(ring))
    assert [batch["closed"] for batch in batches] == [False] * (len(batches) - 1) + [True]


def test_lines_that_come_later_are_sent_too():
    async def scenario():
        ring, batches, acks = ring_of(1), [], Acks()

        async def send(text):
            batches.append(json.loads(text))
            acks.confirm()
            if len(batches) == 1:
                ring.append("stdout", 2.0, ["later"])
                ring.close()

        await asyncio.wait_for(feed_lines(ring, 0, send, acks), 30)
        return batches

    assert numbers(asyncio.run(scenario())) == [0, 1]


def test_a_browser_that_confirms_nothing_gets_a_bounded_number_of_batches():
    async def scenario():
        ring, sent, full = ring_of(20 * BATCH_LINES), [], asyncio.Event()

        async def send(text):
            sent.append(text)
            if len(sent) == WINDOW:
                full.set()

        feeding = asyncio.create_task(feed_lines(ring, 0, send, Acks()))
        await asyncio.wait_for(full.wait(), 30)
        for _ in range(50):
            await asyncio.sleep(0)
        feeding.cancel()
        return len(sent)

    assert asyncio.run(scenario()) == WINDOW


def test_a_slow_browser_is_told_how_many_lines_it_missed():
    async def scenario():
        ring, batches, acks = ring_of(100, max_lines=100), [], Acks()

        async def send(text):
            batches.append(json.loads(text))
            if len(batches) == WINDOW:  # while it lags, the ring moves on past it
                ring.append("stdout", 2.0, [f"flood {i}" for i in range(350)])
                ring.close()
                acks.confirm()
            elif len(batches) == 1:
                ring.append("stdout", 2.0, ["one more"])
            else:
                acks.confirm()

        await asyncio.wait_for(feed_lines(ring, 0, send, acks), 30)
        return batches

    batches = asyncio.run(scenario())
    assert (batches[-1]["skipped"], batches[-1]["next"], len(numbers(batches))) == (250, 451, 201)


def kept(*numbers_):
    return KeptLog(tuple(LogLine("s", number, "stdout", 1.0, f"line {number}") for number in numbers_))


@pytest.mark.parametrize(("since", "expected"), [(0, [5, 6, 7]), (6, [6, 7]), (8, []), (99, [])])
def test_a_kept_log_is_read_from_any_line(since, expected):
    assert [line.number for line in kept(5, 6, 7).read(since, 100, 1000).lines] == expected


def test_a_kept_log_counts_what_was_not_kept():
    assert kept(5, 6).read(0, 100, 1000).skipped == 5


def test_an_empty_kept_log_has_ended():
    assert kept().read(0, 100, 1000).closed


def test_a_kept_log_comes_whole_over_a_feed():
    assert numbers(asyncio.run(fed(kept(*range(3, 12_000))))) == list(range(3, 12_000))


def view(*rows, **fields):
    return {**fields, "rows": [{"id": name, "state": state} for name, state in rows]}


def test_the_first_message_is_the_whole_view():
    now = view(("v1", "waiting"), step="release")
    assert changes(None, now) == {"type": "snapshot", "view": now}


def test_an_update_holds_changed_fields_and_changed_rows_only():
    before = view(("v1", "waiting"), ("v2", "waiting"), step="release", title="t")
    after = view(("v1", "waiting"), ("v2", "loading"), step="settle", title="t")
    assert changes(before, after) == {
        "type": "update",
        "view": {"step": "settle"},
        "rows": [{"id": "v2", "state": "loading"}],
    }


def test_nothing_new_is_no_message():
    assert changes(view(("v1", "ready"), step="s"), view(("v1", "ready"), step="s")) is None


def test_new_rows_at_the_end_are_an_update():
    message = changes(view(("v1", "ready")), view(("v1", "ready"), ("v2", "planned")))
    assert message == {"type": "update", "view": {}, "rows": [{"id": "v2", "state": "planned"}]}


@pytest.mark.parametrize(
    "after",
    [view(("v2", "a")), view(("v2", "a"), ("v1", "a")), {"rows": [{"id": "v1"}, {"id": "v2"}]}],
    ids=["a row is gone", "another order", "a field is gone"],
)
def test_what_an_update_cannot_say_is_a_snapshot(after):
    before = (
        view(("v1", "a"), ("v2", "a"), step="s")
        if "state" not in after["rows"][0]
        else view(("v1", "a"), ("v2", "a"))
    )
    assert changes(before, after)["type"] == "snapshot"


def test_a_view_feed_ends_with_the_run():
    async def scenario():
        pictures = [({"step": "release", "rows": []}, False), ({"step": "done", "rows": []}, True)]
        versions, sent = iter([1, 2]), []

        async def send(text):
            sent.append(json.loads(text))

        await asyncio.wait_for(feed_view(lambda: next(versions), lambda: pictures.pop(0), send), 30)
        return sent

    assert asyncio.run(scenario()) == [
        {"type": "snapshot", "view": {"step": "release", "rows": []}},
        {"type": "update", "view": {"step": "done"}, "rows": []},
        {"type": "end"},
    ]


def test_an_unchanged_version_makes_no_view():
    async def scenario():
        versions, made = iter([1, 1, 1, 2]), []

        def picture():
            made.append(1)
            return {"rows": []}, len(made) == 2

        async def send(_text):
            return None

        await asyncio.wait_for(feed_view(lambda: next(versions), picture, send), 30)
        return len(made)

    assert asyncio.run(scenario()) == 2
