"""A session that an SDK agent opens at the real runtime, of which nobody told us, is a run from its start to its end."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from macp_sdk import AuthConfig, DecisionSession, MacpClient

from runs.models import Run
from tests.acceptance.test_runs_on_the_real_runtime import (
    PATIENCE_SECONDS,
    PEOPLE,
    agent,
    ended,
    launch,
    observing,
    state_of,
    wait_for_event,
    wait_for_status,
)
from tests.invariants import assert_invariants, types_of
from tests.real_runtime import REQUIRED, RealRuntime, binary, token_of

pytestmark = [
    pytest.mark.macp_runtime,
    pytest.mark.acceptance,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        binary() is None and not REQUIRED,
        reason="macp-runtime not found: cargo install macp-runtime, or set MACP_RUNTIME_BIN",
    ),
]

TOKEN = "an-id-that-is-no-uuid_0123456789"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[RealRuntime]:
    """A runtime that keeps its sessions over a restart and knows a token for each of the people."""
    started = RealRuntime(data=tmp_path / "runtime", participants=PEOPLE)
    asyncio.run(started.start())
    yield started
    started.kill()


def opened(runtime: RealRuntime, session_id: str, *, cancelled: bool = False) -> None:
    """The lead has opened a session elsewhere, and cancelled it where that is wanted."""
    auth = AuthConfig.for_bearer(token_of("lead"), expected_sender="lead")
    with MacpClient(target=runtime.address, allow_insecure=True, auth=auth) as client:
        session = DecisionSession(client, session_id=session_id)
        session.start(intent="decide", participants=list(PEOPLE), ttl_ms=120_000)
        if cancelled:
            session.cancel()


def found(session_id: str) -> Run:
    """The run of the session, once there is one."""
    eventually(lambda: Run.objects.filter(session_id=session_id).exists(), session_id)
    return Run.objects.get(session_id=session_id)


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("session_id", [None, TOKEN])
def test_a_session_an_agent_opens_elsewhere_is_one_run_of_two_observers_c22(
    runtime: RealRuntime, session_id: str | None
) -> None:
    session = session_id or str(uuid4())
    with (
        observing(runtime),
        observing(runtime),
        agent("opener", runtime, "lead", session, "--participants", ",".join(PEOPLE)),
        agent("voter", runtime, "ann", session),
    ):
        run = found(session)  # it goes on until bob has voted
        with agent("voter", runtime, "bob", session):
            run = ended(run.id)

    assert Run.objects.count() == 1
    assert (str(run.id) == session) is (session_id is None)
    assert (run.source_kind, run.session_opener, run.status, run.error_message) == (
        "discovery",
        "agent",
        "completed",
        None,
    )
    assert types_of(run.id)[:1] == ["run.created"]
    assert_invariants()


def test_what_was_there_before_us_is_found_and_what_had_ended_is_not(runtime: RealRuntime) -> None:
    before, over, after = (str(uuid4()) for _ in range(3))
    opened(runtime, over, cancelled=True)
    opened(runtime, before)
    with observing(runtime):
        wait_for_status(found(before).id, "running")
        asyncio.run(runtime.restart())
        opened(runtime, after)
        run = found(after)
        wait_for_status(run.id, "running")
        with agent("voter", runtime, "ann", after), agent("voter", runtime, "bob", after):
            speak(runtime, after)
            run = ended(run.id)

    assert run.status == "completed"
    # SessionStart, Proposal, two votes, Commitment.
    assert types_of(run.id).count("message.received") == 5
    decision = state_of(run)["decision"]["current"]
    assert isinstance(decision, dict)
    assert decision["action"] == "decision.selected"
    assert {one.session_id for one in Run.objects.all()} == {before, after}
    assert_invariants()


def test_discovery_can_be_switched_off(runtime: RealRuntime) -> None:
    opened(runtime, str(uuid4()))
    with observing(runtime, SESSION_DISCOVERY_ENABLED="false"):
        run = launch("decision")
        wait_for_status(run.id, "running")

    # It should have been found long before, by an observer that looks for it: at its start.
    assert [one.id for one in Run.objects.all()] == [run.id]


def speak(runtime: RealRuntime, session_id: str) -> None:
    """The lead proposes, and commits once both have voted."""
    auth = AuthConfig.for_bearer(token_of("lead"), expected_sender="lead")
    run = Run.objects.get(session_id=session_id)
    with MacpClient(target=runtime.address, allow_insecure=True, auth=auth) as client:
        session = DecisionSession(client, session_id=session_id)
        session.propose("p1", "ship it")
        wait_for_event(run.id, '"messageType":"Vote"')
        eventually(lambda: types_of(run.id).count("message.received") == 4, "both votes")
        session.commit(action="decision.selected", authority_scope="session", reason="both said yes")
