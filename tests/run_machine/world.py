"""Both at once: each act is done to the rows and to the model, and afterwards they agree."""

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import cast
from uuid import UUID

import pytest
from django.db import connection, transaction

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import Observation, SessionState
from runs.domain.requests import ExecutionRequest
from runs.ending import Questions, end_run, settle
from runs.errors import Fenced, RunEnded
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer import launch_steps, lease
from runs.observer.owned import OwnedRun, load_run
from runs.observer.sweep import FAILED, Sweep
from runs.operations.launch import launch_run
from runs.recorder import quarantine, record, writing
from runs.runtimes.plan import kickoff_of
from runs.runtimes.port import Capabilities, RuntimeInfo
from runs.runtimes.registry import Runtimes
from tests.run_machine.agreement import Agreement
from tests.run_machine.expected import CODES_OF_CLOCKS, ExpectedRun, oldest_first
from tests.run_machine.runtime import (
    THEIRS,
    Mood,
    SessionAtRuntime,
    SessionHandle,
    SimulatedRuntimes,
    answer,
    aside,
)
from tests.run_machine.viewer import Viewer

HOUR_MS = 3_600_000
NEVER_AN_OWNER = -1
TIMED = ("timed", "kickoff", "delegated")  # they name their own clocks
INFO = RuntimeInfo(
    name="simulated", version="1", protocol_version="1.0", supported_modes=(), capabilities=Capabilities(sessions=True)
)


class Crashed(Exception):
    """The process died right here."""


@dataclass
class Owner:
    """One observer: `leases` is what it believes to own, under which epoch."""

    id: UUID
    number: int
    is_silent: bool = False
    is_lost: bool = False
    leases: dict[UUID, int] = field(default_factory=dict)


