"""What a container uses: the engine's counters as docker's client reads them, and the words for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dashboard.engine.facts import ContainerFacts, facts_of
from dashboard.engine.gauges import Gauge
from dashboard.engine.stats import Counters, counters_of, usage_between
from dashboard.gauge_cards import gauge_cards, usage_figures
from dashboard.record import from_json, to_json
from dashboard.usage import Usage, thinned
from tests.dashboard import sample_records as sample

MIB = 1024 * 1024
YH = ContainerFacts("1", "yh", "image", "sha256:1", "running")
USED = Usage(1.0, 1.5, 2.0, 512 * MIB, 2048 * MIB, 7)


def answer(**memory: object) -> dict[str, Any]:
    return {
        "read": "2026-11-23T08:45:12.5Z",
        "cpu_stats": {
            "cpu_usage": {"total_usage": 3_000_000_000, "percpu_usage": [1, 2, 3, 4]},
            "system_cpu_usage": 90_000_000_000,
            "online_cpus": 4,
        },
        "memory_stats": {"usage": 300 * MIB, "limit": 1024 * MIB, **memory},
        "pids_stats": {"current": 5},
    }


def counters(told: dict[str, Any]) -> Counters:
    found = counters_of(told)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("stats", "used"),
    [
        ({"total_inactive_file": 100 * MIB, "inactive_file": 1}, 200),  # cgroup v1
        ({"inactive_file": 50 * MIB, "active_file": 100 * MIB}, 250),  # cgroup v2
        ({"inactive_file": 900 * MIB}, 300),  # more than is in use: counted at another moment
        (None, 300),
    ],
)
def test_memory_is_counted_without_the_cache_that_gives_way(stats: object, used: int) -> None:
    assert counters(answer(stats=stats)).memory == used * MIB


def test_an_older_engine_that_does_not_count_the_cores_names_each() -> None:
    told = answer()
    del told["cpu_stats"]["online_cpus"]
    assert counters(told).cores == 4


def test_a_container_that_does_not_run_has_no_counters() -> None:
    stopped = {"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}}
    assert counters_of(stopped | {"memory_stats": {}, "pids_stats": {}}) is None


def test_an_engine_without_account_of_memory_tells_none() -> None:
    told = answer() | {"memory_stats": {}, "pids_stats": {}}
    assert (counters(told).memory, counters(told).processes) == (None, None)


def test_the_cpu_is_what_was_used_of_what_the_machine_had() -> None:
    before = counters(answer())
    now = replace(before, cpu_ns=before.cpu_ns + 3_000_000_000, machine_ns=before.machine_ns + 8_000_000_000)
    used = usage_between(before, now, replace(YH, cpu_limit=2.0))
    assert (used.cpu, used.cpu_limit, used.cpu_share) == (1.5, 2.0, 0.75)


@pytest.mark.parametrize("life", ["first reading", "restarted", "the same reading again"])
def test_the_cpu_is_not_known_of_two_lives_or_of_one_reading(life: str) -> None:
    now = counters(answer())
    earlier = {"first reading": None, "restarted": replace(now, cpu_ns=now.cpu_ns + 1)}.get(life, now)
    assert usage_between(earlier, now, YH).cpu is None


@pytest.mark.parametrize(
    ("host", "cores"),
    [
        ({}, None),
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 0}, 0.5),
        ({"CpuQuota": -1}, None),
        ({"CpusetCpus": "0-2,7"}, 4),
        ({"CpusetCpus": "0", "NanoCpus": 2_000_000_000}, 1),
    ],
)
def test_a_limit_of_the_cpu_is_known_however_it_was_given(host: dict[str, Any], cores: float | None) -> None:
    told = {"Id": "1", "Name": "/yh", "Image": "i", "State": {"Status": "running"}, "HostConfig": host}
    assert facts_of(told).cpu_limit == cores


def test_no_peak_of_a_long_series_falls_out() -> None:
    series = [replace(USED, time=float(n), memory=n % 100) for n in range(1000)]
    series[511] = replace(series[511], memory=10_000)
    kept = thinned(series, 50)
    assert len(kept) == 50
    assert max(usage.memory or 0 for usage in kept) == 10_000
    assert kept[-1] is series[-1]


def texts(gauge: Gauge, container: ContainerFacts = YH) -> list[str]:
    (card,), _ = gauge_cards([container], {"yh": gauge})
    return [*(bar.text for bar in card.bars), card.note]


def test_a_bar_says_in_words_what_it_shows() -> None:
    limited = replace(YH, memory_limit=2048 * MIB)
    assert texts(Gauge(USED), limited) == [
        "CPU: 150 % of a core, 75 % of 2 cores",
        "Memory: 512 MiB, 25 % of its 2.0 GiB",
        "",
    ]


def test_a_container_without_a_limit_shares_the_machine_s_memory() -> None:
    assert texts(Gauge(USED))[1] == "Memory: 512 MiB, 25 % of the machine’s 2.0 GiB"


def test_a_memory_that_is_nearly_full_is_told_in_words() -> None:
    assert "close to its limit" in texts(Gauge(replace(USED, memory=1900 * MIB)))[1]


@pytest.mark.parametrize(
    ("gauge", "note"),
    [
        (Gauge(), "Reading its use …"),
        (Gauge(problem="the engine said no"), "the engine said no"),
        (Gauge(USED, age_s=12), "As it was 12.0 s ago: the engine is slow to answer."),
        (Gauge(replace(USED, cpu=None, memory=None)), "The engine keeps no account of its use."),
    ],
)
def test_what_is_not_known_is_told_in_words(gauge: Gauge, note: str) -> None:
    assert texts(gauge)[-1] == note


def test_of_hundreds_those_with_the_most_memory_are_shown() -> None:
    many = [replace(YH, id=str(n), name=f"c{n}") for n in range(30)]
    gauges = {each.name: Gauge(replace(USED, memory=n)) for n, each in enumerate(many)}
    cards, told = gauge_cards(many, gauges, most=3)
    assert [card.name for card in cards] == ["c27", "c28", "c29"]
    assert told == "27 more containers with less memory in use."


def test_a_trial_shows_the_newest_use_and_the_peak() -> None:
    usage = (
        replace(USED, cpu=None),
        replace(USED, memory=1500 * MIB),
        replace(USED, memory=600 * MIB, cpu=0.2),
    )
    trial = replace(sample.trial(1), usage=usage)
    memory, cpu = usage_figures(trial)
    assert (memory.value, memory.peak) == ("600 MiB of 2.0 GiB", "at most 1.5 GiB")
    assert (cpu.value, cpu.peak, cpu.series) == ("20 % of a core", "at most 150 % of a core", (150, 20))


def test_a_trial_that_nobody_measured_shows_nothing() -> None:
    assert usage_figures(sample.trial(1)) == usage_figures(None) == ()


def test_the_record_keeps_the_use() -> None:
    record = sample.run("green")
    kept = replace(record, trials=(replace(record.trials[0], usage=(USED,)),))
    assert from_json(to_json(kept)).trials[0].usage == (USED,)
