"""The rows of a launch, whatever a runtime says of itself; and the kickoff, whatever becomes of it."""

import asyncio
from typing import cast

import pytest

from runs.domain.events import EventType, SessionState
from runs.errors import BreakerOpen, Fenced, RuntimeUnavailable
from runs.models import Event, Run
from runs.observer import delivery, launch_steps, steering
from runs.recorder import record
from runs.runtimes.port import Capabilities, RuntimeInfo, Session
from tests.answering import AnsweringSession, kickoff_message
from tests.cast import fresh, queued_run, run_event, running_run, session_now
from tests.invariants import assert_invariants
from tests.played import owned

pytestmark = pytest.mark.django_db(transaction=True)


def starting_run() -> Run:
    run = queued_run()
    record(run.id, [run_event(run.id, EventType.RUN_STARTED, "starting")], epoch=None)
    return fresh(run)


def send_kickoff(run: Run, session: AnsweringSession) -> None:
    asyncio.run(steering.send_kickoff(owned(run), cast(Session, session)))


def test_a_runtime_may_call_itself_whatever_it_likes() -> None:
    run = starting_run()
    info = RuntimeInfo(
        name="n" * 300 + "\0",
        version="v\0" * 300,
        protocol_version="p" * 300,
        supported_modes=("a\0b",),
        capabilities=Capabilities(),
    )
    assert launch_steps.store_runtime(owned(run), info, None) is None
    session = fresh(run).session
    assert session.runtime_name == "n" * 100
    assert "\0" not in (session.runtime_version or "\0")


def test_a_session_found_over_is_bound_before_it_is_over() -> None:
    run = starting_run()
    launch_steps.bind(owned(run), kickoff=(), snapshot=session_now(SessionState.RESOLVED))
    states = [event.data for event in Event.objects.filter(run_id=run.id, type="session.state.changed")]
    assert states == []  # the ending brings the state with it: nothing may say OPEN after RESOLVED
    assert fresh(run).status == "binding_session"
    assert_invariants()


def test_a_former_owner_sends_no_kickoff_c03() -> None:
    run = running_run()
    kickoff_message(run)
    former, session = owned(run), AnsweringSession()
    Run.objects.filter(id=run.id).update(lease_epoch=run.lease_epoch + 1)
    with pytest.raises(Fenced):
        asyncio.run(steering.send_kickoff(former, cast(Session, session)))
    assert session.sent == []


def test_a_refusal_of_our_own_breaker_is_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BACKOFF_BASE_MS", 1)
    run = running_run()
    message = kickoff_message(run)
    session = AnsweringSession(faults=[BreakerOpen() for _ in range(10)])
    send_kickoff(run, session)
    message.refresh_from_db()
    assert message.status == "accepted"
    assert len(session.sent) == 11


def test_a_fault_with_a_nul_in_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BACKOFF_BASE_MS", 1)
    run = running_run()
    message = kickoff_message(run)
    with pytest.raises(steering.NotDelivered):
        send_kickoff(run, AnsweringSession(faults=[RuntimeUnavailable("a\0b", runtime_code="U\0")] * 10))
    message.refresh_from_db()
    assert message.status == "failed"
    assert_invariants()
