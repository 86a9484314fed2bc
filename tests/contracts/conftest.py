"""The stages on which the contract suite plays: one per adapter, each an opened runtime and what the suite must know.

To put an adapter under contract, write its stage (an async context manager) and name it in STAGES, for example
`"macp": macp_stage` with a runtime on a free port whose participants are played by an independent client.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio

from runs.runtimes.breaker import Breaker, GuardedRuntime
from runs.runtimes.port import Runtime, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from tests.plans import a_plan


@dataclass(frozen=True)
class Stage:
    """An opened runtime and how to get sessions out of it; every plan is of a new run and session."""

    runtime: Runtime
    quiet_plan: Callable[[], SessionPlan]  # nobody speaks unasked: lead, ann and bob; lead is the initiator
    playing_plan: Callable[[], SessionPlan]  # its participants speak and it resolves
    envelopes: int  # of a playing session, SessionStart included
    perform: Callable[[SessionPlan], Awaitable[None]]  # makes the participants of a started playing session speak
    knows_sessions: bool  # the runtime can tell that it does not know a session


async def _speak_by_themselves(_: SessionPlan) -> None:
    """The participants of a scripted session need nobody to play them."""


def _scripted(runtime: Runtime) -> Stage:
    def plan(scenario: str) -> SessionPlan:
        return a_plan(run_id=str(uuid4()), session_id=str(uuid4()), options={"scenario": scenario})

    return Stage(
        runtime=runtime,
        quiet_plan=lambda: plan("silent"),
        playing_plan=lambda: plan("decision"),
        envelopes=7,
        perform=_speak_by_themselves,
        knows_sessions=False,
    )


@asynccontextmanager
async def scripted_stage() -> AsyncIterator[Stage]:
    """The scripted runtime as it is."""
    yield _scripted(ScriptedRuntime.configured())


@asynccontextmanager
async def guarded_stage() -> AsyncIterator[Stage]:
    """The scripted runtime behind a breaker, which must not change what is promised."""
    yield _scripted(GuardedRuntime(ScriptedRuntime.configured(), Breaker(threshold=1, reset_ms=60_000)))


STAGES: dict[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "scripted": scripted_stage,
    "scripted-guarded": guarded_stage,
}


@pytest_asyncio.fixture(params=list(STAGES))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Each stage in turn; its runtime is closed afterwards."""
    async with STAGES[request.param]() as opened:
        yield opened
        await opened.runtime.close()
