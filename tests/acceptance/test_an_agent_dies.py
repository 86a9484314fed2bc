"""An agent is killed before it votes, on the real runtime: the run ends once and in time; what comes later is late data."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from django.db import connection

from runs.models import Event, LateObservation, Run
from runs.streaming.feed import follow
from tests.acceptance.test_runs_on_the_real_runtime import launch, observing, runtime, wait_for_event
from tests.invariants import assert_invariants, types_of
from tests.processes import wait_until
from tests.real_runtime import REQUIRED, RealRuntime, binary, token_of

__all__ = ["runtime"]  # a fixture

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
PROGRESS_MS = 3_000
PATIENCE_SECONDS = 30
QUICK_SWEEPS = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": "6", "OBSERVER_SWEEP_S": "1"}


class HoldingVoter:
    """An SDK agent that was asked for its vote and waits to be let go."""

    def __init__(self, runtime: RealRuntime, who: str, session: str) -> None:
        command = [sys.executable, "-m", "tests.sdk_agents.voter", "--address", runtime.address, "--id", who, "--hold"]
        command += ["--token", token_of(who), "--session", session]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def is_asked(self) -> None:
        """Returns once the proposal has reached it."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "asked\n"

    def vote(self) -> None:
        """It votes now."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Gone without a word."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def holding(runtime: RealRuntime) -> Iterator[list[HoldingVoter]]:
    """Voters of this test; none of them is left."""
    voters: list[HoldingVoter] = []
    yield voters
    for voter in voters:
        voter.kill()


class Viewer:
    """Somebody who watches the run live, from the first event to the last."""

    def __init__(self, run_id: UUID) -> None:
        self.seqs: list[int] = []
        self.types: list[str] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch(run_id)))
        self._thread.start()

    async def _watch(self, run_id: UUID) -> None:
        async for event in follow(run_id, 0):
            self.seqs.append(event.seq)
            self.types.append(event.type)

    def has_seen_the_end(self) -> None:
        """Returns once the stream has ended by itself."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()


def test_a_run_whose_agent_died_before_its_vote_ends_once_in_time_and_a_late_vote_is_quarantined_l04(
    runtime: RealRuntime, holding: list[HoldingVoter]
) -> None:
    with observing(runtime, **QUICK_SWEEPS):
        run = launch("decision", opener="agent", execution={"timeouts": {"progressMs": PROGRESS_MS}})
        viewer, session = Viewer(run.id), str(run.session_id)
        command = [sys.executable, "-m", "tests.sdk_agents.opener", "--address", runtime.address, "--id", "lead"]
        command += ["--token", token_of("lead"), "--session", session, "--participants", "lead,ann,bob"]
        opener = subprocess.Popen(command, cwd=ROOT)
        try:
            ann, bob = HoldingVoter(runtime, "ann", session), HoldingVoter(runtime, "bob", session)
            holding += [ann, bob]
            ann.is_asked()
            bob.is_asked()
            wait_for_event(run.id, '"messageType":"Proposal"')
            bob.kill()
            viewer.has_seen_the_end()
            ann.vote()
            wait_until(
                LateObservation.objects.filter(run_id=run.id).exists, within_s=PATIENCE_SECONDS, what="quarantine"
            )
        finally:
            opener.kill()
            opener.wait(PATIENCE_SECONDS)

    ended = Run.objects.get(id=run.id)
    # Viewers get exactly one ending, as the log has it, within the deadline and five seconds.
    assert viewer.seqs == list(range(1, ended.last_seq + 1))
    assert [kind for kind in viewer.types if kind in ("run.completed", "run.failed", "run.cancelled")] == ["run.failed"]
    ending = orjson.loads(ended.ending or "")
    assert (ending["code"], ending["decidedBy"]) == ("progress_timeout", "sweeper")
    assert ending["evidence"]["runtimeAsked"] == "SESSION_STATE_OPEN"
    assert overdue_s(run.id) < 5
    # The late vote is kept and counted, and not in the log.
    late = LateObservation.objects.get(run_id=run.id)
    assert (late.reason, ended.late_count) == ("after_ending", 1)
    assert b"APPROVE" in bytes(late.body)
    assert not Event.objects.filter(run_id=run.id, data__contains='"messageType":"Vote"').exists()
    assert types_of(run.id)[-1] == "run.failed"
    assert_invariants()


def overdue_s(run_id: UUID) -> float:
    """How long after its progress deadline the run ended, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM ended_at - progress_deadline) FROM runs_run WHERE id = %s", [run_id])
        return float(cursor.fetchone()[0])


def test_a_session_that_resolved_while_nobody_watched_says_what_is_missing_after_the_sweep(
    runtime: RealRuntime, holding: list[HoldingVoter]
) -> None:
    """No observer lives; only a sweep is left. It ends the run as the runtime says, and states the gap."""
    with observing(runtime, **QUICK_SWEEPS) as observer:
        run = launch("decision", opener="agent")
        session = str(run.session_id)
        command = [sys.executable, "-m", "tests.sdk_agents.opener", "--address", runtime.address, "--id", "lead"]
        command += ["--token", token_of("lead"), "--session", session, "--participants", "lead,ann,bob"]
        opener = subprocess.Popen(command, cwd=ROOT)
        voters = [HoldingVoter(runtime, who, session) for who in ("ann", "bob")]
        holding += voters
        for voter in voters:
            voter.is_asked()
        wait_for_event(run.id, '"messageType":"Proposal"')
        observer.kill()
        for voter in voters:
            voter.vote()
        assert opener.wait(PATIENCE_SECONDS) == 0
    Run.objects.filter(id=run.id).update(hard_deadline=run.created_at)
    swept = observing(runtime).command("sweep", "--once")
    assert swept.returncode == 0, swept.stderr
    ended = Run.objects.get(id=run.id)
    assert ended.status == "completed"
    ending = orjson.loads(ended.ending or "")
    assert ending["evidence"]["missing"] == {"afterOrdinal": 2, "reason": "compacted"}
    assert ending["decidedBy"] == "runtime"
    assert_invariants()
