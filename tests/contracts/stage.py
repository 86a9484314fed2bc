"""A stage for the contract suite: an opened runtime, and how to get sessions of a known kind out of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runs.runtimes.port import Runtime, SessionPlan


@dataclass(frozen=True)
class Stage:
    """An opened runtime and how to get sessions out of it; every plan is of a new run and session."""

    runtime: Runtime
    quiet_plan: Callable[[], SessionPlan]  # nobody speaks unasked: lead, ann and bob; lead is the initiator
    playing_plan: Callable[[], SessionPlan]  # its participants speak and it resolves
    envelopes: int  # of a playing session, SessionStart included
    perform: Callable[[SessionPlan], Awaitable[None]]  # makes the participants of a started playing session speak
    knows_sessions: bool  # the runtime can tell that it does not know a session
