"""The routes outside the REST framework: streams and health."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.documents.operation import KEY, SESSION, TICKET, completed
from runs.api.described import ERRORS
from runs.api.query import BIGGEST
from runs.api.schemas.shapes import TEXT, Schema, fixed, ref, shape, word
from runs.domain.replays import FASTEST, MODES, SLOWEST
from runs.streaming.admission import SCOPE

EVENT_STREAM = "text/event-stream"

_TRUTH: Schema = {"type": "boolean", "default": True}
_SEQ: Schema = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_RANGE: Schema = {"type": "integer", "minimum": 1, "maximum": BIGGEST}


def parameter(name: str, schema: Schema, description: str = "", where: str = "query") -> dict[str, Any]:
    """One parameter; those of the path are required."""
    found: dict[str, Any] = {"in": where, "name": name, "schema": schema}
    found |= {"required": True} if where == "path" else {}
    return found | ({"description": description} if description else {})


RUN_ID = parameter("run_id", {}, where="path")
TICKET_PARAMETER = parameter(TICKET, {"type": "string"}, "a ticket of POST /stream-tickets, good once")
LAST_EVENT_ID = parameter("Last-Event-ID", _SEQ, "a cursor; the greater of both wins", "header")
PACE = (
    parameter(
        "heartbeatMs",
        {"type": "integer", "minimum": 1_000, "maximum": 300_000},
        "STREAM_SSE_HEARTBEAT_MS by default",
    ),
    parameter(
        "snapshotMs",
        {"anyOf": [fixed(0), {"type": "integer", "minimum": 500, "maximum": 60_000}]},
        "STREAM_SNAPSHOT_INTERVAL_MS by default; 0: only the first snapshot",
    ),
)
AFTER_SEQ = parameter("afterSeq", _SEQ, "events after it are sent first; 0: from the beginning")
LIVE = (AFTER_SEQ, parameter("includeSnapshot", _TRUTH), *PACE)
REPLAYED = (
    parameter("mode", {**word(MODES), "default": "timed"}),
    parameter("speed", {"type": "number", "minimum": SLOWEST, "maximum": FASTEST, "default": 1}),
    parameter("fromSeq", _RANGE),
    parameter("toSeq", _RANGE),
)

NO_MORE = {"description": "There will never be more; an EventSource stops."}


def paths() -> dict[str, dict[str, Any]]:
    """Every address with what it can be asked."""
    streams = {
        "/runs/{run_id}/stream": _stream("The run, live.", LIVE, errors=("CURSOR_AHEAD",)),
        "/runs/{run_id}/agui": _stream("The run, live, as AG-UI events.", (AFTER_SEQ, *PACE), errors=("CURSOR_AHEAD",)),
        "/runs/{run_id}/replay/stream": _stream("The run, shown again.", REPLAYED),
    }
    ways = (KEY, SESSION, TICKET)
    found = {path: {"get": completed(one, path, "get", SCOPE, ways=ways)} for path, one in streams.items()}
    return {**found, **_health()}


def _stream(summary: str, query: Sequence[Mapping[str, Any]], errors: Sequence[str] = ()) -> dict[str, Any]:
    frames = {
        "description": "Frames, each with these fields; which, and in which order, says docs/asyncapi.json.",
        "content": {EVENT_STREAM: {"schema": shape({"data": TEXT}, event=TEXT, id=TEXT)}},
    }
    return {
        "summary": summary,
        "parameters": [RUN_ID, *query, LAST_EVENT_ID, TICKET_PARAMETER],
        "responses": {"200": frames, "204": NO_MORE},
        ERRORS: errors,
    }


def _health() -> dict[str, dict[str, Any]]:
    ready = {"200": _json("It can serve.", "Readiness"), "503": _json("It cannot: no database.", "Readiness")}
    shown = {
        "/healthz": {"summary": "Whether the process lives.", "responses": {"200": _json("It does.", "Liveness")}},
        "/readyz": {"summary": "Whether the process can serve.", "responses": ready},
        "/metrics": {
            "summary": "What Prometheus reads, summed over all processes.",
            "responses": {
                "200": {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            },
        },
    }
    return {path: {"get": completed(one, path, "get", SCOPE)} for path, one in shown.items()}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(schema)}}}
