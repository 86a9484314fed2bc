"""The rows of a launch, whatever a runtime says of itself; and the kickoff, whatever becomes of it."""

import asyncio
from typing import cast

import pytest

from runs.domain.events import EventType, SessionState
from runs.errors import BreakerOpen, Fenced, RuntimeFault, RuntimeUnavailable
from runs.models import Event, OutboundMessage, Run
from runs.models.identity import uuid7
from runs.observer import launch_steps, steering
from runs.recorder import record
from runs.runtimes.port import Capabilities, RuntimeInfo, Sent, Session
from tests.cast import ack, fresh, queued_message, queued_run, run_event, running_run, session_now
from tests.invariants import assert_invariants
from tests.played import owned

pytestmark = pytest.mark.django_db(transaction=True)


class Answers:
    """A session that answers each send with the next of `faults`, and then with an ack."""

    def __init__(self, *faults: RuntimeFault) -> None:
        self.sends = 0
        self._faults = list(faults)

    async def send(self, message: bytes) -> Sent:
        self.sends += 1
        if self._faults:
            raise self._faults.pop(0)
        observation = ack(message.decode())
        return Sent(ack=observation.body, observation=observation)  # type: ignore[arg-type]

    def confirm(self, adapter_state: bytes | None) -> None:
        """Nothing is held back."""


def starting_run() -> Run:
    run = queued_run()
    record(run.id, [run_event(run.id, EventType.RUN_STARTED, "starting")], epoch=None)
    return fresh(run)


def waiting_message(run: Run) -> OutboundMessage:
    message_id = uuid7()
    return queued_message(run, message_id=message_id, body=str(message_id).encode())


def send_kickoff(run: Run, session: Answers) -> None:
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
    waiting_message(run)
    former, session = owned(run), Answers()
    Run.objects.filter(id=run.id).update(lease_epoch=run.lease_epoch + 1)
    with pytest.raises(Fenced):
        asyncio.run(steering.send_kickoff(former, cast(Session, session)))
    assert session.sends == 0


def test_a_refusal_of_our_own_breaker_is_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "BACKOFF_BASE_MS", 1)
    run = running_run()
    message = waiting_message(run)
    session = Answers(*[BreakerOpen() for _ in range(10)])
    send_kickoff(run, session)
    message.refresh_from_db()
    assert message.status == "accepted"
    assert session.sends == 11


def test_a_fault_with_a_nul_in_it_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "BACKOFF_BASE_MS", 1)
    run = running_run()
    message = waiting_message(run)
    with pytest.raises(steering.NotDelivered):
        send_kickoff(run, Answers(*[RuntimeUnavailable("a\0b", runtime_code="U\0")] * 10))
    message.refresh_from_db()
    assert message.status == "failed"
    assert_invariants()
