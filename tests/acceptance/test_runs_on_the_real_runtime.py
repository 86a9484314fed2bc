"""The main job on real input: the real `macp-runtime`, SDK agents in their own processes, a real observer."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.models import Event, OutboundMessage, Projection, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run
from tests.invariants import assert_invariants, types_of
from tests.processes import wait_until
from tests.real_runtime import OURSELVES, REQUIRED, RealRuntime, binary, token_of
from tests.service import ObserverProcess

pytestmark = [
    pytest.mark.macp_runtime,
    pytest.mark.acceptance,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        binary() is None and not REQUIRED,
        reason="macp-runtime not found: cargo install macp-runtime, or set MACP_RUNTIME_BIN",
    ),
]

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 40
PEOPLE = ("lead", "ann", "bob")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[RealRuntime]:
    """A runtime that keeps its sessions over a restart and knows a token for each of the people."""
    started = RealRuntime(data=tmp_path / "runtime", participants=PEOPLE)
    asyncio.run(started.start())
    yield started
    started.kill()


def observing(runtime: RealRuntime, **more: str) -> ObserverProcess:
    """An observer that holds its own token and those of all the people; `more` settings of its own."""
    tokens = orjson.dumps({person: token_of(person) for person in PEOPLE}).decode()
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_BEARER_TOKEN": OURSELVES,
        "RUNTIME_SENDER_TOKENS": tokens,
        "STREAM_BACKOFF_MAX_MS": "500",
        **more,
    }
    return ObserverProcess(environment)


@contextlib.contextmanager
def agent(name: str, runtime: RealRuntime, who: str, session: str, *options: str) -> Iterator[None]:
    """One SDK agent in its own process; it must have played its part to the end."""
    command = [sys.executable, "-m", f"tests.sdk_agents.{name}", "--address", runtime.address, "--id", who]
    command += ["--token", token_of(who), "--session", session, *options]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def launch(
    mode: str, participants: tuple[str, ...] = PEOPLE, *, opener: str = "control-plane", **changes: object
) -> Run:
    """A queued run of `mode` at the runtime; the lead is the initiator."""
    session = {
        "opener": opener,
        "sessionId": str(uuid4()),
        "modeName": f"macp.mode.{mode}.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": 120_000,
        "initiatorParticipantId": "lead",
        "participants": [{"id": person} for person in participants],
    }
    launched = launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request({"mode": "live", "runtime": {"kind": "rust"}, "session": session, **changes}),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name="test", kind="api_key"),
        request_id=None,
    )
    return Run.objects.get(id=launched.run_id)


def kickoff(message_type: str, payload: dict[str, object], to: tuple[str, ...] = ("ann", "bob")) -> dict[str, object]:
    message = {"from": "lead", "to": list(to), "kind": "proposal", "messageType": message_type, "payload": payload}
    return {"kickoff": [message]}


def ended(run_id: UUID) -> Run:
    """The run once it has ended; fails when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (run := Run.objects.get(id=run_id)).has_ended:
        assert time.monotonic() < deadline, f"{run.status}: {types_of(run_id)}"
        time.sleep(0.05)
    return run


def state_of(run: Run) -> dict[str, dict[str, object]]:
    return orjson.loads(Projection.objects.get(run_id=run.id).state)


def test_a_decision_with_three_agents_goes_from_launch_to_completion(runtime: RealRuntime) -> None:
    with observing(runtime):
        run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship", "rationale": "ready"}))
        with deciding(runtime, str(run.session_id)):
            ended(run.id)

    run = ended(run.id)
    assert (run.status, run.error_message) == ("completed", None)
    types = types_of(run.id)
    assert types[0] == "run.created"
    assert types[-1] == "run.completed"
    # SessionStart, Proposal, two votes, Commitment: each once.
    assert types.count("message.received") == 5
    assert types.count("proposal.created") == types.count("decision.finalized") == 1
    assert OutboundMessage.objects.get(run_id=run.id).status == "accepted"
    decision = state_of(run)["decision"]["current"]
    assert isinstance(decision, dict)
    assert (decision["action"], decision["confidence"], decision["finalized"]) == ("decision.selected", 1.0, True)
    assert_invariants()


