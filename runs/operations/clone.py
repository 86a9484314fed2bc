"""Clone: what was asked for once is asked for again, as a run of its own."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from runs.audit import Actor
from runs.domain.events import JsonObject
from runs.domain.requests import ExecutionRequest, decode_request
from runs.errors import Conflict, RunNotFound
from runs.models import Run
from runs.operations.launch import Launched, launch_run

CLONED_FROM = "clonedFrom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a clone is to have instead of what the run has; None leaves it as it is."""

    tags: tuple[str, ...] | None = None
    context: JsonObject | None = None


def request_of_clone(project_id: UUID, run_id: UUID, changes: Changes) -> ExecutionRequest:
    """What a clone of the run asks for: neither its idempotency key nor its session id.

    Raises RunNotFound, and Conflict for a run of which nobody can read any more what was asked for.
    """
    stored = Run.objects.filter(id=run_id, project_id=project_id).values_list("request", flat=True).first()
    if stored is None:
        raise RunNotFound
    try:
        request = decode_request(stored)
    except msgspec.ValidationError as unreadable:
        raise Conflict("what was asked for of the run cannot be read") from unreadable
    session = msgspec.structs.replace(request.session, session_id=None)
    if changes.context is not None:  # an envelope would win over it
        session = msgspec.structs.replace(session, context=changes.context, context_envelope=None)
    execution = msgspec.structs.replace(request.execution, idempotency_key=None)
    if changes.tags is not None:
        execution = msgspec.structs.replace(execution, tags=changes.tags)
    return msgspec.structs.replace(request, session=session, execution=execution)


def clone_run(
    *,
    project_id: UUID,
    run_id: UUID,
    clone_id: UUID,
    request: ExecutionRequest,
    traceparent: str | None,
    actor: Actor,
    request_id: str | None,
) -> Launched:
    """A run `clone_id` exists for `request`, which was made by `request_of_clone`; it says which run it is a clone of."""
    if (earlier := Run.objects.filter(id=clone_id, project_id=project_id).first()) is not None:
        return Launched(earlier.id, earlier.session_id, earlier.status, earlier.trace_id, created=False)
    return launch_run(
        project_id=project_id,
        request=request,
        idempotency_key=None,
        traceparent=traceparent,
        actor=actor,
        request_id=request_id,
        metadata={CLONED_FROM: str(run_id)},
        action="run.cloned",
        run_id=clone_id,
    )