class World:
    """Runs, owners, viewers and the runtime, in the rows and in the model."""

    def __init__(self) -> None:
        self.runs: list[ExpectedRun] = []
        self.owners: list[Owner] = []
        self.viewers: list[Viewer] = []
        self.agreement = Agreement()
        self._runtimes = SimulatedRuntimes()
        self._runner = asyncio.Runner()
        self._questions = Questions()
        self._sweep = Sweep(cast(Runtimes, self._runtimes), self._questions)
        self._owned: dict[UUID, OwnedRun] = {}
        self._asides = 0

    # --- runs and their owners

    def creates(self, kind: str, key: str | None = None) -> None:
        """A run was asked for; asked for again under the same key, it is the same one."""
        made = launch_run(
            project_id=DEFAULT_PROJECT_ID,
            request=request_of(kind),
            idempotency_key=key,
            traceparent=None,
            actor=Actor(name="machine"),
            request_id=None,
        )
        if not made.created:
            assert made.run_id in {run.id for run in self.runs}
            return
        session = SessionAtRuntime(made.session_id or "")
        self._runtimes.add(str(made.run_id), session)
        run = ExpectedRun(
            id=made.run_id,
            session=session,
            opener="agent" if kind in ("agent", "delegated") else "control-plane",
            has_progress_clock=kind in TIMED,
            names_admission=kind in TIMED,
            is_delegated=kind == "delegated",
        )
        if kind == "taken":
            session.open(THEIRS)
        self.runs.append(run)
        self._owned[run.id] = load_run(run.id)
        self.agreement.grows(run)

    def registers(self) -> None:
        """One more observer has started."""
        self.owners.append(Owner(lease.register(), len(self.owners)))

    def claims(self, owner: Owner, room: int, *, crash: bool) -> None:
        """The observer owns up to `room` of the runs that nobody living owned, the oldest; none if it died meanwhile."""
        if crash:
            _died_before_commit(lambda: lease.claim(owner.id, room))
            return
        free = [] if owner.is_lost else [run for run in oldest_first(self.runs) if self._is_free(run)]
        # One that nobody has launched before its admission deadline is a sweep's to end, not ours to launch.
        startable = [run for run in free if not (run.status == "queued" and run.due)]
        claimed = {one.run_id: one.epoch for one in lease.claim(owner.id, room)}
        assert set(claimed) in ({run.id for run in free[:room]}, {run.id for run in startable[:room]})
        for run in (run for run in free if run.id in claimed):
            run.is_taken(owner.number, from_the_dead=run.owner is not None)
            assert claimed[run.id] == run.epoch, "an epoch is given to one owner, and none is left out (I6)"
            owner.leases[run.id] = run.epoch

    def beats(self, owner: Owner) -> None:
        """The observer is seen alive, unless it was declared lost: then for good it is not."""
        assert lease.beat(owner.id) is not owner.is_lost
        owner.is_silent = owner.is_lost

    def falls_silent(self, owner: Owner) -> None:
        """Its last beat was long ago."""
        _execute("UPDATE runs_observer SET beat_at = clock_timestamp() - interval '1 hour' WHERE id = %s", owner.id)
        owner.is_silent = True

    def declares_losses(self) -> None:
        """Whoever was silent for long is lost."""
        silent = [owner for owner in self.owners if owner.is_silent and not owner.is_lost]
        assert lease.declare_losses() == len(silent)
        self._lose(silent)

    def hands_back(self, owner: Owner) -> None:
        """The observer has stopped politely: its runs are free, and no attempt is counted for that."""
        freed = [run for run in self.runs if run.owner == owner.number and run.ended is None]
        assert lease.hand_back(owner.id) == len(freed)
        for run in freed:
            run.owner = None
        owner.is_lost = owner.is_silent = True

    def forgives(self, run: ExpectedRun, owner: Owner) -> None:
        """The owner has read the run for a while: the attempts to recover it are forgotten; a former owner's word is void."""
        epoch = owner.leases.get(run.id, NEVER_AN_OWNER)
        lease.forgive(run.id, epoch)
        if epoch == run.epoch and run.ended is None:
            run.attempts = 0

    def _is_free(self, run: ExpectedRun) -> bool:
        return run.ended is None and (run.owner is None or self.owners[run.owner].is_lost)

    def _lose(self, owners: Sequence[Owner]) -> None:
        for owner in owners:
            owner.is_lost = True

    # --- a launch, step by step

    def launches_further(self, run: ExpectedRun, owner: Owner, *, crash: bool = False) -> None:
        """The next step of the launch is committed, by whoever owns the run; it is over where the session is not ours."""
        if run.session.is_theirs and run.status == "starting" and run.is_sent:
            self.gives_up(run, owner, EndingCode.RUNTIME_REJECTED, was_refused=True)
            return
        owned = replace(self._owned[run.id], epoch=owner.leases.get(run.id, NEVER_AN_OWNER))
        write, takes = self._next_step(run, owned)
        if crash:
            _died_before_commit(write)
        elif self._wrote(run, owned.epoch, write):
            takes()

    def _next_step(self, run: ExpectedRun, owned: OwnedRun) -> tuple[Callable[[], object], Callable[[], None]]:
        ours = run.opener == "control-plane"
        if run.status == "queued":
            return lambda: launch_steps.record_started(owned), lambda: setattr(run, "status", "starting")
        if run.status == "starting" and ours and not run.is_sent:
            return lambda: launch_steps.store_runtime(owned, INFO, b"start"), lambda: setattr(run, "is_sent", True)
        if run.status == "starting":
            run.session.open(str(launch_steps.start_id(run.id)) if ours else "m-1")
            if ours and not run.is_acked:
                return lambda: launch_steps.record_accepted(owned, None), lambda: setattr(run, "is_acked", True)
            kickoff = [(message, b"as it is sent") for message in kickoff_of(owned.request)]
            return lambda: launch_steps.bind(owned, kickoff=kickoff, ttl_ms=HOUR_MS), run.binds
        is_binding = run.status == "binding_session"
        return lambda: launch_steps.record_running(owned), run.runs if is_binding else lambda: None

    # --- what is heard

    def says(self, run: ExpectedRun, kinds: Sequence[str]) -> None:
        """The session says something, as long as it can; nobody has heard it yet."""
        if run.session.exists and not run.session.is_over:
            for kind in kinds:
                run.session.say(kind)

    def hears(self, run: ExpectedRun, owner: Owner, batch: Sequence[Observation], *, crash: str) -> None:
        """The batch is recorded by an owner; what an ended run is told is kept apart (I15); a former owner writes nothing.

        `crash`: `before` the commit nothing was written; `after` it everything was, and the batch is told once more.
        """
        epoch = owner.leases.get(run.id, NEVER_AN_OWNER)

        def write() -> object:
            return record(run.id, batch, epoch=epoch)

        if crash == "before":
            _died_before_commit(write)
            return
        if not self._wrote(run, epoch, write):
            if run.ended is not None:
                quarantine(run.id, batch)
                run.keeps_apart(batch)
            return
        run.hears(batch)
        if crash == "after":  # what has an identity is known by now; a mere note of how things stand is taken again
            write()
            run.hears(batch)

    def batch_of(self, run: ExpectedRun, wire: str, asides: Sequence[str]) -> list[Observation]:
        """What a subscriber is told next over a wire like this."""
        fresh = run.session.missing_after(run.cursor)[:6]
        match wire:
            case "doubled":
                batch = [*fresh, *fresh]
            case "replayed":
                batch = run.session.missing_after(max(0, run.cursor - 3))[:9]
            case "reversed":
                batch = fresh[::-1]
            case "gapped":
                batch = fresh[::2]
            case "contradicted":
                numbers = (1, max(1, run.cursor))
                batch = [*fresh, *(run.session.line(number, "Note", text="something else") for number in numbers)]
            case _:
                batch = list(fresh)
        return [*batch, *(self._aside(run, kind) for kind in asides)]

    def _aside(self, run: ExpectedRun, kind: str) -> Observation:
        self._asides += kind != "ambient again"
        if kind in ("ack", "refusal"):
            message_id = str(launch_steps.kickoff_id(run.id, self._asides % 2))
            return answer(message_id, ok=kind == "ack", number=self._asides)
        return aside(self._asides, "ambient" if kind == "ambient again" else kind)

    # --- where the session stands

    def session_becomes(self, run: ExpectedRun, state: SessionState) -> None:
        """The session moves, if it can; nobody has been told."""
        is_bound = run.status not in ("queued", "starting")
        if run.session.exists and not run.session.is_over and (is_bound or state in _OVER):
            run.session.state = state

    def is_told_the_state(self, run: ExpectedRun, owner: Owner, crash: str) -> None:
        """The owner records where the session stands."""
        if run.session.exists and run.status not in ("queued", "starting"):
            self.hears(run, owner, [run.session.now()], crash=crash)

    def gives_up(self, run: ExpectedRun, owner: Owner, code: EndingCode, *, was_refused: bool) -> None:
        """The owner ends the run; the runtime is asked first unless its refusal is what ends it."""
        epoch = owner.leases.get(run.id, NEVER_AN_OWNER)
        verdict = Verdict(code=code, message="it is over", runtime_asked="refused" if was_refused else None)
        asked = copy(run.session)
        is_fenced = run.ended is None and epoch != run.epoch
        before = self.agreement.raw_of(run)
        outcome = self._runner.run(
            settle(run.id, verdict, SessionHandle(run.session), self._questions, epoch=epoch)  # type: ignore[arg-type]
        )
        if run.ended is not None or is_fenced:
            assert outcome == "lost"
            assert self.agreement.raw_of(run) == before
            return
        self.agreement.grows(run)
        if was_refused:
            run.ends(code.value, "observer")
        else:
            run.is_settled(code.value, "observer", asked=asked)
        assert outcome == ("ended" if run.ended is not None else "suspended")

    def dies_while_ending(self, run: ExpectedRun) -> None:
        """Somebody died between the ending and its commit: nothing has ended."""
        _died_before_commit(lambda: end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None))

    def ends_again(self, run: ExpectedRun) -> None:
        """Whoever wants to end an ended run comes too late and writes nothing (I2, I14)."""
        assert run.ended is not None
        with pytest.raises(RunEnded):
            end_run(run.id, Verdict(code=EndingCode.SESSION_LOST, decided_by=DecidedBy.OPERATOR), epoch=None)

    # --- what everybody else does

    def wants_cancel(self, run: ExpectedRun) -> None:
        """A cancel of the run is committed."""

        def write() -> None:
            with writing(run.id, epoch=None, step="wish") as writer:
                writer.change_run(wanted="cancel", wanted_by="me", wanted_through="api", wanted_at=writer.clock())

        if self._wrote(run, None, write):
            run.wanted_through = "api"

    def time_passes(self, run: ExpectedRun, clock: str) -> None:
        """A clock of the run is over, as far as it runs, and whatever waits for a later sweep has waited."""
        column = f"{clock}_deadline"
        passed = _execute(
            f"UPDATE runs_run SET {column} = clock_timestamp() - interval '1 hour', sweep_claimed_until = NULL"
            f" WHERE id = %s AND {column} IS NOT NULL AND ending_seq IS NULL",
            run.id,
        )
        _execute("UPDATE runs_run SET cleanup_due_at = cleanup_due_at - interval '1 hour' WHERE id = %s", run.id)
        if passed:
            run.past.add(clock)
            run.moved.add(clock)
        run.cleanup_is_due = run.cleanup == "pending"

    def sweeps(self) -> None:
        """What was due has been done: no open run is past a deadline (I16)."""
        silent = [owner for owner in self.owners if owner.is_silent and not owner.is_lost]
        due = [(run, copy(run.session)) for run in self.runs if run.due]
        done = self._runner.run(self._sweep.once())
        assert done[FAILED] == 0
        self._lose(silent)
        for run, asked in due:
            assert run.due is not None
            run.is_settled(CODES_OF_CLOCKS[run.due], "sweeper", asked=asked)
            self.agreement.grows(run)
        for run in self.runs:
            if run.cleanup == "pending" and run.cleanup_is_due:
                run.is_cleaned_up()
        assert not [run for run in self.runs if run.due]

    def mood_becomes(self, run: ExpectedRun, mood: Mood) -> None:
        """From now on the runtime treats whoever asks for this session so."""
        run.session.mood = mood

    # --- viewers

    def is_watched(self, run: ExpectedRun, cursor: int) -> None:
        """One more viewer, who begins somewhere in the log as it is."""
        self.viewers.append(Viewer(run.id, cursor % (self.agreement.last_seq_of(run) + 1)))

    def is_shown(self, viewer: Viewer, pages: int | None) -> None:
        """The viewer has read on."""
        self._runner.run(viewer.reads(pages))

    # --- the end

    def comes_to_an_end(self) -> None:
        """Every clock has run out and every runtime answers: then no run is left open (I2, I16)."""
        for run in self.runs:
            run.session.mood = Mood.ANSWERS
            if run.session.state == SessionState.SUSPENDED:
                run.session.state = SessionState.OPEN
            for clock in CODES_OF_CLOCKS:
                self.time_passes(run, clock)
        self.sweeps()
        assert all(run.ended is not None for run in self.runs)
        for viewer in self.viewers:
            self._runner.run(viewer.watches_to_the_end())

    def close(self) -> None:
        """Nothing of this world is left, in memory or in the database."""
        self._runner.close()
        self.agreement.forget(self.runs)

    def _wrote(self, run: ExpectedRun, epoch: int | None, write: Callable[[], object]) -> bool:
        """True if the write went through; else it was refused, as it should be, and has written nothing."""
        if run.ended is not None:
            refusal: type[Exception] | None = RunEnded
        elif epoch is not None and epoch != run.epoch:
            refusal = Fenced
        else:
            refusal = None
        if refusal is None:
            write()
            self.agreement.grows(run)
            return True
        with pytest.raises(refusal):
            write()
        return False


