"""/metrics: what Prometheus reads, summed over all processes; closed by METRICS_REQUIRE_KEY."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import orjson
from django.conf import settings
from django.http import HttpResponse
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.metrics import ALL, Counter, Gauge, Histogram
from runs.metrics.kinds import LE
from runs.models import Metric, MetricSource
from runs.reporter import reporter

if TYPE_CHECKING:
    from rest_framework.permissions import _SupportsHasPermission

# Of one name: by the values of the labels, in the order in which the metric names them.
Sums = dict[tuple[str, ...], float]


class MetricsView(APIView):
    """The counters of all processes in Prometheus' text format, and the figures of the answering process itself."""

    scope = "runs:read"
    throttle_classes = ()

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Nobody is asked who they are while the route is public, not even with a wrong key."""
        return super().get_authenticators() if settings.METRICS_REQUIRE_KEY else []

    def get_permissions(self) -> Sequence[_SupportsHasPermission]:
        """A scope is needed only while the route is closed."""
        return super().get_permissions() if settings.METRICS_REQUIRE_KEY else []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Prometheus text; 503 without the database, which alone knows the sums."""
        reporter.report()
        exported: HttpResponse = ExportToDjangoView(request)
        exported.content = exported.content + generate_latest(_SHARED)
        return exported


class SharedFigures:
    """What all processes have counted together, as one collector of Prometheus."""

    def describe(self) -> Iterator[Family]:
        """Nothing: whoever registers a collector must not need the database."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Every metric of ours, whether it has moved or not."""
        sums = _sums()
        gauges = [orjson.loads(text) for text in MetricSource.objects.living_gauges()]
        for metric in ALL:
            match metric:
                case Counter():
                    yield _counter(metric, sums[metric.name])
                case Histogram():
                    yield _histogram(metric, sums[metric.bucket_name], sums[metric.sum_name])
                case Gauge():
                    yield _gauge(metric, [float(one.get(metric.name, 0)) for one in gauges])


def _sums() -> defaultdict[str, Sums]:
    """The rows of one look, so that buckets and sums are of the same moment."""
    known = {one.name: one.labels for one in ALL if isinstance(one, Counter)}
    for histogram in (one for one in ALL if isinstance(one, Histogram)):
        known[histogram.bucket_name] = (*histogram.labels, LE)
        known[histogram.sum_name] = histogram.labels
    sums: defaultdict[str, Sums] = defaultdict(dict)
    for name, text, value in Metric.objects.filter(name__in=known).values_list("name", "labels", "value"):
        labels = orjson.loads(text)
        if set(labels) == set(known[name]):  # else a version with other labels has counted
            sums[name][tuple(labels[label] for label in known[name])] = value
    return sums


def _counter(metric: Counter, sums: Sums) -> Family:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, value in sorted(sums.items()) or ([] if metric.labels else [((), 0.0)]):
        family.add_metric(values, value)
    return family


def _histogram(metric: Histogram, buckets: Sums, sums: Sums) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, total in sorted(sums.items()):
        counts = accumulate(buckets.get((*values, bound), 0.0) for bound in metric.bounds)
        family.add_metric(values, list(zip(metric.bounds, counts, strict=True)), total)
    return family


def _gauge(metric: Gauge, values: Sequence[float]) -> Family:
    together = sum(values) if metric.together == "sum" else max(values, default=0.0)
    return GaugeMetricFamily(metric.name, metric.help, value=together)


_SHARED = CollectorRegistry()
_SHARED.register(SharedFigures())
