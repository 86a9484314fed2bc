"""Whoever carries a scripted session on, from wherever it was recorded, records the same session."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from runs.domain.events import Observation, ObservationKind
from runs.runtimes.port import SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.scenarios import WRITTEN
from tests.plans import a_message, a_plan
from tests.streams import envelopes, read_ready

RUNTIME = ScriptedRuntime()
SAID = (ObservationKind.ENVELOPE, ObservationKind.AMBIENT)


@given(scenario=st.sampled_from(sorted(WRITTEN)), mode=st.sampled_from(["decision", "task", "unknown"]))
@settings(deadline=None, max_examples=30)
def test_a_stream_cut_after_any_envelope_goes_on_as_if_it_had_not_been_cut(scenario: str, mode: str) -> None:
    plan = a_plan(options={"scenario": scenario}, mode_name=f"macp.mode.{mode}.v1")

    async def scene() -> None:
        whole = await read_ready(RUNTIME.attach(plan, adapter_state=None).observe(0))
        for cursor in range(len(envelopes(whole)) + 1):
            rest = await read_ready(RUNTIME.attach(plan, adapter_state=None).observe(cursor))
            assert up_to(whole, cursor) + rest == whole

    asyncio.run(scene())


def up_to(heard: list[Observation], cursor: int) -> list[Observation]:
    """The observations up to and with session envelope number `cursor`."""
    places = [index for index, one in enumerate(heard) if one.kind is ObservationKind.ENVELOPE]
    return heard[: places[cursor - 1] + 1] if cursor else []


@dataclass
class Owner:
    """A run's owner and its database: hears, sends, commits, crashes; recorded is what it may never contradict."""

    plan: SessionPlan
    state: bytes | None = None
    recorded: list[Observation] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    sent: int = 0

    def take_over(self) -> None:
        self.session = RUNTIME.attach(self.plan, adapter_state=self.state)
        self.stream: AsyncIterator[Observation] = self.session.observe(len(envelopes(self.recorded)))
        self.heard: list[Observation] = []

    async def crash(self) -> None:
        """What was heard but not recorded is gone, and so is every uncommitted answer."""
        await cast(AsyncGenerator[Observation], self.stream).aclose()
        self.take_over()

    async def hear(self, count: int) -> None:
        """Up to `count` observations that are there; none while an answer is not committed."""
        for _ in range(count):
            waiting = asyncio.ensure_future(anext(self.stream))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait({waiting})
                self.stream = self.session.observe(len(envelopes([*self.recorded, *self.heard])))
                return
            self.heard.append(waiting.result())

    def record(self) -> None:
        """One transaction: a known identity adds nothing."""
        known = {one.source_id for one in self.recorded}
        self.recorded += [one for one in self.heard if one.kind in SAID and one.source_id not in known]
        self.heard = []

    async def send(self, message_type: str, *, commit: bool, hearing: int = 0) -> None:
        """The commit may take its time: `hearing` is how much is listened for, and recorded, meanwhile."""
        self.sent += 1
        message = a_message(self.sent, message_type=message_type)
        answer = await self.session.send(RUNTIME.encode_message(self.plan, message))
        if hearing:
            await self.hear(hearing)
            self.record()
        if commit and answer.ack.ok:
            self.accepted.append(message.message_id)
            self._commit(answer.adapter_state)

    async def steer(self, verb: str, *, commit: bool) -> None:
        answer = await getattr(self.session, verb)("")
        if commit:
            self._commit(answer.adapter_state)

    def _commit(self, state: bytes | None) -> None:
        self.state = state or self.state
        self.session.confirm(state)


MOVES = st.one_of(
    st.tuples(st.just("hear"), st.integers(1, 5)),
    st.tuples(st.just("record"), st.none()),
    st.tuples(st.just("crash"), st.none()),
    st.tuples(st.just("send"), st.sampled_from(["Proposal", "Signal", "Note"])),
    st.tuples(st.just("slow"), st.sampled_from(["Proposal", "Signal"])),
    st.tuples(st.just("lose"), st.sampled_from(["Proposal", "Signal", "suspend"])),
    st.tuples(st.just("steer"), st.sampled_from(["suspend", "resume"])),
)


@given(moves=st.lists(MOVES, max_size=40), scenario=st.sampled_from(["decision", "silent", "load"]))
@settings(deadline=None, max_examples=200)
def test_no_crash_loses_doubles_or_renumbers_what_a_session_says(
    moves: list[tuple[str, object]], scenario: str
) -> None:
    options: dict[str, object] = {"scenario": scenario} | ({"events": 30} if scenario == "load" else {})
    asyncio.run(play_through(Owner(a_plan(options=options)), moves))


async def play_through(owner: Owner, moves: list[tuple[str, object]]) -> None:
    owner.take_over()
    for move, what in moves:
        await one_move(owner, move, what)
    await owner.crash()
    await owner.steer("resume", commit=True)
    await owner.hear(200)
    owner.record()

    # It should have recorded exactly what the session says from the start under the state that was committed last.
    whole = await read_ready(RUNTIME.attach(owner.plan, adapter_state=owner.state).observe(0))
    assert envelopes(owner.recorded) == envelopes(whole)
    assert {one.source_id for one in owner.recorded} == {one.source_id for one in whole if one.source_id}
    assert set(owner.accepted) <= {str(one.source_id).rpartition(":")[2] for one in owner.recorded}


async def one_move(owner: Owner, move: str, what: object) -> None:
    if move == "hear":
        await owner.hear(int(str(what)))
    elif move == "record":
        owner.record()
    elif move == "crash":
        await owner.crash()
    elif move == "send":
        await owner.send(str(what), commit=True)
    elif move == "slow":
        await owner.send(str(what), commit=True, hearing=3)
    elif move == "steer":
        await owner.steer(str(what), commit=True)
    else:
        # A transaction that fails takes its owner's handle with it.
        await (owner.steer("suspend", commit=False) if what == "suspend" else owner.send(str(what), commit=False))
        await owner.crash()