_OVER = frozenset({SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED})


@cache
def request_of(kind: str) -> ExecutionRequest:
    """A request of one kind: plain, taken (its session is somebody else's), timed (it names its clocks), kickoff, agent
    (opened by one), delegated.
    """
    session = {
        "modeName": "macp.mode.decision.v1",
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "ttlMs": HOUR_MS,
        "participants": [{"id": "lead"}, {"id": "alice"}, {"id": "bob"}],
    }
    body: dict[str, object] = {"mode": "live", "runtime": {"kind": "scripted"}, "session": session}
    if kind in ("agent", "delegated"):
        session |= {"opener": "agent", "metadata": {"cancellationDelegated": kind == "delegated"}}
    if kind in TIMED:
        body["execution"] = {"timeouts": {"admissionMs": HOUR_MS, "progressMs": HOUR_MS}}
    if kind == "kickoff":
        message = {"from": "lead", "to": ["alice"], "kind": "request", "messageType": "Question"}
        body["kickoff"] = [message | {"payload": {"n": n}, "replyTimeoutMs": HOUR_MS} for n in range(2)]
    return read_execution_request(body)


def _died_before_commit(write: Callable[[], object]) -> None:
    """The write was under way, and whoever wrote is gone."""
    with pytest.raises((Crashed, Fenced, RunEnded)), transaction.atomic():
        write()
        raise Crashed


def _execute(statement: str, *parameters: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
