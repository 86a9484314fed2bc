"""Metrics: what Signalbox counts of itself, under the names that /metrics shows (docs/metrics.md).

Whoever does a thing counts it here, in memory (`tally`). Once in ten seconds each process hands over what it has counted
(`runs/reporter.py`), so /metrics of any web process shows the sum over all of them. Values of labels that come from
outside are limited to known names before they are counted; the rest is `other`.
"""

from runs.metrics.kinds import Counter, Gauge, Histogram, Metric
from runs.metrics.tally import Held, Worst

__all__ = ["ALL", "Counter", "Gauge", "Histogram", "Metric"]

HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time until an answer began, by the template of the path",
    ("method", "path", "status_code"),
    (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
HTTP_REQUESTS = Counter("http_requests_total", "Requests that were answered", ("method", "path", "status_code"))

SSE_CONNECTIONS = Held()
RUNTIME_STREAMS = Held()
BREAKERS = Worst()

RUN_TRANSITIONS = Counter("run_state_transitions_total", "Moves of runs to a status, creation included", ("status",))
RUN_SECONDS = Histogram(
    "macp_run_duration_seconds",
    "Time from the start of a run (from its creation, if it never started) to its ending",
    ("terminal_status", "mode_name"),
    (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
GRPC_SECONDS = Histogram(
    "grpc_call_duration_seconds",
    "Time of unary calls to a MACP runtime",
    ("method", "status"),
    (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0),
)
BREAKER_FAILURES = Counter("macp_circuit_breaker_failures_total", "Calls to a runtime that were not answered")
BREAKER_SUCCESSES = Counter("macp_circuit_breaker_success_total", "Calls to a runtime that were answered, or refused")
OUTBOUND_MESSAGES = Counter(
    "macp_outbound_messages_total", "Messages into sessions that have come to a status", ("category", "status")
)
INBOUND_MESSAGES = Counter("macp_inbound_messages_total", "Messages of sessions", ("mode", "message_type"))
SIGNALS = Counter("macp_signals_total", "Signals of agents", ("signal_type",))
STREAM_RECONNECTS = Counter("macp_stream_reconnects_total", "Outages of a session's stream, one each")
RECOVERIES = Counter("macp_recovery_total", "Runs that another observer had before and that were taken up", ("status",))
REFOLDED = Counter(
    "signalbox_projections_refolded_total", "Stored projections that could not be read and were made anew"
)
WEBHOOK_DELIVERIES = Counter(
    "macp_webhook_deliveries_total",
    "Attempts that delivered or failed, deliveries that were exhausted or cancelled",
    ("status",),
)
WEBHOOK_SECONDS = Histogram(
    "signalbox_webhook_attempt_duration_seconds",
    "Time of attempts to deliver, from the look-up of the name to the end of the answer",
    ("status",),
    (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0),
)

# Whatever can be seen at /metrics beside the figures of the answering process itself.
ALL: tuple[Metric, ...] = (
    HTTP_SECONDS,
    HTTP_REQUESTS,
    Gauge("active_sse_connections", "Event streams that are open", "sum", SSE_CONNECTIONS.value),
    Gauge("active_runtime_streams", "Sessions that are being read from a runtime", "sum", RUNTIME_STREAMS.value),
    RUN_TRANSITIONS,
    RUN_SECONDS,
    GRPC_SECONDS,
    Gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open; the worst of all", "worst", BREAKERS.value),
    BREAKER_FAILURES,
    BREAKER_SUCCESSES,
    OUTBOUND_MESSAGES,
    INBOUND_MESSAGES,
    SIGNALS,
    STREAM_RECONNECTS,
    RECOVERIES,
    REFOLDED,
    WEBHOOK_DELIVERIES,
    WEBHOOK_SECONDS,
)
