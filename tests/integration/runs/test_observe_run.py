"""An observer and a scripted runtime: from a queued run to its ending, over rows alone."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from django.db import InterfaceError, connection
from django.test import override_settings

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.bridge import rows
from runs.models import Event, Observer, OutboundMessage, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer import heart, lease
from runs.observer.supervisor import Observer as ObserverProcess
from runs.operations.launch import launch_run
from tests.cast import fresh
from tests.invariants import assert_invariants, types_of

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = [{"id": "lead", "role": "proposer"}, {"id": "alice", "role": "voter"}, {"id": "bob", "role": "voter"}]
PATIENCE_SECONDS = 20


def body(**changes: object) -> dict[str, object]:
    """A short request for a scripted decision."""
    session = {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": 60000,
        "participants": PEOPLE,
    }
    return {"mode": "live", "runtime": {"kind": "scripted"}, "session": session, **changes}


def launch(**changes: object) -> UUID:
    """A queued run."""
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request(body(**changes)),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name="test", kind="api_key"),
        request_id=None,
    ).run_id


async def observe_until(condition: Callable[[], bool]) -> None:
    """One observer has worked until `condition` holds of the rows, and has then stopped politely."""
    stop = asyncio.Event()
    observer = asyncio.create_task(ObserverProcess().run(stop))
    try:
        await becomes_true(lambda: rows(condition))
    finally:
        stop.set()
        await asyncio.wait_for(observer, PATIENCE_SECONDS)


async def becomes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns once `condition` holds; fails when it takes too long."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.02)  # rows are asked again: another process may have written them


def ended(*run_ids: UUID) -> Callable[[], bool]:
    return lambda: Run.objects.filter(id__in=run_ids, ending_seq=None).count() == 0


@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [
        ("decision", "completed", "resolved"),
        ("veto", "completed", "resolved"),
        ("failing", "failed", "session_expired"),
        ("load", "completed", "resolved"),
    ],
)
def test_a_scripted_run_goes_from_queued_to_its_ending(scenario: str, status: str, code: str) -> None:
    run_id = launch(runtime={"kind": "scripted", "options": {"scenario": scenario}})
    asyncio.run(observe_until(ended(run_id)))

    run = Run.objects.get(id=run_id)
    assert run.status == status
    assert f'"code":"{code}"' in (run.ending or "")
    assert types_of(run_id)[:3] == ["run.created", "run.started", "session.bound"]
    assert_invariants()


def test_the_kickoff_is_stored_sent_under_fixed_ids_and_really_acknowledged() -> None:
    kickoff = [
        {
            "from": "lead",
            "to": ["alice", "bob"],
            "kind": "context",
            "messageType": "Context",
            "payload": {"goal": "ship"},
        },
        {"from": "lead", "to": ["alice"], "kind": "request", "messageType": "Question", "payload": {"ask": "ready?"}},
    ]
    run_id = launch(kickoff=kickoff)
    asyncio.run(observe_until(ended(run_id)))

    messages = list(OutboundMessage.objects.filter(run_id=run_id).order_by("position"))
    assert [message.status for message in messages] == ["accepted", "accepted"]
    assert [message.body for message in messages] == [None, None]
    types = types_of(run_id)
    assert types.count("message.queued") == types.count("message.sent") == 2
    assert types.index("message.queued") < types.index("message.sent")
    # It should hear the echo of each message once, as a message of its own.
    assert Event.objects.filter(run_id=run_id, type="message.received", raw_type="Question").count() == 1
    assert_invariants()


def test_many_runs_at_once_each_end_once() -> None:
    runs = [launch() for _ in range(20)]
    asyncio.run(observe_until(ended(*runs)))
    assert Run.objects.filter(id__in=runs, status="completed").count() == 20
    assert_invariants()


def test_a_polite_stop_hands_runs_back_and_the_next_observer_goes_on() -> None:
    run_id = launch(runtime={"kind": "scripted", "options": {"scenario": "load", "events": 300, "ratePerSecond": 400}})

    def is_half_way() -> bool:
        return Run.objects.get(id=run_id).session.cursor > 50

    asyncio.run(observe_until(is_half_way))
    run = fresh(Run.objects.get(id=run_id))
    assert run.observer_id is None
    assert not run.has_ended

    asyncio.run(observe_until(ended(run_id)))
    again = fresh(run)
    assert again.lease_epoch == 2
    assert again.session.cursor == 301
    recovered = Event.objects.get(run_id=run_id, data__contains='"recovered"')
    assert '"recovery":"reattached"' in recovered.data
    assert_invariants()


def test_a_run_of_an_observer_that_was_declared_lost_is_taken_over() -> None:
    run_id = launch()
    dead = lease.register()
    assert [owned.run_id for owned in lease.claim(dead, 10)] == [run_id]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = %s", [dead])

    asyncio.run(observe_until(ended(run_id)))
    assert Observer.objects.get(id=dead).lost_at is not None
    assert Run.objects.get(id=run_id).lease_epoch == 2
    assert_invariants()


def test_no_run_is_ever_claimed_twice() -> None:
    runs = {launch() for _ in range(5)}
    first, second = lease.register(), lease.register()
    mine, yours = lease.claim(first, 3), lease.claim(second, 10)
    assert len(mine) == 3
    assert {one.run_id for one in mine} | {one.run_id for one in yours} == runs
    assert not {one.run_id for one in mine} & {one.run_id for one in yours}


def test_a_mode_the_runtime_does_not_offer_ends_the_run() -> None:
    session = {**body()["session"], "modeName": "macp.mode.unheard-of.v1"}  # type: ignore[dict-item]
    run_id = launch(session=session)
    asyncio.run(observe_until(ended(run_id)))
    assert Run.objects.get(id=run_id).error_code == "mode_not_supported"
    assert_invariants()


@override_settings(RUNTIME_ADDRESS="127.0.0.1:1", RUNTIME_UNREACHABLE_TIMEOUT_MS=200, STREAM_BACKOFF_BASE_MS=10)
def test_a_runtime_that_stays_away_ends_the_run() -> None:
    run_id = launch(runtime={"kind": "macp"})
    asyncio.run(observe_until(ended(run_id)))
    run = Run.objects.get(id=run_id)
    assert run.error_code == "runtime_unreachable"
    assert types_of(run_id) == ["run.created", "run.started", "run.failed"]
    assert_invariants()


def test_a_run_that_cannot_even_be_read_ends_instead_of_being_started_for_ever_b09() -> None:
    run_id = launch()
    Run.objects.filter(id=run_id).update(request='{"from": "another world"}')
    asyncio.run(observe_until(ended(run_id)))
    assert Run.objects.get(id=run_id).error_code == "internal_error"
    assert_invariants()


def test_no_fault_of_the_database_stops_the_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    observer = lease.register()
    beating = heart.Heart(observer, asyncio.new_event_loop())

    def closed() -> None:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(heart, "close_old_connections", closed)
    beating._beat()  # what its thread calls: an exception here would end the thread, and with it the lease
    assert Observer.objects.get(id=observer).lost_at is None


@override_settings(RUNTIME_ADDRESS="127.0.0.1:1", OBSERVER_LAUNCH_CONCURRENCY=1)
def test_a_runtime_that_is_away_holds_up_no_run_of_another() -> None:
    waiting = launch(runtime={"kind": "macp"})
    run_id = launch()
    asyncio.run(observe_until(ended(run_id)))
    assert Run.objects.get(id=run_id).status == "completed"
    assert not Run.objects.get(id=waiting).has_ended
