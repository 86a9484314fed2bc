"""Signals on the real runtime: what is sent over our API reaches an SDK agent that watches, and is in the log (E14)."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.test import Client
from macp.v1.core_pb2 import SignalPayload
from macp_sdk import AuthConfig, MacpClient
from macp_sdk.errors import MacpTransportError
from pytest_django.fixtures import Settings

from runs.models import Event, Run
from tests.acceptance.test_runs_on_the_real_runtime import (
    PATIENCE_SECONDS,
    PEOPLE,
    launch,
    observing,
    state_of,
    wait_for_status,
)
from tests.invariants import assert_invariants
from tests.real_runtime import OURSELVES, REQUIRED, RealRuntime, binary, token_of

pytestmark = [
    pytest.mark.macp_runtime,
    pytest.mark.acceptance,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        binary() is None and not REQUIRED,
        reason="macp-runtime not found: cargo install macp-runtime, or set MACP_RUNTIME_BIN",
    ),
]

Heard = "queue.Queue[Any]"
Data = dict[str, Any]


@pytest.fixture
def runtime(tmp_path: Path, settings: Settings) -> Iterator[RealRuntime]:
    """A runtime that knows a token for each of the people; this process holds the same ones as its observer."""
    started = RealRuntime(data=tmp_path / "runtime", participants=PEOPLE)
    asyncio.run(started.start())
    settings.RUNTIME_ADDRESS, settings.RUNTIME_BEARER_TOKEN = started.address, OURSELVES
    settings.RUNTIME_SENDER_TOKENS = {person: token_of(person) for person in PEOPLE}
    yield started
    started.kill()


def client_of(runtime: RealRuntime, who: str) -> MacpClient:
    auth = AuthConfig.for_bearer(token_of(who), expected_sender=who)
    return MacpClient(target=runtime.address, allow_insecure=True, auth=auth)


@contextmanager
def bob_listens(runtime: RealRuntime) -> Iterator[Heard]:
    """Bob watches signals; what he hears is queued."""
    heard: queue.Queue[Any] = queue.Queue()
    with client_of(runtime, "bob") as client:
        stream = client.watch_signals()

        def listen() -> None:
            try:
                for one in stream:
                    heard.put(one)
            except MacpTransportError:
                pass  # the test is over

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        yield heard
    listening.join(PATIENCE_SECONDS)


def payload_of(heard: Heard, signal_type: str) -> tuple[Any, SignalPayload]:
    """The next signal of this type that bob hears, with its payload."""
    while True:
        one = heard.get(timeout=PATIENCE_SECONDS)
        payload = SignalPayload.FromString(one.envelope.payload)
        if payload.signal_type == signal_type:
            return one, payload


def emitted(run_id: UUID, signal_type: str) -> Event:
    """The one `signal.emitted` event of this type, once it is in the log."""

    def found() -> list[Event]:
        events = Event.objects.filter(run_id=run_id, type="signal.emitted")
        return [event for event in events if f'"signalType":"{signal_type}"' in event.data]

    eventually(found, signal_type)
    [event] = found()
    return event


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def posted(caller: Client, run: Run, route: str, body: Data) -> Data:
    response = caller.post(f"/runs/{run.id}/{route}", body, content_type="application/json")
    assert response.status_code == 201, response.content
    answer: Data = response.json()
    return answer


def sure_that_bob_hears(runtime: RealRuntime, heard: Heard) -> None:
    """A watch replays nothing: ann calls until bob has heard her."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with client_of(runtime, "ann") as client:
        while heard.empty():
            assert time.monotonic() < deadline, "bob hears nothing"
            client.send_signal(signal_type="are.you.there", sender="ann")
            time.sleep(0.05)


def test_signals_and_context_of_our_api_reach_an_agent_and_come_back_as_events_e14(
    runtime: RealRuntime, caller: Client
) -> None:
    with observing(runtime), bob_listens(runtime) as heard:
        sure_that_bob_hears(runtime, heard)
        run = launch("decision")
        wait_for_status(run.id, "running")
        told = {"from": "lead", "to": ["bob"], "messageType": "Alert", "payload": {"what": "disk"}}
        answer = posted(
            caller, run, "signal", {**told, "signalType": "risk.alert", "severity": "high", "confidence": 0.75}
        )
        one, payload = payload_of(heard, "risk.alert")
        event = emitted(run.id, "risk.alert")
        update = posted(caller, run, "context", {"from": "ann", "context": {"budget": 3}})
        other, context = payload_of(heard, "context.update")
        told_back = emitted(run.id, "context.update")

    # It should be a proper signal: of no session and no mode, correlated to the session, its severity kept.
    assert answer["ack"]["ok"]
    envelope = one.envelope
    assert (envelope.message_type, envelope.session_id, envelope.mode) == ("Signal", "", "")
    assert (envelope.sender, envelope.message_id, one.sender_authenticated) == ("lead", answer["messageId"], True)
    assert (payload.correlation_session_id, payload.confidence) == (run.session_id, 0.75)
    assert orjson.loads(payload.data) == {"severity": "high", "to": ["bob"], "what": "disk"}
    # It should be an event of the run, with type, severity and sender.
    data = orjson.loads(event.data)
    assert (event.source_kind, data["sender"], data["signalType"], data["severity"]) == (
        "runtime",
        "lead",
        "risk.alert",
        "high",
    )
    sent = [orjson.loads(one.data) for one in Event.objects.filter(run_id=run.id, type="message.sent")]
    assert {one["messageId"] for one in sent} >= {answer["messageId"], update["messageId"]}
    # It should be the same for a context update, which travels as a signal of that name.
    assert (other.envelope.sender, context.correlation_session_id) == ("ann", run.session_id)
    assert orjson.loads(context.data) == {"budget": 3}
    assert orjson.loads(told_back.data)["sender"] == "ann"
    signals = {signal["name"]: signal for signal in state_of(run)["signals"]["signals"]}  # type: ignore[attr-defined]
    assert signals["risk.alert"]["severity"] == "high"
    assert "context.update" in signals
    assert_invariants()


def test_a_signal_of_an_agent_is_an_event_of_the_run_it_is_correlated_to_and_of_no_other(runtime: RealRuntime) -> None:
    with observing(runtime):
        run, other = launch("decision"), launch("decision")
        wait_for_status(run.id, "running")
        wait_for_status(other.id, "running")
        with client_of(runtime, "ann") as client:
            client.send_signal(signal_type="to.nobody", correlation_session_id="no-such-session", sender="ann")
            client.send_signal(
                signal_type="wait.for.me",
                data=b'{"severity": "low", "why": "lunch"}',
                correlation_session_id=str(run.session_id),
                sender="ann",
            )
        event = emitted(run.id, "wait.for.me")

    data = orjson.loads(event.data)
    assert (data["sender"], data["severity"]) == ("ann", "low")
    assert [one.run_id for one in Event.objects.filter(type="signal.emitted")] == [run.id]
    assert_invariants()
