"""The stage of the contract suite for the MACP adapter: the real runtime where its binary is found, else the stand-in.

Participants are played by the published SDK, an implementation that is not ours.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from macp_sdk import AuthConfig, DecisionSession, MacpClient

from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.port import SessionPlan
from tests.plans import a_plan
from tests.real_runtime import RealRuntime, binary
from tests.runtime_process import StandInRuntime

ENVELOPES = 5  # start, proposal, two votes, commitment


@dataclass(frozen=True)
class MacpStage:
    """What `Stage` of conftest.py asks for, in its words."""

    runtime: MacpRuntime
    address: str
    envelopes: int = ENVELOPES
    knows_sessions: bool = True

    def quiet_plan(self) -> SessionPlan:
        """Nobody speaks unasked."""
        return a_plan(run_id=str(uuid4()), session_id=str(uuid4()))

    def playing_plan(self) -> SessionPlan:
        """The same: `perform` makes its participants speak."""
        return self.quiet_plan()

    async def perform(self, plan: SessionPlan) -> None:
        """Lead proposes, ann and bob vote, lead commits."""
        await asyncio.to_thread(_play, self.address, plan)


def _play(address: str, plan: SessionPlan) -> None:
    def seat(participant: str) -> DecisionSession:
        auth = AuthConfig.for_dev_agent(participant)
        client = MacpClient(target=address, allow_insecure=True, auth=auth)
        clients.append(client)
        return DecisionSession(client, session_id=plan.session_id, configuration_version=plan.configuration_version)

    clients: list[MacpClient] = []
    try:
        lead = seat("lead")
        lead.propose("p1", "ship it")
        for voter in ("ann", "bob"):
            seat(voter).vote("p1", "APPROVE")
        lead.commit(action="decision.selected", authority_scope="session", reason="all said yes")
    finally:
        for client in clients:
            client.close()


@asynccontextmanager
async def _on(address: str, stop: Callable[[], None]) -> AsyncIterator[MacpStage]:
    runtime = MacpRuntime(MacpSettings(address=address, allow_insecure=True, dev_senders=True))
    try:
        yield MacpStage(runtime, address)
    finally:
        await runtime.close()
        stop()


@asynccontextmanager
async def macp_stage() -> AsyncIterator[MacpStage]:
    """The real runtime, in memory."""
    if binary() is None:
        async with stand_in_stage() as stage:
            yield stage
        return
    real = RealRuntime()
    await real.start()
    async with _on(real.address, real.kill) as stage:
        yield stage


@asynccontextmanager
async def stand_in_stage() -> AsyncIterator[MacpStage]:
    """The stand-in: the same promises without the binary."""
    stand_in = StandInRuntime()
    async with _on(stand_in.address, stand_in.stop) as stage:
        yield stage
