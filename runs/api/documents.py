"""Answers that are computed, not stored: absent members are left out."""

from urllib.parse import urlencode
from uuid import UUID

import orjson

from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.domain.replays import Replay
from runs.operations.batch import Fate, Outcome
from runs.operations.fate import Accepted
from runs.operations.launch import Launched
from runs.operations.recover import Recovery
from runs.operations.ticket import Issued
from runs.operations.validate import Preflight
from runs.queries import Trace
from runs.runtimes.port import Capabilities


def launched_document(launched: Launched) -> JsonObject:
    """The answer of POST /runs."""
    document: JsonObject = {
        "runId": str(launched.run_id),
        "sessionId": launched.session_id,
        "status": launched.status,
    }
    if launched.trace_id:
        document["traceId"] = launched.trace_id
    return document


def accepted_document(accepted: Accepted) -> JsonObject:
    """The answer of POST /runs/{id}/messages; the ack as it is stored."""
    document: JsonObject = {"messageId": str(accepted.message_id), "status": accepted.status}
    if accepted.reply_deadline_at is not None:
        document["replyDeadlineAt"] = iso(accepted.reply_deadline_at)
    return document | {"ack": orjson.Fragment(accepted.ack)}


def acknowledged_document(accepted: Accepted) -> JsonObject:
    """The answer of POST /runs/{id}/signal and /context."""
    return {"messageId": str(accepted.message_id), "ack": orjson.Fragment(accepted.ack)}


def recovery_document(recovery: Recovery) -> JsonObject:
    """The answer of POST /runs/{id}/recover."""
    return {
        "runId": str(recovery.run_id),
        "status": recovery.status,
        "found": recovery.found.value,
        "takenOver": recovery.is_taken_over,
    }


def outcome_document(outcome: Outcome, *, done: str) -> JsonObject:
    """One item of the answers of the batch routes; `done` is what its status is called where it was done."""
    document: JsonObject = {
        "runId": str(outcome.run_id),
        "ok": outcome.fate is Fate.DONE,
        "status": done if outcome.fate is Fate.DONE else outcome.fate.value,
    }
    if outcome.fate is Fate.FAILED:
        document["error"] = {"errorCode": outcome.error_code, "message": outcome.message}
    return document


def trace_document(trace: Trace) -> JsonObject:
    """The answer of GET /runs/{id}/traces."""
    members: JsonObject = {
        "traceId": trace.trace_id,
        "spanCount": trace.span_count,
        "lastSpanId": trace.last_span_id,
        "linkedArtifacts": trace.linked,
        "runStatus": trace.run_status,
        "scenarioRef": trace.scenario_ref,
    }
    return {name: value for name, value in members.items() if value is not None}


def ticket_document(issued: Issued) -> JsonObject:
    """The answer of POST /stream-tickets."""
    return {
        "ticket": issued.secret,
        "runId": str(issued.run_id) if issued.run_id else None,
        "expiresAt": iso(issued.expires_at),
    }


def replay_document(run_id: UUID, replay: Replay) -> JsonObject:
    """The answer of POST /runs/{id}/replay."""
    wanted: JsonObject = {
        "mode": replay.mode,
        "speed": int(replay.speed) if replay.speed.is_integer() else replay.speed,
        "fromSeq": replay.from_seq,
        "toSeq": replay.to_seq,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    address = f"/runs/{run_id}/replay"
    return {
        "runId": str(run_id),
        **given,
        "streamUrl": f"{address}/stream?{urlencode(given)}",
        "stateUrl": f"{address}/state",
    }


def preflight_document(found: Preflight) -> JsonObject:
    """The answer of POST /runs/validate."""
    runtime: JsonObject = {"reachable": found.reachable, "supportedModes": list(found.supported_modes)}
    if found.capabilities is not None:
        runtime["capabilities"] = _capabilities_document(found.capabilities)
    return {
        "valid": found.is_valid,
        "errors": found.errors,
        "warnings": found.warnings,
        "runtime": runtime,
    }


def _capabilities_document(capabilities: Capabilities) -> JsonObject:
    """What the runtime left out is null."""
    return {
        "sessions": capabilities.sessions,
        "cancellation": capabilities.cancellation,
        "progress": capabilities.progress,
        "manifest": capabilities.manifest,
        "modeRegistry": capabilities.mode_registry,
        "roots": capabilities.roots,
    }
