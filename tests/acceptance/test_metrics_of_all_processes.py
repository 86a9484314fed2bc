"""E23: each metric is moved by the process whose business it is, and read over HTTP from a web process."""

import contextlib
import signal
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.conf import settings
from django_q.tasks import async_task

from runs.metrics import ALL, Histogram
from runs.models import Metric, Projection
from tests.beside import beside
from tests.bodies import short_body
from tests.faults.host import ObserverHost, at_runtime
from tests.faults.queue_host import the_queue
from tests.figures import figures
from tests.processes import wait_until
from tests.recovery.scene import ended, has_read, launch, load, stand_in
from tests.runtime_process import free_port
from tests.sweeping import make_due
from tests.underway import running
from tests.web_process import Web, two

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

MODE = "macp.mode.decision.v1"
# A process reports every ten seconds; one that died is believed for thirty.
REPORTED_IN_S = 45.0

OF_RUNS = {
    "run_state_transitions_total",
    "macp_run_duration_seconds",
    "grpc_call_duration_seconds",
    "macp_circuit_breaker_success_total",
    "macp_outbound_messages_total",
    "macp_inbound_messages_total",
    "macp_signals_total",
    "macp_stream_reconnects_total",
}
OF_OUTAGES = {"circuit_breaker_state", "macp_circuit_breaker_failures_total"}
OF_TAKE_OVERS = {"active_runtime_streams", "macp_recovery_total"}
OF_REQUESTS = {"http_request_duration_seconds", "http_requests_total", "active_sse_connections"}
OF_REPAIRS = {"signalbox_projections_refolded_total"}
OF_WEBHOOKS = {"macp_webhook_deliveries_total", "signalbox_webhook_attempt_duration_seconds"}


def test_every_metric_is_moved_by_a_test_of_this_file_e23() -> None:
    moved = OF_RUNS | OF_OUTAGES | OF_TAKE_OVERS | OF_REQUESTS | OF_REPAIRS | OF_WEBHOOKS
    assert moved == {metric.name for metric in ALL}


class Scrape:
    """What a web process says at one moment."""

    def __init__(self, web: Web) -> None:
        answer = web.caller.get("/metrics")
        assert answer.status_code == 200, answer.text
        self._figures = figures(answer.text)

    def of(self, name: str, **labels: str) -> float:
        return self._figures.get((name, frozenset(labels.items())), 0.0)

    def moved(self) -> set[str]:
        """The metrics of which any number is above zero; a histogram by its count."""
        numbers = {name for (name, _), value in self._figures.items() if value}
        return {one.name for one in ALL if (f"{one.name}_count" if isinstance(one, Histogram) else one.name) in numbers}


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as started:
        yield started


def eventually(web: Web, name: str, value: float, **labels: str) -> None:
    wait_until(lambda: Scrape(web).of(name, **labels) == value, within_s=REPORTED_IN_S, what=f"{name} of {value}")


def test_an_observer_counts_what_its_runs_do(web: Web) -> None:
    with (
        stand_in(*load(40), "--fault", "drop@9", "--fault", "strange@5") as runtime,
        ObserverHost(at_runtime(runtime.address)),
    ):
        kickoff = {"from": "lead", "to": ["ann"], "kind": "proposal", "messageType": "Proposal"}
        payload = {"proposalId": "p-1", "option": "yes"}
        macp = launch(kickoff=[{**kickoff, "payload": payload}])
        scripted = UUID(web.caller.post("/runs", json=short_body()).json()["runId"])
        assert {ended(run_id).status for run_id in (macp, scripted)} == {"completed"}
    # It has been asked to stop, and has handed over what it had.
    seen = Scrape(web)
    assert seen.moved() >= OF_RUNS
    for status in ("starting", "binding_session", "running", "completed"):
        assert seen.of("run_state_transitions_total", status=status) == 2
    # The other one was launched by the test itself, which reports nothing.
    assert seen.of("run_state_transitions_total", status="queued") == 1
    duration = {"terminal_status": "completed", "mode_name": MODE}
    assert seen.of("macp_run_duration_seconds_count", **duration) == 2
    assert seen.of("macp_run_duration_seconds_bucket", **duration, le="+Inf") == 2
    assert seen.of("macp_run_duration_seconds_sum", **duration) > 0
    assert seen.of("grpc_call_duration_seconds_count", method="Send", status="OK") >= 2  # SessionStart and the kickoff
    for status in ("queued", "accepted"):
        assert seen.of("macp_outbound_messages_total", category="kickoff", status=status) == 1
    assert seen.of("macp_inbound_messages_total", mode=MODE, message_type="SessionStart") == 2
    # What agents make up is counted together.
    assert seen.of("macp_inbound_messages_total", mode="other", message_type="other") == 1
    assert seen.of("macp_stream_reconnects_total") == 1
    assert seen.of("macp_signals_total", signal_type="llm.call.completed") == 1


def test_an_observer_without_its_runtime_shows_the_worst_breaker_of_all(web: Web) -> None:
    nowhere = at_runtime(
        f"127.0.0.1:{free_port()}", RUNTIME_CIRCUIT_BREAKER_THRESHOLD="1", RUNTIME_CIRCUIT_BREAKER_RESET_MS="600000"
    )
    with ObserverHost(nowhere):
        launch()
        eventually(web, "circuit_breaker_state", 2.0)
        assert Scrape(web).of("macp_circuit_breaker_failures_total") >= 1
    # It should not be believed of an observer that has gone.
    assert Scrape(web).of("circuit_breaker_state") == 0.0


