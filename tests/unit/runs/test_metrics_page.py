"""docs/metrics.md shows every metric with its kind, its labels and its buckets."""

import re
from pathlib import Path

from runs.metrics import ALL, GRPC_SECONDS, HTTP_SECONDS, RUN_SECONDS, WEBHOOK_SECONDS, Gauge, Histogram

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()


def test_the_page_lists_every_metric_with_its_labels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\|", PAGE, re.MULTILINE)
    declared = {
        (one.name, type(one).__name__.lower(), "" if isinstance(one, Gauge) else ", ".join(one.labels)) for one in ALL
    }
    assert set(rows) == declared
    assert len(rows) == len(declared)


def test_the_page_says_the_buckets_of_every_histogram() -> None:
    shown_as = {"HTTP": HTTP_SECONDS, "gRPC": GRPC_SECONDS, "runs": RUN_SECONDS, "webhooks": WEBHOOK_SECONDS}
    for name, histogram in shown_as.items():
        shown = re.search(rf"{name} ((?:[\d.]+ ?)+)", PAGE)
        assert shown is not None
        assert tuple(map(float, shown[1].rstrip(".").split())) == histogram.buckets
    assert sum(isinstance(one, Histogram) for one in ALL) == len(shown_as)
