"""Families of metrics, from numbers by their labels."""

from collections.abc import Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from ctid.outbound.tally import Histogram

_Labels = tuple[str, ...]


def counter(
    name: str, help_text: str, labels: _Labels, values: Mapping[Any, float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(
    name: str, help_text: str, labels: _Labels, values: Mapping[Any, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def histogram(
    name: str, help_text: str, labels: _Labels, values: Mapping[Any, Histogram]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, help_text, labels=labels)
    for key, histogram in values.items():
        family.add_metric(key, _buckets(histogram), histogram.sum)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """As Prometheus wants them: each with all that is in the lower ones."""
    below = 0
    buckets: list[tuple[str, float]] = []
    for edge, count in zip((*histogram.edges, "+Inf"), histogram.counts, strict=True):
        below += count
        buckets.append((str(edge), below))
    return buckets


def by_one(histograms: Mapping[str, Histogram]) -> dict[_Labels, Histogram]:
    return {(key,): histogram for key, histogram in histograms.items()}
