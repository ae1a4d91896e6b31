"""What the worker tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from loader.controls import ModelSource
from loader.llava import Pair

__all__ = ["Metrics"]

_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Observed(Protocol):
    """What is read when Prometheus asks."""

    in_flight: int

    @property
    def models(self) -> ModelSource[Pair] | None:
        """Where the counts are."""


class Metrics:
    """The worker's counters. Threading: any thread. The loader's own counts are read only when asked for."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self, worker: Observed) -> None:
        self._worker = worker
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.refused = Counter(
            "loadonce_variants_refused", "Variants refused because too many waited", registry=self._registry
        )
        self.failed = Counter(
            "loadonce_variants_failed", "Variants that got no text", registry=self._registry
        )
        self._waited = Histogram(
            "loadonce_wait_seconds", "Wait for the model", buckets=_SECONDS, registry=self._registry
        )
        self._generated = Histogram(
            "loadonce_generation_seconds", "Generation of a text", buckets=_SECONDS, registry=self._registry
        )

    def answered(self, *, waited: float, generated: float) -> None:
        """Count a variant that was answered."""
        self._waited.observe(waited)
        self._generated.observe(generated)

    def text(self) -> bytes:
        """Return the exposition."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Read the loader's counts. Called by the registry."""
        models = self._worker.models
        events = CounterMetricFamily("loadonce_load_events", "Load events by kind", labels=["kind"])
        for kind, count in (models.counts if models is not None else {}).items():
            events.add_metric([kind], count)
        yield events
        ready = models is not None and models.state == "ready"
        yield GaugeMetricFamily("loadonce_model_ready", "1 once the model is loaded", value=int(ready))
        yield GaugeMetricFamily(
            "loadonce_variants_in_flight", "Variants in the worker", self._worker.in_flight
        )
