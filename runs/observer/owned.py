"""OwnedRun: what the owner of a run must know to launch it or to go on, read once when it takes the run."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection, transaction

from runs.domain.lifecycle import RunStatus
from runs.domain.requests import ExecutionRequest, decode_request
from runs.models import Run
from runs.runtimes.plan import plan_of
from runs.runtimes.port import SessionPlan


@dataclass(frozen=True, slots=True)
class OwnedRun:
    """One run under one lease epoch. `cursor` and `adapter_state` are as committed when it was taken.

    `answers` is held while an answer of the runtime is recorded: each brings the whole adapter state, so they are recorded
    in the order in which they came.
    """

    id: UUID
    epoch: int
    status: RunStatus
    kind: str
    request: ExecutionRequest
    plan: SessionPlan
    answers: asyncio.Lock = field(default_factory=asyncio.Lock, kw_only=True, repr=False, compare=False)
    cursor: int
    start_envelope: bytes | None
    start_acked: bool
    adapter_state: bytes | None
    recovery_attempts: int


def admission_seconds_left(run_id: UUID) -> float:
    """How long until the run's admission deadline, by the database's clock; 0 once it has passed, or without one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM admission_deadline - clock_timestamp()) FROM runs_run WHERE id = %s", [run_id]
        )
        found = cursor.fetchone()
    return max(0.0, float(found[0])) if found and found[0] is not None else 0.0


def require_ours(run: OwnedRun) -> None:
    """Raises Fenced or RunEnded where whoever records under this lease would be turned away, too."""
    with transaction.atomic():
        Run.objects.lock(run.id, epoch=run.epoch)


def load_run(run_id: UUID) -> OwnedRun:
    """The run as it is now, under whatever epoch: for who acts on a run without owning it."""
    return load_owned(run_id, epoch=0)


def load_owned(run_id: UUID, epoch: int) -> OwnedRun:
    """The run as its new owner finds it."""
    run = Run.objects.select_related("session").get(id=run_id)
    request = decode_request(run.request)
    session = run.session
    return OwnedRun(
        id=run.id,
        epoch=epoch,
        status=RunStatus(run.status),
        kind=run.runtime_kind,
        request=request,
        plan=plan_of(run.id, run.session_id or "", request, traceparent=run.traceparent),
        cursor=session.cursor,
        start_envelope=bytes(session.start_envelope) if session.start_envelope is not None else None,
        start_acked=session.start_acked_at is not None,
        adapter_state=bytes(session.adapter_state) if session.adapter_state is not None else None,
        recovery_attempts=run.recovery_attempts,
    )
