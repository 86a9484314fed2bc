"""The circuit breaker: what counts, what is let through, what it tells."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import pytest

from runs.domain.events import Observation
from runs.errors import (
    BreakerOpen,
    NoRuntime,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.runtimes.breaker import Breaker, BreakerState
from runs.runtimes.guarded import GuardedRuntime, GuardedSession
from runs.runtimes.port import RuntimeInfo, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.session import ScriptedSession
from tests.plans import a_plan
from tests.streams import take

RESET_MS = 1000


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A breaker of threshold 2 on a clock of its own, and what it told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[BreakerState] = []
        self.breaker = Breaker(threshold=2, reset_ms=RESET_MS, clock=self.clock, on_change=self.hear)

    def hear(self, state: BreakerState, reason: str) -> None:
        assert reason
        self.told.append(state)

    async def call(self, fault: Exception | None = None) -> None:
        async def attempt() -> None:
            if fault is not None:
                raise fault

        if fault is None:
            await self.breaker.call(attempt)
        else:
            with pytest.raises(type(fault)):
                await self.breaker.call(attempt)

    def state(self) -> str:
        return str(self.breaker.state)

    async def opened(self) -> None:
        await self.call(RuntimeUnavailable())
        await self.call(RuntimeUnavailable())
        assert self.state() == "OPEN"

    def wait_for_reset(self) -> None:
        self.clock.now += RESET_MS / 1000


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("fault", [RuntimeUnavailable(), RuntimeTimedOut()])
async def test_transport_failures_in_a_row_open_it_c23(scene: Scene, fault: RuntimeFault) -> None:
    await scene.call(fault)
    assert scene.state() == "CLOSED"

    await scene.call(fault)

    assert scene.state() == "OPEN"
    assert scene.told == ["OPEN"]


@pytest.mark.parametrize("answer", [None, RuntimeRejected(), SessionNotFound(), RuntimeUnsupported()])
async def test_any_answer_even_a_refusal_ends_the_row_c23(scene: Scene, answer: RuntimeFault | None) -> None:
    await scene.call(RuntimeUnavailable())
    await scene.call(answer)
    await scene.call(RuntimeUnavailable())

    assert scene.state() == "CLOSED"


async def test_a_defect_or_a_cancelled_call_says_nothing_about_the_runtime(scene: Scene) -> None:
    await scene.call(RuntimeUnavailable())
    await scene.call(KeyError("a defect"))
    await scene.call(RuntimeUnavailable())

    assert scene.state() == "OPEN"


async def test_a_runtime_that_is_not_set_up_is_no_transport_failure_c23(scene: Scene) -> None:
    """Or its caller would be told to wait, instead of which setting is missing."""
    await scene.call(RuntimeUnavailable())
    await scene.call(NoRuntime())
    await scene.call(NoRuntime())
    assert scene.state() == "CLOSED"

    await scene.call(RuntimeUnavailable())  # neither is it an answer

    assert scene.state() == "OPEN"


async def test_an_open_breaker_calls_nobody_and_says_how_long(scene: Scene) -> None:
    await scene.opened()
    scene.clock.now += 0.25

    with pytest.raises(BreakerOpen) as refusal:
        await scene.breaker.call(forbidden)

    assert refusal.value.details == {"retryAfterMs": 750}
    assert scene.breaker.failures_total == 2


async def forbidden() -> None:
    raise AssertionError("the runtime was called")


async def test_after_the_reset_time_one_probe_is_let_through_and_no_second_c23(scene: Scene) -> None:
    await scene.opened()
    scene.wait_for_reset()

    with scene.breaker.attempt():
        assert scene.state() == "HALF_OPEN"
        with pytest.raises(BreakerOpen):
            await scene.breaker.call(forbidden)

    assert scene.state() == "CLOSED"
    assert scene.told == ["OPEN", "HALF_OPEN", "CLOSED"]


async def test_a_failed_probe_opens_it_for_another_reset_time(scene: Scene) -> None:
    await scene.opened()
    scene.wait_for_reset()

    await scene.call(RuntimeTimedOut())

    assert scene.state() == "OPEN"
    with pytest.raises(BreakerOpen):
        await scene.breaker.call(forbidden)
    scene.wait_for_reset()
    await scene.call()
    assert scene.told == ["OPEN", "HALF_OPEN", "OPEN", "HALF_OPEN", "CLOSED"]


async def test_after_it_closed_the_count_begins_anew(scene: Scene) -> None:
    await scene.opened()
    scene.wait_for_reset()
    await scene.call()

    await scene.call(RuntimeUnavailable())

    assert scene.state() == "CLOSED"


async def test_a_probe_that_was_given_up_lets_the_next_call_be_one(scene: Scene) -> None:
    await scene.opened()
    scene.wait_for_reset()
    probe = asyncio.create_task(scene.breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.wait({probe})

    await scene.call()

    assert scene.state() == "CLOSED"


async def test_a_probe_without_an_answer_gives_its_place_to_another_after_the_reset_time(scene: Scene) -> None:
    await scene.opened()
    scene.wait_for_reset()

    with scene.breaker.attempt():
        scene.wait_for_reset()
        await scene.call()
        assert scene.state() == "CLOSED"

    assert scene.state() == "CLOSED"


async def test_what_was_called_before_it_opened_neither_closes_nor_counts(scene: Scene) -> None:
    with scene.breaker.attempt():
        await scene.opened()
    assert scene.state() == "OPEN"

    scene.wait_for_reset()
    with scene.breaker.attempt():
        pass
    assert scene.told == ["OPEN", "HALF_OPEN", "CLOSED"]


async def test_a_reset_by_hand_closes_it_at_once(scene: Scene) -> None:
    await scene.opened()

    scene.breaker.reset()

    await scene.call()
    assert scene.told == ["OPEN", "CLOSED"]


class Away(ScriptedRuntime):
    """A runtime that cannot be reached while `away`."""

    def __init__(self) -> None:
        self.away = True

    async def initialize(self) -> RuntimeInfo:
        if self.away:
            raise RuntimeUnavailable
        return await super().initialize()

    def attach(self, plan: SessionPlan, *, adapter_state: bytes | None) -> ScriptedSession:
        return AwaySession(self, plan)


class AwaySession(ScriptedSession):
    """A session whose stream cannot be opened, or breaks after its first observation."""

    def __init__(self, runtime: Away, plan: SessionPlan) -> None:
        super().__init__(plan, adapter_state=None)
        self._runtime = runtime

    async def _first_then_broken(self) -> AsyncIterator[Observation]:
        if self._runtime.away:
            raise RuntimeUnavailable
        yield await self.snapshot()
        raise RuntimeUnavailable

    def observe(self, after: int) -> AsyncIterator[Observation]:
        return self._first_then_broken()


def guarded(scene: Scene) -> tuple[Away, GuardedRuntime]:
    runtime = Away()
    return runtime, GuardedRuntime(runtime, scene.breaker)


async def test_opening_a_stream_counts_and_is_refused_while_it_is_open_c23(scene: Scene) -> None:
    _, runtime = guarded(scene)
    for _ in range(2):
        with pytest.raises(RuntimeUnavailable):
            await take(runtime.attach(a_plan(), adapter_state=None).observe(0), 1)

    assert scene.state() == "OPEN"
    with pytest.raises(BreakerOpen):
        await take(runtime.attach(a_plan(), adapter_state=None).observe(0), 1)


async def test_a_stream_that_breaks_after_it_opened_does_not_count(scene: Scene) -> None:
    adapter, runtime = guarded(scene)
    adapter.away = False

    for _ in range(3):
        with pytest.raises(RuntimeUnavailable):
            await take(runtime.attach(a_plan(), adapter_state=None).observe(0), 2)

    assert scene.state() == "CLOSED"


async def test_a_health_check_neither_feeds_it_nor_is_refused_by_it_c23(scene: Scene) -> None:
    adapter, runtime = guarded(scene)
    for _ in range(5):
        with pytest.raises(RuntimeUnavailable):
            await runtime.adapter.initialize()
    assert scene.state() == "CLOSED"

    await scene.opened()
    adapter.away = False

    assert (await runtime.adapter.initialize()).name == "scripted"
    assert scene.state() == "OPEN"


class Kept(ScriptedSession):
    """A session that keeps hold of the stream it gave away."""

    def observe(self, after: int) -> AsyncIterator[Observation]:
        self.stream = super().observe(after)
        return self.stream


async def test_closing_a_guarded_stream_closes_the_runtimes_own(scene: Scene) -> None:
    session = Kept(a_plan(), adapter_state=None)
    stream = GuardedSession(session, scene.breaker).observe(0)
    await take(stream, 1)

    await cast(AsyncGenerator[Observation], stream).aclose()

    with pytest.raises(StopAsyncIteration):
        await anext(session.stream)
