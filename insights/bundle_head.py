"""What stands once at the head of an exported run: the run, its session, its state and its metrics."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson

from insights.metrics import metrics_document
from runs import queries
from runs.domain.documents import iso
from runs.domain.documents.clock import iso_or_none
from runs.domain.events import JsonObject
from runs.domain.projection import dump
from runs.models import RawObservation, Run, RuntimeSession
from runs.queries.shown import redactor


def head_of(project_id: UUID, run: Run, *, late: int) -> JsonObject:
    """Everything but the lists. Read it in a `snapshot()`; write it with orjson, stored JSON texts are passed through."""
    state = queries.state_of(project_id, run.id)
    public, _ = dump(state)
    return {
        "run": _run(run),
        "session": _session(run, run.session),
        "projection": orjson.Fragment(public),
        "metrics": metrics_document(state, late=late),
    }


def _run(run: Run) -> JsonObject:
    optional: JsonObject = {
        "runtimeVersion": run.runtime_version,
        "runtimeSessionId": run.session_id,
        "traceId": run.trace_id,
        "startedAt": iso_or_none(run.started_at),
        "endedAt": iso_or_none(run.ended_at),
        "tags": run.tags or None,
        "source": _source(run),
        "metadata": run.metadata or None,
        "ending": None if run.ending is None else orjson.Fragment(run.ending),
    }
    return {
        "id": str(run.id),
        "status": run.status,
        "runtimeKind": run.runtime_kind,
        "createdAt": iso(run.created_at),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _source(run: Run) -> JsonObject | None:
    if run.source_kind is None and run.source_ref is None:
        return None
    source = {"kind": run.source_kind, "ref": run.source_ref}
    return {name: value for name, value in source.items() if value is not None}


def _session(run: Run, session: RuntimeSession) -> JsonObject | None:
    """The session as a stored row; None as long as the run is bound to none."""
    if session.state is None:
        return None
    return {
        "runId": str(run.id),
        "runtimeKind": run.runtime_kind,
        "runtimeSessionId": run.session_id,
        "modeName": run.mode_name,
        "modeVersion": session.mode_version,
        "configurationVersion": session.configuration_version,
        "policyVersion": session.policy_version,
        "initiatorParticipantId": None if session.initiator is None else redactor().redact_text(session.initiator),
        "sessionState": session.state,
        "expiresAt": iso_or_none(session.expires_at),
        "lastSeenAt": iso_or_none(_last_seen(run)),
        "capabilities": _capabilities(session.capabilities),
        "metadata": _asked_metadata(run),
        "createdAt": iso(run.created_at),
        "updatedAt": iso(run.updated_at),
    }


def _capabilities(stored: Mapping[str, object] | None) -> JsonObject | None:
    """What the runtime said it can do; what it left out is null. Rows name it as code does, documents as the contract."""
    return None if stored is None else {_camel(name): value for name, value in stored.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _last_seen(run: Run) -> datetime | None:
    """When its runtime last told us something."""
    last = RawObservation.objects.filter(run_id=run.id, seq=run.last_raw_seq)
    return last.values_list("created_at", flat=True).first()


def _asked_metadata(run: Run) -> object:
    """What the session was launched with, out of the redacted copy of the request."""
    request = run.metadata.get("executionRequest")
    session = request.get("session") if isinstance(request, Mapping) else None
    return session.get("metadata", {}) if isinstance(session, Mapping) else {}
