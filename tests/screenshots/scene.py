"""A busy afternoon: runs in every state, webhooks that fail, keys, an audit list; written as the product writes it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson
from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from runs.audit import Actor, note
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import Draft, EventType
from runs.ending import end_run
from runs.models import Artifact, BreakerChange, LateObservation, Observer, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.recorder import record
from tests import scenarios
from tests.cast import MODE, PEOPLE, fresh, queued_message, queued_run, run_event
from tests.crowd import crowd_of
from tests.deliveries import listening, waiting
from tests.integration.runs.conftest import store_run
from tests.keys import stored_key
from webhooks.models import Attempt, Delivery, Endpoint, Notice

CROWD = 200
LONG_NAME = "negotiator-for-the-northern-warehouses-and-everything-that-is-stored-in-them"
NEVER_LATE = timedelta(days=1)

_FAILURES: dict[EndingCode, str] = {
    EndingCode.AGENT_ERROR: "bob: the model answered 529 (overloaded) five times in a row",
    EndingCode.PROGRESS_TIMEOUT: "",
    EndingCode.SESSION_EXPIRED: "the session expired before it was resolved",
    EndingCode.RUNTIME_UNREACHABLE: "failed to connect to all addresses; last error: ipv4:10.0.0.7:50051: Connection refused",
    EndingCode.KICKOFF_FAILED: "the message of lead was refused: UNKNOWN_RECIPIENT",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there to be looked at, by its id."""

    live: UUID
    decided: UUID
    failed: UUID
    refused: UUID
    endpoint: UUID
    delivery: UUID
    observer: UUID


def set_the_scene(*, crowd: int = CROWD) -> Scene:
    """All of it is there, in a database that was empty."""
    observer = Observer.objects.create(host="signals-1", process_id=4711, version="0.1.0")
    _someone_of_the_staff()
    endpoint, delivery = _webhooks()
    _crowd(crowd)
    _stuck(observer)
    failed = [_failed(code, message) for code, message in _FAILURES.items()]
    refused = _ended("veto", observer, tags=["release"], source_ref="pipelines/nightly/2417")
    decided = _ended("happy decision", observer, tags=["release", "friday"], source_ref="pipelines/release/88")
    live = _live(observer)
    _belongings(decided, endpoint)
    _breaker(observer)
    # Nobody beats here, and yet nothing shall be late while pictures are taken.
    Observer.objects.filter(id=observer.id).update(beat_at=F("beat_at") + NEVER_LATE)
    return Scene(
        live=live.id,
        decided=decided.id,
        failed=failed[0].id,
        refused=refused.id,
        endpoint=endpoint.id,
        delivery=delivery.id,
        observer=observer.id,
    )


def _begun(**columns: object) -> Run:
    """A running run whose log begins as a real one does."""
    run = store_run(mode="live", **columns)
    session = {"sessionId": run.session_id, "participants": list(PEOPLE), "initiator": "lead", "modeName": MODE}
    record(
        run.id,
        [
            run_event(run.id, EventType.RUN_CREATED, "queued", modeName=MODE, runtimeKind="scripted"),
            run_event(run.id, EventType.RUN_STARTED, "starting"),
            Draft(type=EventType.SESSION_BOUND, data={**session, "runStatus": "binding_session"}),
            Draft(type=EventType.SESSION_STATE_CHANGED, data={**session, "state": "OPEN", "runStatus": "running"}),
        ],
        epoch=None,
    )
    return fresh(run)


def _owned(observer: Observer, **columns: object) -> Run:
    columns = {"observer_id": observer.id, "lease_epoch": 1, **columns}
    return _begun(**columns)


def _took(run: Run, minutes: int) -> Run:
    """It began so long ago."""
    began = timezone.now() - timedelta(minutes=minutes, seconds=17)
    Run.objects.filter(id=run.id).update(created_at=began, started_at=began + timedelta(milliseconds=240))
    return fresh(run)


def _ended(story: str, observer: Observer, **columns: object) -> Run:
    run = _owned(observer, **columns)
    record(run.id, scenarios.ALL[story][2:-1], epoch=None)
    end_run(
        run.id, Verdict(code=EndingCode.RESOLVED, decided_by=DecidedBy.RUNTIME, runtime_asked="RESOLVED"), epoch=None
    )
    return _took(run, 2)


def _live(observer: Observer) -> Run:
    run = _owned(observer, tags=["release", "a-tag-that-somebody-made-rather-long"], source_ref="pipelines/release/89")
    for story in ("signals and progress", "tools and policy", "messages sent"):
        record(run.id, scenarios.ALL[story][2:-1], epoch=None)
    record(run.id, scenarios.HAPPY_DECISION[2:5], epoch=None)
    queued_message(run)
    return _took(run, 1)


def _failed(code: EndingCode, message: str) -> Run:
    run = _begun(tags=["nightly"], source_kind="scheduler", source_ref=f"pipelines/nightly/{code}")
    record(run.id, scenarios.SIGNALS_AND_PROGRESS[2:6], epoch=None)
    asked = None if code == EndingCode.RUNTIME_UNREACHABLE else "OPEN"
    verdict = Verdict(code=code, decided_by=DecidedBy.OBSERVER, message=message or None, runtime_asked=asked)
    end_run(run.id, verdict, epoch=None)
    return _took(run, 3)