def test_a_declined_proposal_is_a_completed_run_with_a_negative_outcome(runtime: RealRuntime) -> None:
    with observing(runtime):
        run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship"}))
        session = str(run.session_id)
        with (
            agent("voter", runtime, "ann", session, "--vote", "REJECT"),
            agent("voter", runtime, "bob", session, "--vote", "REJECT"),
            agent("closer", runtime, "lead", session, "--mode", "decision", "--after", "Vote", "--count", "2",
                  "--action", "decision.rejected", "--negative"),
        ):  # fmt: skip
            ended(run.id)

    assert ended(run.id).status == "completed"
    decision = state_of(run)["decision"]["current"]
    assert isinstance(decision, dict)
    assert decision["outcomePositive"] is False
    assert_invariants()


def test_a_session_an_agent_opens_is_waited_for_and_observed_a11(runtime: RealRuntime) -> None:
    with observing(runtime):
        run = launch("decision", opener="agent")
        session = str(run.session_id)
        wait_for_status(run.id, "starting")  # asks in vain from now on: that is no failure
        with (
            agent("opener", runtime, "lead", session, "--participants", ",".join(PEOPLE)),
            agent("voter", runtime, "ann", session),
        ):
            # A runtime compacts a session as it ends: one that was opened and decided within a few milliseconds may be
            # over before anybody could subscribe to it.
            wait_for_status(run.id, "running")
            with agent("voter", runtime, "bob", session):
                ended(run.id)

    assert ended(run.id).status == "completed"
    assert types_of(run.id).count("message.received") == 5
    assert_invariants()


@pytest.mark.parametrize(
    ("mode", "participants", "first", "players", "closing"),
    [
        (
            "task",
            ("lead", "ann"),
            ("TaskRequest", {"taskId": "t1", "title": "x", "instructions": "y", "requestedAssignee": "ann"}),
            [("worker", "ann")],
            ("TaskComplete", "1", "task.completed"),
        ),
        (
            "quorum",
            ("ann", "bob"),
            ("ApprovalRequest", {"requestId": "r1", "action": "go", "summary": "s", "requiredApprovals": 2}),
            [("approver", "ann"), ("approver", "bob")],
            ("Approve", "2", "quorum.approved"),
        ),
        (
            "handoff",
            ("lead", "ann"),
            ("HandoffOffer", {"handoffId": "h1", "targetParticipant": "ann", "scope": "all", "reason": "r"}),
            [("target", "ann")],
            ("HandoffAccept", "1", "handoff.accepted"),
        ),
    ],
)
def test_every_mode_plays_to_its_end(
    runtime: RealRuntime,
    mode: str,
    participants: tuple[str, ...],
    first: tuple[str, dict[str, object]],
    players: list[tuple[str, str]],
    closing: tuple[str, str, str],
) -> None:
    with observing(runtime), contextlib.ExitStack() as stack:
        to = tuple(person for person in participants if person != "lead")
        run = launch(mode, participants, **kickoff(*first, to=to))
        session = str(run.session_id)
        for name, who in players:
            stack.enter_context(agent(name, runtime, who, session))
        after, count, action = closing
        options = ("--mode", mode, "--after", after, "--count", count, "--action", action)
        stack.enter_context(agent("closer", runtime, "lead", session, *options))
        ended(run.id)

    assert ended(run.id).status == "completed"
    assert types_of(run.id).count("proposal.created") == 1
    assert_invariants()


def test_a_negotiation_of_two_sides_plays_to_its_end(runtime: RealRuntime) -> None:
    with observing(runtime):
        run = launch("proposal", ("lead", "ann"))
        session = str(run.session_id)
        with agent("buyer", runtime, "lead", session), agent("seller", runtime, "ann", session):
            ended(run.id)
    assert ended(run.id).status == "completed"
    assert_invariants()


