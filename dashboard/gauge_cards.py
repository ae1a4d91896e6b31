"""What containers use, in words and as shares of a bar: cards of *Targets*, the figures of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.engine.facts import ContainerFacts
from dashboard.engine.gauges import Gauge
from dashboard.record import TrialRecord
from dashboard.usage import Usage
from dashboard.wording import plural, seconds

__all__ = ["Bar", "GaugeCard", "UsageFigure", "gauge_cards", "usage_figures"]

_MIB: Final = 1024 * 1024
_TIGHT: Final = 0.9
_OLD_S: Final = 10.0
_MOST: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1, and the words that say the same."""

    share: float
    text: str


@dataclass(frozen=True, slots=True)
class GaugeCard:
    """One running container: its bars, and a sentence where there is no fresh reading."""

    name: str
    processes: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class UsageFigure:
    """One figure over a trial: the newest value, the peak, and the series for a small chart."""

    label: str
    value: str
    peak: str
    series: tuple[float, ...]


def gauge_cards(
    containers: Iterable[ContainerFacts], gauges: Mapping[str, Gauge], *, most: int = _MOST
) -> tuple[tuple[GaugeCard, ...], str]:
    """Return a card for each container that is read, in their order, and a sentence on those left out.

    Of more than `most` those with the most memory have one: a page of hundreds is read by nobody.
    """
    running = [each for each in containers if each.name in gauges]
    left_out = len(running) - most
    if left_out > 0:
        heaviest = sorted(running, key=lambda each: -_memory_of(gauges[each.name]))[:most]
        running = [each for each in running if each in heaviest]
    told = f"{plural(left_out, 'more container')} with less memory in use." if left_out > 0 else ""
    return tuple(_card(each, gauges[each.name]) for each in running), told


def usage_figures(trial: TrialRecord | None) -> tuple[UsageFigure, ...]:
    """Return memory and CPU of the container over a trial; nothing where nobody measured them."""
    series = () if trial is None else trial.usage
    figures = []
    memory = [usage.memory for usage in series if usage.memory is not None]
    if memory:
        limit = series[-1].memory_limit
        value = size(memory[-1]) + (f" of {size(limit)}" if limit else "")
        charted = tuple(round(each / _MIB, 1) for each in memory)
        figures.append(UsageFigure("Memory", value, f"at most {size(max(memory))}", charted))
    cpu = [usage.cpu for usage in series if usage.cpu is not None]
    if cpu:
        charted = tuple(round(each * 100) for each in cpu)
        now, most = _percent(cpu[-1]), _percent(max(cpu))
        figures.append(UsageFigure("CPU", f"{now} of a core", f"at most {most} of a core", charted))
    return tuple(figures)


def size(count: int) -> str:
    """Return bytes as docker writes them: `312 MiB`, `1.9 GiB`."""
    if count < 1000 * _MIB:
        return f"{count / _MIB:,.0f} MiB"
    return f"{count / _MIB / 1024:,.1f} GiB"


def _card(container: ContainerFacts, gauge: Gauge) -> GaugeCard:
    usage = gauge.usage
    if usage is None:
        return GaugeCard(container.name, "", (), gauge.problem or "Reading its use …")
    bars = []
    if usage.cpu is not None:
        bars.append(Bar(usage.cpu_share or 0.0, _cpu_words(usage.cpu, usage)))
    if usage.memory is not None:
        bars.append(Bar(usage.memory_share or 0.0, f"Memory: {_memory_words(container, usage)}"))
    note = gauge.problem
    if gauge.age_s > _OLD_S:
        note = f"As it was {seconds(gauge.age_s)} ago: the engine is slow to answer. {note}".strip()
    if not bars:
        note = note or "The engine keeps no account of its use."
    processes = ""
    if usage.processes is not None:
        processes = plural(usage.processes, "process or thread", "processes and threads")
    return GaugeCard(container.name, processes, tuple(bars), note)


def _percent(cores: float) -> str:
    return f"{cores * 100:,.0f} %"


def _cpu_words(cores: float, usage: Usage) -> str:
    if usage.cpu_limit is None or usage.cpu_share is None:
        return f"CPU: {_percent(cores)} of a core"
    share = f"{usage.cpu_share * 100:.0f} %"
    if usage.cpu_limit == 1:
        return f"CPU: {_percent(cores)} of a core, {share} of its one core"
    return f"CPU: {_percent(cores)} of a core, {share} of {usage.cpu_limit:g} cores"


def _memory_words(container: ContainerFacts, usage: Usage) -> str:
    assert usage.memory is not None  # asked by the caller
    if usage.memory_limit is None or usage.memory_share is None:
        return size(usage.memory)
    own = container.memory_limit is not None
    close = " – close to its limit" if usage.memory_share >= _TIGHT else ""
    share, most = f"{usage.memory_share * 100:.0f} %", size(usage.memory_limit)
    return f"{size(usage.memory)}, {share} of {'its' if own else 'the machine’s'} {most}{close}"


def _memory_of(gauge: Gauge) -> int:
    return (gauge.usage.memory or 0) if gauge.usage is not None else 0