def _stuck(observer: Observer) -> None:
    """One past a deadline, one that nobody watches, one suspended, one that waits."""
    now = timezone.now()
    late = _owned(observer)
    Run.objects.filter(id=late.id).update(progress_deadline=now - timedelta(minutes=4))
    orphan = _begun()
    Run.objects.filter(id=orphan.id).update(updated_at=now - timedelta(minutes=9))
    suspended = _owned(observer)
    record(suspended.id, scenarios.SUSPENDED_AND_RESUMED[2:4], epoch=None)
    queued_run(observer_id=observer.id)


def _crowd(number: int) -> None:
    """Many runs of the last day, some of which failed or were cancelled."""
    for code, part in ((EndingCode.RESOLVED, 0.8), (EndingCode.SESSION_LOST, 0.12), (EndingCode.CANCELLED, 0.08)):
        pattern = _begun(tags=["nightly"])
        record(pattern.id, scenarios.QUORUM_REACHED[2:-1], epoch=None)
        end_run(pattern.id, Verdict(code=code, decided_by=DecidedBy.OBSERVER), epoch=None)
        crowd_of(pattern, max(round(number * part) - 1, 0))
    ended = list(Run.objects.values_list("id", flat=True).order_by("id"))
    now = timezone.now()
    for place, run_id in enumerate(ended):
        began = now - timedelta(minutes=7 * (place % 190) + 10)
        Run.objects.filter(id=run_id).update(
            created_at=began, started_at=began, ended_at=began + timedelta(seconds=20 + place % 400)
        )


def _webhooks() -> tuple[Endpoint, Delivery]:
    """One that is well, one that fails, one that somebody paused."""
    now = timezone.now()
    listening(description="Release board", last_success_at=now)
    listening("https://chat.example/hooks/T024/B051", description="Chat of the night shift", paused_at=now)
    failing = listening(
        "https://ledger.example/signalbox/incoming",
        description="Ledger",
        failures=14,
        failing_since=now - timedelta(hours=3),
        last_failure_at=now,
    )
    exhausted = waiting(failing, 4, status="exhausted", next_attempt_at=None, attempts=3, tries=3)
    waiting(failing, 3, due_at=now + timedelta(hours=1), attempts=2, tries=2)
    for number in (1, 2, 3):
        Attempt.objects.create(
            delivery=exhausted[0],
            endpoint=failing,
            number=number,
            started_at=now - timedelta(hours=4 - number),
            duration_ms=310,
            is_success=False,
            response_status=502,
            reason="status",
            error_message="the receiver answered 502",
            excerpt="<html><body><h1>502 Bad Gateway</h1></body></html>",
            response_headers={"content-type": "text/html"},
        )
    Notice.objects.create(
        project_id=DEFAULT_PROJECT_ID,
        endpoint=failing,
        kind="endpoint.failing",
        message="Ledger has failed 14 times in a row: the receiver answered 502",
    )
    return failing, exhausted[0]


def _belongings(run: Run, endpoint: Endpoint) -> None:
    """What belongs to a run beside its log."""
    Artifact.objects.create(
        run=run, kind="json", label="The decision", inline={"option": "release on Friday", "votes": 3}
    )
    Artifact.objects.create(run=run, kind="link", label="Minutes", uri="https://minutes.example/2417")
    LateObservation.objects.create(
        run=run, reason="after_ending", kind="envelope", source_id="env:m-99", body=orjson.dumps({"text": "too late"})
    )
    Run.objects.filter(id=run.id).update(late_count=1)
    waiting(endpoint, 1, run_id=run.id, seq=run.last_seq, status="delivered", attempts=1, tries=1)
    Delivery.objects.exclude(status="pending").update(due_at=None)


def _someone_of_the_staff() -> None:
    get_user_model().objects.create_user("clerk", password="a password", is_staff=True)
    stored_key("runs:read", "runs:write", name="pipeline of releases")
    stored_key("runs:read", name=LONG_NAME).revoke()
    for action, resource in (("api_key.created", "api_key"), ("run.cancelled", "run"), ("webhook.updated", "webhook")):
        note(
            project_id=DEFAULT_PROJECT_ID,
            actor=Actor("ann", "user", "1", "10.0.0.8"),
            action=action,
            resource=resource,
            resource_id="0190a7c2-0000-7000-8000-00000000005e",
            details={"reason": "a test of ours"},
            request_id="0c6d8d9a-54f6-4a2a-94cb-2f6b3c0f5d41",
        )


def _breaker(observer: Observer) -> None:
    """The runtime was away for a while, and is being tried again."""
    why = "5 failures in a row; the last: failed to connect to 10.0.0.7:50051"
    BreakerChange.objects.create(kind="macp", state="OPEN", reason=why, observer_id=observer.id)