def test_a_runtime_restarted_in_mid_run_on_its_data_loses_and_doubles_nothing(runtime: RealRuntime) -> None:
    with observing(runtime):
        run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship"}))
        session = str(run.session_id)
        # The voter itself does not survive the restart of its runtime; its vote does.
        with contextlib.suppress(AssertionError), agent("voter", runtime, "ann", session):
            wait_for_event(run.id, '"messageType":"Vote"')
            asyncio.run(runtime.restart())
        # The runtime keeps nothing of a session that is over: it should not be over before it is read again.
        wait_until(lambda: is_read_again(run.id), within_s=PATIENCE_SECONDS, what="the stream after the restart")
        with (
            agent("voter", runtime, "bob", session),
            agent("closer", runtime, "lead", session, "--mode", "decision", "--after", "Vote", "--count", "2",
                  "--action", "decision.selected"),
        ):  # fmt: skip
            ended(run.id)

    assert ended(run.id).status == "completed"
    types = types_of(run.id)
    assert types.count("message.received") == 5
    assert Event.objects.filter(run_id=run.id, data__contains='"reconnecting"').exists()
    assert_invariants()


def test_a_runtime_that_forgot_the_session_ends_the_run_loudly_c25() -> None:
    forgetful = RealRuntime(participants=PEOPLE)
    asyncio.run(forgetful.start())
    try:
        with observing(forgetful):
            run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship"}))
            wait_for_status(run.id, "running")
            asyncio.run(forgetful.restart())
            lost = ended(run.id)
    finally:
        forgetful.kill()
    assert (lost.status, lost.error_code) == ("failed", "session_lost")
    assert_invariants()


def test_an_observer_killed_in_mid_run_is_followed_by_another_that_goes_on(runtime: RealRuntime) -> None:
    run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship"}))
    session = str(run.session_id)
    with observing(runtime) as first:
        wait_for_status(run.id, "running")
        first.kill()
    Run.objects.filter(id=run.id).update(observer_id=None)  # what the sweep does once the lease is over
    with observing(runtime):
        wait_for_event(run.id, '"reattached"')
        with deciding(runtime, session):
            ended(run.id)

    assert ended(run.id).status == "completed"
    assert types_of(run.id).count("message.received") == 5
    assert_invariants()


def test_what_a_runtime_cannot_replay_after_an_outage_of_ours_is_stated_in_the_ending(runtime: RealRuntime) -> None:
    run = launch("decision", **kickoff("Proposal", {"proposalId": "p1", "option": "ship"}))
    with observing(runtime) as first:
        wait_for_status(run.id, "running")
        first.kill()
    Run.objects.filter(id=run.id).update(observer_id=None)
    with deciding(runtime, str(run.session_id)):
        pass
    with observing(runtime):
        run = ended(run.id)

    # It should end as the runtime says, although the runtime has compacted what we did not hear.
    assert run.status == "completed"
    assert orjson.loads(run.ending or "")["evidence"]["missing"] == {"afterOrdinal": 2, "reason": "compacted"}
    assert_invariants()


@contextlib.contextmanager
def deciding(runtime: RealRuntime, session: str, *votes: str) -> Iterator[None]:
    """Two voters and the lead that commits once both have voted; all have played their part at the end."""
    last = ("--mode", "decision", "--after", "Vote", "--count", "2", "--action", "decision.selected")
    with (
        agent("voter", runtime, "ann", session, *votes),
        agent("voter", runtime, "bob", session, *votes),
        agent("closer", runtime, "lead", session, *last),
    ):
        yield


def wait_for_status(run_id: UUID, status: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Run.objects.get(id=run_id).status != status:
        assert time.monotonic() < deadline, types_of(run_id)
        time.sleep(0.05)


def is_read_again(run_id: UUID) -> bool:
    """True once the stream has been opened again after it broke off."""
    statuses = [
        event.data for event in Event.objects.filter(run_id=run_id, type="session.stream.opened").order_by("seq")
    ]
    broken = [number for number, text in enumerate(statuses) if '"reconnecting"' in text]
    return bool(broken) and any('"opened"' in text for text in statuses[broken[0] :])


def wait_for_event(run_id: UUID, text: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not Event.objects.filter(run_id=run_id, data__contains=text).exists():
        assert time.monotonic() < deadline, types_of(run_id)
        time.sleep(0.05)
