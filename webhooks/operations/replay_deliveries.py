"""Replay: many deliveries of an endpoint go out once more, under a key that makes asking twice harmless."""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from runs.audit import LONGEST_NAME
from runs.domain.documents.clock import iso_or_none
from runs.domain.events import JsonObject
from runs.errors import IdempotencyKeyReused
from runs.hub import call_queue
from runs.models.identity import uuid7
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.caller import Caller
from webhooks.operations.listening import require_active
from webhooks.queries import ReplayFilter, replayable, shown_endpoint

REPLAYED = "webhook.replayed"
MOST = 10_000  # of one job; the next one takes what is left
# What waits is sent anyway.
REPLAYABLE = (DeliveryStatus.DELIVERED.value, DeliveryStatus.EXHAUSTED.value, DeliveryStatus.CANCELLED.value)
ONCE = "replay_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many deliveries a job has made due, or would (`key` is None), and how many matched."""

    count: int
    matched: int
    key: str | None


def count_replay(endpoint_id: UUID, wanted: ReplayFilter, caller: Caller) -> Replayed:
    """What a replay would do; nothing is done. Raises NotFound, and Conflict where the endpoint is inactive."""
    require_active(shown_endpoint(caller.project_id, endpoint_id))
    matched = replayable(endpoint_id, wanted).count()
    return Replayed(count=min(matched, MOST), matched=matched, key=None)


def replay_deliveries(endpoint_id: UUID, wanted: ReplayFilter, caller: Caller, *, key: str | None = None) -> Replayed:
    """The oldest 10 000 that match are due, each under its own `webhook-id`; the endpoint's rate says how fast they go.

    With the key of an earlier job nothing is done, and the answer is what that job had done. Raises NotFound, Conflict
    where the endpoint is inactive, and IdempotencyKeyReused where the earlier job was another one.
    """
    job = _Job(endpoint_id, wanted, key or str(uuid7()))
    with transaction.atomic():
        endpoint = Endpoint.objects.lock(caller.project_id, endpoint_id)
        former = _former(job, caller)
        if former is not None:
            return former
        require_active(endpoint)
        done = _replay(job)
        call_queue()
        _keep(job, done, caller)
        caller.note(REPLAYED, endpoint_id, {**_document(wanted), "count": done.count, "key": job.key})
        return done


@dataclass(frozen=True, slots=True)
class _Job:
    endpoint_id: UUID
    wanted: ReplayFilter
    key: str


def _former(job: _Job, caller: Caller) -> Replayed | None:
    row = Replay.objects.filter(project_id=caller.project_id, key=job.key).first()
    if row is None:
        return None
    if (row.endpoint_id, row.wanted["filter"]) != (job.endpoint_id, _document(job.wanted)):
        raise IdempotencyKeyReused
    return Replayed(count=row.count, matched=row.wanted["matched"], key=job.key)


def _replay(job: _Job) -> Replayed:
    found = replayable(job.endpoint_id, job.wanted)
    matched = found.count()
    oldest = found.order_by("created_at", "id").values("id")[:MOST]
    return Replayed(count=Delivery.objects.filter(id__in=oldest).send_again(), matched=matched, key=job.key)


def _keep(job: _Job, done: Replayed, caller: Caller) -> None:
    try:
        Replay.objects.create(
            project_id=caller.project_id,
            endpoint_id=job.endpoint_id,
            key=job.key,
            wanted={"filter": _document(job.wanted), "matched": done.matched},
            count=done.count,
            created_by=caller.actor.name[:LONGEST_NAME],
        )
    except IntegrityError as error:
        # Two jobs of one endpoint wait for each other, so this one is of another endpoint.
        if ONCE not in str(error):
            raise
        raise IdempotencyKeyReused from error


def _document(wanted: ReplayFilter) -> JsonObject:
    said: JsonObject = {
        "events": sorted(set(wanted.events)) or None,
        "status": wanted.status or None,
        "runId": str(wanted.run_id) if wanted.run_id else None,
        "from": iso_or_none(wanted.since),
        "to": iso_or_none(wanted.until),
    }
    return {name: value for name, value in said.items() if value is not None}
