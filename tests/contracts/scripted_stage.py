"""The scripted runtime on the stage, as it is and behind a breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from runs.runtimes.breaker import Breaker
from runs.runtimes.guarded import GuardedRuntime
from runs.runtimes.port import Runtime, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from tests.contracts.stage import Stage
from tests.plans import a_plan


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
