"""The run machine: several runs, owners and viewers, and everything that may happen to them in any order.

After every step the rows say what a plain model says; at the end every run has one ending, and I1-I8 and I13-I16 hold.
"""

from collections.abc import Callable

import pytest
from django.test import override_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from runs.domain.endings import EndingCode
from runs.domain.events import SessionState
from tests.run_machine.agreement import assert_read_as_folded, outdate
from tests.run_machine.expected import ExpectedRun
from tests.run_machine.profiles import long, short
from tests.run_machine.runtime import Mood
from tests.run_machine.world import HOUR_MS, Owner, World

MOST_OPEN = 3
MOST_RUNS = 6
MOST_OWNERS = 5
MOST_VIEWERS = 4
SENT = 2  # steps of a launch, until the SessionStart is sent

RARELY = st.integers(0, 5).map(lambda n: n == 5)
OFTEN = st.integers(0, 2).map(bool)
which = st.integers(0, 11)
kinds_of_runs = st.sampled_from(["timed", "plain", "kickoff", "agent", "delegated", "taken"])
launch_steps = st.sampled_from([5, 5, 5, 4, 3, 2, 1, 0])
lines = st.lists(st.sampled_from(["Note", "Proposal", "Vote", "Note", "Commitment", "poison"]), max_size=5)
asides = st.lists(
    st.sampled_from(["ambient", "ambient again", "inline error", "status", "ack", "ack", "refusal"]), max_size=2
)
bad_wires = st.sampled_from(["doubled", "replayed", "reversed", "gapped", "contradicted"])
crashes = st.sampled_from(["no", "no", "no", "before", "after"])
own_codes = st.sampled_from(
    [
        EndingCode.RUNTIME_UNREACHABLE,
        EndingCode.KICKOFF_FAILED,
        EndingCode.INTERNAL_ERROR,
        EndingCode.RUNTIME_REJECTED,
        EndingCode.RECOVERY_EXHAUSTED,
    ]
)
clocks = st.sampled_from(["admission", "progress", "progress", "hard"])
moves = st.sampled_from([SessionState.SUSPENDED, SessionState.SUSPENDED, SessionState.OPEN])
outcomes = st.sampled_from([SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED])


