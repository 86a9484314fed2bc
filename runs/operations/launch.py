"""Launch: a valid request becomes a queued run; an observer carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

import psycopg
from django.db import IntegrityError, transaction

from runs import hub
from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.domain.discovered import DISCOVERY
from runs.domain.events import Draft, EventType, JsonObject
from runs.domain.lifecycle import RunStatus
from runs.domain.projection import SCHEMA_VERSION, dump, empty
from runs.domain.requests import ExecutionRequest
from runs.errors import IdempotencyKeyReused, SessionTaken
from runs.models import Projection, Run, RuntimeSession
from runs.models.identity import uuid7
from runs.models.session import shown_versions
from runs.operations.queued_run import queued_run
from runs.recorder import record
from runs.recorder.context import redactor

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Launched:
    """The run that stands for a request, and whether this very call created it."""

    run_id: UUID
    session_id: str | None
    status: str
    trace_id: str | None
    created: bool


def launch_run(
    *,
    project_id: UUID,
    request: ExecutionRequest,
    idempotency_key: str | None,
    traceparent: str | None,
    actor: Actor,
    request_id: str | None,
    metadata: Mapping[str, object] = NOTHING,
    action: str = "run.created",
    run_id: UUID | None = None,
) -> Launched:
    """A queued run exists for `request`; under one idempotency key there is never a second one.

    `metadata` is added to the run's own, and to the audit entry, which says `action`; the run gets a new id unless `run_id`
    names one. Raises IdempotencyKeyReused if the key stands for another request, SessionTaken if the session has a run
    already.
    """
    run = queued_run(
        project_id=project_id,
        request=request,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        actor=actor,
        metadata=metadata,
        run_id=run_id or uuid7(),
    )
    if earlier := _earlier(project_id, run):
        return earlier
    try:
        with transaction.atomic():
            _store(run, request)
            _note_creation(project_id, run, action, metadata, actor, request_id)
            hub.call_observers()
            committing("create")
    except IntegrityError as error:
        return _lost_the_race(project_id, run, error)
    return Launched(run.id, run.session_id, RunStatus.QUEUED, run.trace_id, created=True)


def _earlier(project_id: UUID, run: Run) -> Launched | None:
    """The run that its idempotency key stands for already."""
    if run.idempotency_key is None:
        return None
    earlier = Run.objects.filter(project_id=project_id, idempotency_key=run.idempotency_key).first()
    if earlier is None:
        return None
    if bytes(earlier.request_digest) != run.request_digest:
        raise IdempotencyKeyReused
    return Launched(earlier.id, earlier.session_id, earlier.status, earlier.trace_id, created=False)


def _lost_the_race(project_id: UUID, run: Run, error: IntegrityError) -> Launched:
    # The second of two equal first requests may trip over either constraint: the key decides first.
    if earlier := _earlier(project_id, run):
        return earlier
    cause = error.__cause__
    if isinstance(cause, psycopg.Error) and cause.diag.constraint_name == "runs_session":
        raise SessionTaken from error
    raise error


def _store(run: Run, request: ExecutionRequest) -> None:
    run.save(force_insert=True)
    session = request.session
    RuntimeSession.objects.create(
        run_id=run.id,
        initiator=request.initiator,
        **shown_versions(
            redactor(),
            mode=session.mode_version,
            configuration=session.configuration_version,
            policy=session.policy_version,
        ),
    )
    state, private = dump(empty(str(run.id)))
    Projection.objects.create(
        run_id=run.id, state=state.decode(), private=private.decode(), schema_version=SCHEMA_VERSION
    )
    record(run.id, [_created(run)], epoch=None)


def _note_creation(
    project_id: UUID, run: Run, action: str, metadata: Mapping[str, object], actor: Actor, request_id: str | None
) -> None:
    note(
        project_id=project_id,
        actor=actor,
        action=action,
        resource="run",
        resource_id=str(run.id),
        details=dict(metadata),
        request_id=request_id,
    )


def _created(run: Run) -> Draft:
    data: JsonObject = {
        "status": RunStatus.QUEUED.value,
        "modeName": run.mode_name,
        "runtimeKind": run.runtime_kind,
        "sessionId": run.session_id,
        "sessionOpener": run.session_opener,
    }
    if run.runtime_version:
        data["runtimeVersion"] = run.runtime_version
    if run.trace_id:
        data["traceId"] = run.trace_id
    source = DISCOVERY if run.source_kind == DISCOVERY else "api"
    return Draft(type=EventType.RUN_CREATED, data=data, source_name=source, subject_kind="run", subject_id=str(run.id))
