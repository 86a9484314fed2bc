"""The row of a run that nobody has started yet, made from what was asked for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models.functions import Now

from runs.audit import Actor
from runs.domain.events import JsonObject
from runs.domain.requests import ExecutionRequest, digest_of, document_of, without_bearer
from runs.domain.tracing import parsed_traceparent
from runs.models import Run
from runs.models.stored_request import stored_text
from runs.recorder.context import redactor

# What a list finds a run by; the rest of session.metadata is in the copy of the request.
_LIFTED = ("environment", "scenarioRef", "contextId")
LONGEST_RUNTIME_VERSION = 100
LONGEST_SOURCE_KIND = 100
LONGEST_SOURCE_REF = 500


def queued_run(
    *,
    project_id: UUID,
    request: ExecutionRequest,
    idempotency_key: str | None,
    traceparent: str | None,
    actor: Actor,
    metadata: Mapping[str, object],
    run_id: UUID,
) -> Run:
    """An unsaved run in status queued; its session has an id, given or made here. `metadata` is added to the run's."""
    header, trace_id = parsed_traceparent(traceparent) or ("", None)
    session = request.session
    admission_ms = request.admission_ms or settings.RUN_ADMISSION_TIMEOUT_MS
    progress_ms = settings.RUN_PROGRESS_TIMEOUT_MS if request.progress_ms is None else request.progress_ms
    run = Run(
        id=run_id,
        project_id=project_id,
        mode=request.mode,
        mode_name=session.mode_name,
        runtime_kind=request.runtime.kind,
        session_id=session.session_id or str(uuid4()),
        session_opener=session.opener,
        trace_id=trace_id,
        traceparent=header,
        idempotency_key=idempotency_key,
        request_digest=digest_of(request),
        request=stored_text(request),
        admission_deadline=Now() + timedelta(milliseconds=admission_ms),
        admission_timeout_ms=request.admission_ms,
        progress_timeout_ms=progress_ms,
    )
    _describe(run, request, {**_metadata(request, actor), **metadata})
    return run


def _describe(run: Run, request: ExecutionRequest, metadata: JsonObject) -> None:
    """Everything here is shown, so it is redacted; a mask may be longer than what it hides, hence the cuts."""
    session, mask = request.session, redactor()
    run.runtime_version = mask.redact_text(request.runtime.version or "")[:LONGEST_RUNTIME_VERSION] or None
    run.metadata = cast(JsonObject, mask.redact(metadata))
    run.tags = list(dict.fromkeys(mask.redact_text(tag) for tag in request.tags))
    run.source_kind = mask.redact_text(session.text("source"))[:LONGEST_SOURCE_KIND] or None
    run.source_ref = mask.redact_text(session.text("sourceRef"))[:LONGEST_SOURCE_REF] or None


def _metadata(request: ExecutionRequest, actor: Actor) -> JsonObject:
    metadata: JsonObject = {name: text for name in _LIFTED if (text := request.session.text(name))}
    metadata["executionRequest"] = without_bearer(document_of(request))
    metadata["requester"] = _requester(request, actor)
    return metadata


def _requester(request: ExecutionRequest, actor: Actor) -> JsonObject:
    named = request.execution.requester
    if named is None:
        return {"actorId": actor.name, "actorType": "user" if actor.kind == "user" else "service"}
    document = {"actorId": named.actor_id, "actorType": named.actor_type}
    return {name: value for name, value in document.items() if value is not None}