class RunMachine(RuleBasedStateMachine):
    """Draws what happens; the world does it. Few rules with many variants: each example leaves out some of the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @initialize(kinds=st.lists(kinds_of_runs, min_size=1, max_size=2), steps=launch_steps)
    def begins(self, kinds: list[str], steps: int) -> None:
        self.world.registers()
        for kind in kinds:
            self.create(kind, steps)

    @rule(
        what=st.sampled_from(["starts", "claims", "claims", "beats", "is silent", "is lost", "hands back", "forgives"]),
        which=which,
        run=which,
        crash=RARELY,
    )
    def an_observer(self, what: str, which: int, run: int, crash: bool) -> None:
        world, owner = self.world, self.owner(which)
        match what:
            case "starts" if len(world.owners) < MOST_OWNERS:
                world.registers()
            case "starts" | "claims":
                world.claims(owner, 1 + run % 3, crash=crash)
            case "beats":
                world.beats(owner)
            case "is silent":
                world.falls_silent(owner)
            case "is lost":
                world.falls_silent(owner)
                world.declares_losses()
            case "hands back":
                world.hands_back(owner)
            case "forgives":
                one = self.run(run)
                world.forgives(one, self.holder(one, which))

    @rule(run=which, died=OFTEN)
    def a_run_is_taken_over(self, run: int, died: bool) -> None:
        world, owner = self.world, self.run(run).owner
        if owner is not None and died:
            world.falls_silent(world.owners[owner])
            world.declares_losses()
        elif owner is not None:
            world.hands_back(world.owners[owner])
        world.claims(self.living_owner(), MOST_RUNS, crash=False)

    @rule(kind=kinds_of_runs, steps=launch_steps, run=which, by=which, crash=RARELY)
    def a_run_is_launched(self, kind: str, steps: int, run: int, by: int, crash: bool) -> None:
        is_room = len(self.open_runs) < MOST_OPEN and len(self.world.runs) < MOST_RUNS
        if is_room and (run % 2 or not self.open_runs):
            self.create(kind, steps)
        else:
            one = self.run(run)
            self.world.launches_further(one, self.holder(one, by), crash=crash)

    @rule(run=which, by=which, lines=lines, beside=asides, crash=crashes)
    def a_session_is_heard(self, run: int, by: int, lines: list[str], beside: list[str], crash: str) -> None:
        self.hear(run, by, lines, "in order", beside, crash)

    @rule(run=which, by=which, lines=lines, wire=bad_wires, beside=asides, crash=crashes)
    def a_session_is_heard_badly(
        self, run: int, by: int, lines: list[str], wire: str, beside: list[str], crash: str
    ) -> None:
        self.hear(run, by, lines, wire, beside, crash)

    @rule(run=which, lines=lines, mood=st.none() | st.none() | st.sampled_from(Mood))
    def a_session_is_not_heard(self, run: int, lines: list[str], mood: Mood | None) -> None:
        one = self.talking(run)
        self.world.says(one, lines)
        if mood is not None:
            self.world.mood_becomes(one, mood)

    @rule(run=which, by=which, to=moves, is_told=OFTEN, crash=crashes)
    def a_session_moves(self, run: int, by: int, to: SessionState, is_told: bool, crash: str) -> None:
        one = self.talking(run)
        self.world.session_becomes(one, to)
        if is_told:
            self.world.is_told_the_state(one, self.holder(one, by), crash)

    @rule(
        run=which,
        by=which,
        lines=lines,
        to=outcomes,
        is_wanted=RARELY,
        found=st.sampled_from(["by nobody", "by nobody", "by its owner", "by a sweep", "when given up"]),
    )
    def a_session_is_over(
        self, run: int, by: int, lines: list[str], to: SessionState, is_wanted: bool, found: str
    ) -> None:
        one, world = self.talking(run), self.world
        world.says(one, lines)
        if is_wanted:
            world.wants_cancel(one)
        world.session_becomes(one, to)
        match found:
            case "by its owner":
                world.is_told_the_state(one, self.holder(one, by), "no")
            case "by a sweep":
                world.time_passes(one, "hard")
                world.sweeps()
            case "when given up":
                world.gives_up(one, self.holder(one, by), EndingCode.RUNTIME_UNREACHABLE, was_refused=False)

    @rule(run=which, clock=clocks, is_swept=OFTEN)
    def time_passes(self, run: int, clock: str, is_swept: bool) -> None:
        self.world.time_passes(self.run(run), clock)
        if is_swept:
            self.world.sweeps()

    @rule(
        what=st.sampled_from(["is given up", "is refused", "is in vain", "is in vain", "is wanted"]),
        run=which,
        by=which,
        code=own_codes,
    )
    def an_ending(self, what: str, run: int, by: int, code: EndingCode) -> None:
        one, world = self.run(run), self.world
        match what:
            case "is given up" | "is refused":
                world.gives_up(one, self.holder(one, by), code, was_refused=what == "is refused")
            case "is wanted":
                world.wants_cancel(one)
            case _ if one.ended is None:
                world.dies_while_ending(one)
            case _:
                world.ends_again(one)

    @rule(
        what=st.sampled_from(["comes", "comes back", "comes back", "is of another release"]),
        run=which,
        cursor=st.sampled_from([0, 0, 1, 3, 20]),
        pages=st.sampled_from([0, 1, None, None]),
    )
    def a_reader(self, what: str, run: int, cursor: int, pages: int | None) -> None:
        world = self.world
        if what == "is of another release":
            outdate(self.run(run))
            assert_read_as_folded(self.run(run))
        elif (what == "comes" and len(world.viewers) < MOST_VIEWERS) or not world.viewers:
            world.is_watched(self.run(run), cursor)
            world.is_shown(world.viewers[-1], pages)
        else:
            viewer = world.viewers[run % len(world.viewers)]
            if cursor:
                viewer.comes_back(cursor)
            world.is_shown(viewer, pages)

    # --- what must be true

    @invariant()
    def rows_and_model_agree(self) -> None:
        world = self.world
        world.agreement.holds(world.runs, [owner.id for owner in world.owners])

    def teardown(self) -> None:
        world = self.world
        try:
            if world.runs:
                world.comes_to_an_end()
                self.rows_and_model_agree()
                world.agreement.holds_to_the_last_row(world.runs, world.viewers)
        finally:
            world.close()

    # --- who is meant

    def create(self, kind: str, steps: int) -> None:
        """One more run, launched so far by somebody who lives."""
        self.world.creates(kind)
        owner = self.living_owner()
        self.world.claims(owner, MOST_RUNS, crash=False)
        if kind == "taken":
            steps = min(steps, SENT)  # whoever goes on learns that it is
        for _ in range(steps):
            self.world.launches_further(self.world.runs[-1], owner)

    @property
    def open_runs(self) -> list[ExpectedRun]:
        return [run for run in self.world.runs if run.ended is None]

    def run(self, number: int) -> ExpectedRun:
        """Mostly one that is open."""
        among = self.open_runs if number < 9 and self.open_runs else self.world.runs
        return among[number % len(among)]

    def owner(self, number: int) -> Owner:
        return self.world.owners[number % len(self.world.owners)]

    def living_owner(self) -> Owner:
        """The youngest that lives; another one starts where there is none."""
        if all(owner.is_lost for owner in self.world.owners):
            self.world.registers()
        return next(owner for owner in reversed(self.world.owners) if not owner.is_lost)

    def talking(self, number: int) -> ExpectedRun:
        """Mostly one that is open and bound; where there is none, one has come a step nearer to it."""
        bound = [run for run in self.open_runs if run.status not in ("queued", "starting")]
        if bound and number < 10:
            return bound[number % len(bound)]
        one = self.run(number)
        if not bound:
            self.world.launches_further(one, self.holder(one, number))
        return one

    def holder(self, run: ExpectedRun, number: int) -> Owner:
        """Mostly whoever owns the run; else anybody, with the lease it once had or none."""
        return self.owner(number) if run.owner is None or number > 8 else self.world.owners[run.owner]

    def hear(self, run: int, by: int, lines: list[str], wire: str, beside: list[str], crash: str) -> None:
        one = self.talking(run)
        self.world.says(one, lines)
        self.world.hears(one, self.holder(one, by), self.world.batch_of(one, wire, beside), crash=crash)


@pytest.mark.django_db(transaction=True)
@override_settings(RUN_ADMISSION_TIMEOUT_MS=HOUR_MS, SESSION_POLL_TIMEOUT_MS=HOUR_MS, RUN_HARD_GRACE_MS=HOUR_MS)
@pytest.mark.parametrize("walk", [short, pytest.param(long, marks=pytest.mark.slow)])
def test_whatever_happens_to_runs_in_whatever_order_every_promise_is_kept_i1_to_i8_i13_to_i16(
    walk: Callable[[], settings],
) -> None:
    run_state_machine_as_test(RunMachine, settings=walk())
