"""/metrics: the sums of all processes in Prometheus' text format, open or closed."""

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import AsyncClient, Client

from config import metrics
from runs.bridge import rows
from runs.metrics import ALL, BREAKERS, INBOUND_MESSAGES, SSE_CONNECTIONS
from runs.metrics.tally import Tally
from runs.models import Metric, MetricSource
from runs.reporter import Reporter
from tests.figures import Labels, begin_anew, figures
from tests.integration.config.conftest import KEY, shape

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reporter(monkeypatch: pytest.MonkeyPatch) -> Reporter:
    """The process under test has just begun."""
    begin_anew()
    fresh = Reporter()
    monkeypatch.setattr(metrics, "reporter", fresh)
    return fresh


def shown(client: Client) -> dict[tuple[str, Labels], float]:
    return figures(client.get("/metrics").content.decode())


def of(client: Client, name: str, **labels: str) -> float | None:
    return shown(client).get((name, frozenset(labels.items())))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_metrics_are_public_unless_closed_d10(headers: dict[str, str], client: Client) -> None:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert b"# HELP " in response.content


def test_closed_metrics_need_a_key_d10(client: Client, settings: LazySettings) -> None:
    settings.METRICS_REQUIRE_KEY = True
    assert shape(client.get("/metrics")) == (401, "UNAUTHENTICATED")
    assert shape(client.get("/metrics", headers={"Authorization": "Bearer wrong"})) == (401, "UNAUTHENTICATED")
    assert client.get("/metrics", headers={"Authorization": KEY}).status_code == 200


def test_every_metric_is_described_before_it_moves(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    for metric in ALL:
        assert f"# HELP {metric.name} " in text
        assert f"# TYPE {metric.name} {type(metric).__name__.lower()}" in text
    assert of(client, "macp_stream_reconnects_total") == 0.0
    assert of(client, "active_runtime_streams") == 0.0
    assert of(client, "circuit_breaker_state") == 0.0
    # It should tell of the answering process, too.
    assert "process_cpu_seconds_total" in text


def test_requests_are_counted_by_the_template_of_their_path_however_they_end(alice: Client, client: Client) -> None:
    for number in range(3):
        assert alice.get(f"/plain/{number}").status_code == 500
    client.get("/echo")
    alice.post("/echo", {}, content_type="application/json")
    for number in range(2):
        client.get(f"/nowhere/{number}")
    alice.generic("BREW", "/echo")
    seen = {
        (labels["method"], labels["path"], labels["status_code"]): value
        for (name, pairs), value in shown(client).items()
        if name == "http_requests_total" and (labels := dict(pairs))
    }
    assert seen == {
        ("GET", "/plain/{kind}", "500"): 3.0,
        ("GET", "/echo", "401"): 1.0,
        ("POST", "/echo", "201"): 1.0,
        ("GET", "other", "404"): 2.0,
        ("other", "/echo", "405"): 1.0,
    }


def test_the_time_of_requests_falls_into_buckets_that_add_up(alice: Client) -> None:
    for _ in range(3):
        alice.get("/echo")
    labels = {"method": "GET", "path": "/echo", "status_code": "200"}
    found = shown(alice)
    name = "http_request_duration_seconds"
    buckets = [
        found[f"{name}_bucket", frozenset({**labels, "le": bound}.items())]
        for bound in ("0.01", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf")
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found[f"{name}_count", frozenset(labels.items())] == 3.0
    assert 0.0 < found[f"{name}_sum", frozenset(labels.items())] < 30.0


@pytest.mark.django_db(transaction=True)
async def test_in_the_event_loop_they_are_counted_as_well(async_client: AsyncClient) -> None:
    await async_client.get("/healthz")
    response = await async_client.get("/stream")
    assert b"".join([part async for part in response]) == b"one two"  # type: ignore[attr-defined]
    text = (await async_client.get("/metrics")).content
    for path in ("/healthz", "/stream"):
        labels = {"method": "GET", "path": path, "status_code": "200"}
        assert figures(text.decode())["http_requests_total", frozenset(labels.items())] == 1.0
    assert await rows(Metric.objects.exists)


class Owner:
    """Something that may be at a level."""


def test_the_gauges_of_living_processes_are_added_up_or_the_worst_is_shown(client: Client) -> None:
    breaker = Owner()
    other = Reporter(Tally())
    with SSE_CONNECTIONS.one_more():
        BREAKERS.put(breaker, 2.0)
        other.report()
        BREAKERS.put(breaker, 1.0)
        assert of(client, "active_sse_connections") == 2.0
        assert of(client, "circuit_breaker_state") == 2.0
        MetricSource.objects.filter(id=other._id).delete()
        assert of(client, "active_sse_connections") == 1.0
        assert of(client, "circuit_breaker_state") == 1.0


def test_what_a_version_with_other_labels_has_counted_is_left_out(client: Client) -> None:
    Metric.objects.add(INBOUND_MESSAGES.name, 5, mode="other")
    Metric.objects.add("long_gone_total", 5)
    assert client.get("/metrics").status_code == 200
    assert b"long_gone_total" not in client.get("/metrics").content


def test_without_the_database_the_sums_are_not_known(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: object, **more: object) -> bool:
        raise OperationalError("it is away")

    monkeypatch.setattr("runs.models.metric_source.MetricSourceQuerySet.take_report", away)
    client.get("/echo")
    assert shape(client.get("/metrics")) == (503, "SERVICE_UNAVAILABLE")
    monkeypatch.undo()
    assert client.get("/metrics").status_code == 200
