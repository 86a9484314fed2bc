"""One row of everything, as its code would store it, and then every text in it a canary."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_q.models import Schedule, Task

from runs.domain.events import RUNTIME, Draft
from runs.models import (
    ApiKey,
    Artifact,
    AuditEntry,
    BreakerChange,
    KeyedRequest,
    LateObservation,
    Metric,
    MetricSource,
    Observer,
    OutboundMessage,
    OutboxEntry,
    Project,
    RateWindow,
    RawObservation,
    Run,
    Ticket,
)
from runs.models.identity import uuid7
from runs.recorder import writing
from tests.integration.runs.conftest import end, store_run
from tests.integration.webhooks.listeners import BROKEN, listener, parcel_for, tried
from tests.keys import stored_key
from tests.pages.canary import CANARY, FOREIGN_ADDRESS, SCRIPT_ADDRESS
from tests.pages.poison import poison
from tests.panels.states import hostile_log
from tests.run_log import Log
from webhooks.models import DrainSlot, Endpoint, EndpointSecret, Notice, Replay


@dataclass(frozen=True, slots=True)
class Scene:
    """What a walk over the pages needs to name."""

    running: Run
    ended: Run
    endpoint: Endpoint
    made_later: frozenset[UUID]  # artifacts with addresses


def hostile_scene(member: User) -> Scene:
    """Two runs with all that belongs to them, an endpoint with all that belongs to it, and the machinery."""
    running, ended = (_run() for _ in range(2))
    end(ended, status="failed", code="agent_error", error=CANARY)
    endpoint = _webhooks(running, ended)
    _machinery(running)
    _people(member)
    poison()
    linked = frozenset(
        Artifact.objects.create(run=running, kind="report", label=CANARY, uri=address).id
        for address in (SCRIPT_ADDRESS, FOREIGN_ADDRESS)
    )
    Endpoint.objects.filter(id=endpoint.id).update(url=SCRIPT_ADDRESS)
    return Scene(Run.objects.get(id=running.id), Run.objects.get(id=ended.id), endpoint, linked)


def _run() -> Run:
    run = store_run(mode="live", wanted="cancel", wanted_answer='{"ok": false, "why": "x"}', cleanup_status="pending")
    with writing(run.id, epoch=None) as writer:
        writer.append(
            [
                Draft(
                    type=one.type,
                    data=one.data,
                    source_kind=RUNTIME,
                    source_name="scripted-runtime",
                    subject_kind=one.subject_kind,
                    subject_id=one.subject_id,
                )
                for one in _log().events
            ]
        )
    observation = {"run": run, "kind": "stream-envelope", "source_id": "m-1", "body": b"{}"}
    RawObservation.objects.bulk_create([RawObservation(**observation, seq=1)])
    LateObservation.objects.create(**observation, reason="after_ending")
    OutboundMessage.objects.create(
        run=run, message_id=uuid7(), position=0, category="kickoff", message_type="Proposal", sender="lead",
        recipients=["alice"], payload_descriptor='{"encoding": "json", "preview": "x"}', ack='{"ok": false, "why": "x"}',
    )  # fmt: skip
    Artifact.objects.create(run=run, kind="report", label="x", inline={"x": "x"})
    return run


def _log() -> Log:
    log = hostile_log(CANARY)
    log.write("session.stream.opened", {"status": "recovered", "detail": CANARY, "recovery": CANARY})
    return log


def _webhooks(*runs: Run) -> Endpoint:
    now = timezone.now()
    endpoint = listener(events=["*"], header_names=["X"])
    EndpointSecret.objects.create(endpoint=endpoint, sealed="x", key_id="x", hint="x")
    for run in runs:
        delivery = parcel_for(endpoint, now, run_id=run.id)
        for number in range(2):
            tried(delivery, BROKEN, now + timedelta(minutes=number))
    of = {"project_id": endpoint.project_id, "endpoint": endpoint}
    Notice.objects.create(**of, kind="endpoint.silent", message="x", details={"x": "x"})
    Replay.objects.create(**of, key="x", wanted={"x": "x"}, count=1, created_by="x")
    DrainSlot.objects.get_or_create(number=1, defaults={"holder": uuid7(), "held_until": now})
    return endpoint


def _machinery(run: Run) -> None:
    soon, digest = timezone.now() + timedelta(hours=1), b"0" * 32
    observer = Observer.objects.create(host="x", process_id=1, version="x")
    Run.objects.filter(id=run.id).update(observer_id=observer.id, lease_epoch=1)
    stored_key("runs:read")
    Project.objects.create(name="x", slug="x")
    AuditEntry.objects.create(
        project_id=run.project_id, actor="x", actor_type="user", action="run.cancelled", resource="run",
        resource_id=str(run.id), details={"x": "x"}, request_id="x",
    )  # fmt: skip
    BreakerChange.objects.create(kind="macp", state="OPEN", reason="x", observer_id=observer.id)
    KeyedRequest.objects.create(
        run=run, route="x", key_sha256=digest, body_sha256=digest, claim=uuid7(), claimed_until=soon, expires_at=soon
    )
    Metric.objects.get_or_create(name="x", labels='{"x": "x"}')
    MetricSource.objects.create(process="web", host="x", process_id=1, reports=1, gauges="{}", reported_at=soon)
    RateWindow.objects.create(caller="x", route="x", given=1, slice=1, ends_at=soon)
    Ticket.objects.create(
        run=run, secret_sha256=digest, holder="x", credential="x", origin="x", scopes=["runs:read"], expires_at=soon
    )
    assert OutboxEntry.objects.exists()
    assert ApiKey.objects.exists()


def _people(member: User) -> None:
    Group.objects.create(name="x")
    LogEntry.objects.create(
        user=member, content_type=ContentType.objects.get_for_model(User), object_id=str(member.pk), object_repr="x",
        action_flag=CHANGE, change_message="x",
    )  # fmt: skip
    Schedule.objects.create(name="x", func="x.x", next_run=timezone.now() + timedelta(days=300))
    now = timezone.now()
    for number, success in ((1, True), (2, False)):
        Task.objects.create(id=f"task-{number}", name="x", func="x.x", started=now, stopped=now, success=success)