@pytest.mark.slow
def test_a_dead_observer_holds_no_stream_and_the_next_one_counts_the_recovery(web: Web) -> None:
    with stand_in(*load(4000, rate=20)) as runtime:
        run_id = launch()
        with ObserverHost(at_runtime(runtime.address)) as first:
            wait_until(has_read(run_id, 20), within_s=60, what="the first messages")
            eventually(web, "active_runtime_streams", 1.0)
            first.kill()
            eventually(web, "active_runtime_streams", 0.0)
        with ObserverHost(at_runtime(runtime.address)):
            wait_until(has_read(run_id, 40), within_s=60, what="more messages")
            eventually(web, "active_runtime_streams", 1.0)
        seen = Scrape(web)
        assert seen.of("active_runtime_streams") == 0.0
        assert seen.of("macp_recovery_total", status="recovered") == 1.0
        assert seen.moved() >= OF_TAKE_OVERS - {"active_runtime_streams"}


def test_web_processes_count_each_others_requests_and_streams() -> None:
    with two() as (one, other):
        run_id = one.caller.post("/runs", json=short_body()).json()["runId"]
        one.caller.get("/nowhere")
        with one.caller.stream("GET", f"/runs/{run_id}/stream") as stream:
            assert stream.status_code == 200
            eventually(other, "active_sse_connections", 1.0)
            seen = Scrape(other)
        assert seen.moved() >= OF_REQUESTS
        for path, method, status in (("/runs", "POST", "201"), ("/runs/{run_id}/stream", "GET", "200")):
            labels = {"path": path, "method": method, "status_code": status}
            assert seen.of("http_requests_total", **labels) == 1.0
            assert seen.of("http_request_duration_seconds_count", **labels) == 1.0
        assert seen.of("http_requests_total", path="other", method="GET", status_code="404") == 1.0
        assert str(run_id) not in other.caller.get("/metrics").text
        eventually(other, "active_sse_connections", 0.0)


def test_a_web_process_that_is_asked_to_stop_hands_over_what_it_counted() -> None:
    with two() as (one, other):
        for _ in range(3):
            one.caller.get("/nowhere")
        one.command.send(signal.SIGTERM)
        assert one.command.wait(within_s=15) == 0
        assert Scrape(other).of("http_requests_total", path="other", method="GET", status_code="404") == 3.0


def test_a_projection_that_a_web_process_had_to_make_anew_is_counted(web: Web) -> None:
    run_id = web.caller.post("/runs", json=short_body()).json()["runId"]
    Projection.objects.filter(run_id=run_id).update(state="{}")
    assert web.caller.post(f"/runs/{run_id}/cancel", json={}).status_code == 201
    seen = Scrape(web)
    assert seen.moved() >= OF_REPAIRS
    assert seen.of("run_state_transitions_total", status="cancelled") == 1.0
    assert seen.of("macp_run_duration_seconds_count", terminal_status="cancelled", mode_name=MODE) == 1.0


def test_a_sweep_of_the_net_counts_the_runs_it_ends(web: Web) -> None:
    make_due(running(runtime={"kind": "scripted"}))
    assert beside("sweep", "--once").wait(within_s=60) == 0
    assert Scrape(web).of("run_state_transitions_total", status="failed") == 1.0


def test_a_worker_of_the_queue_reports_what_its_tasks_count(web: Web) -> None:
    with the_queue({"SECRET_KEY": settings.SECRET_KEY}) as queue:
        async_task("tests.counting_task.count_once", task_name="count")
        queue.wait_for_line("Processed 'tests.counting_task.count_once'", within_s=60)
    # It has been asked to stop before ten seconds were over.
    assert Scrape(web).of("macp_stream_reconnects_total") == 1.0


def test_a_worker_of_the_queue_counts_what_it_delivers(web: Web) -> None:
    with the_queue({"SECRET_KEY": settings.SECRET_KEY}) as queue:
        async_task("tests.counting_task.try_once", task_name="try")
        queue.wait_for_line("Processed 'tests.counting_task.try_once'", within_s=60)
    seen = Scrape(web)
    assert seen.moved() >= OF_WEBHOOKS
    for status, number in {"delivered": 1.0, "failed": 2.0, "exhausted": 2.0}.items():
        assert seen.of("macp_webhook_deliveries_total", status=status) == number
    assert seen.of("signalbox_webhook_attempt_duration_seconds_count", status="failed") == 2.0
    assert seen.of("signalbox_webhook_attempt_duration_seconds_sum", status="failed") == pytest.approx(1.4)


def test_without_the_key_that_is_required_nothing_is_told_d10() -> None:
    with Web(METRICS_REQUIRE_KEY="true") as web, contextlib.closing(web.stranger()) as stranger:
        assert stranger.get("/metrics").status_code == 401
        assert stranger.get("/healthz").status_code == 200
        assert web.caller.get("/metrics").status_code == 200
    assert Metric.objects.exists()
