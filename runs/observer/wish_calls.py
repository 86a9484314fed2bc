"""The calls of a wish: a runtime is asked for what it takes, within a time, its refusals as errors."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from runs.domain.events import Observation, SessionSnapshot, SessionState
from runs.errors import RuntimeRejected, RuntimeTimedOut
from runs.observer.answers import take_answer
from runs.observer.owned import OwnedRun
from runs.runtimes.port import Sent, Session

T = TypeVar("T")

ASK_SECONDS = 5.0


async def within(seconds: float, call: Awaitable[T], what: str) -> T:
    """The answer of a call; raises RuntimeTimedOut after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as silence:
        raise RuntimeTimedOut(f"{what}: no answer within {seconds:g} s") from silence


async def agreed(run: OwnedRun, session: Session, call: Awaitable[Sent], what: str) -> SessionState:
    """The runtime has agreed, and what it answered is recorded; the session's state as it told it, if it did.

    Raises RuntimeRejected where it refused, and whatever the port may raise.
    """
    sent = await within(ASK_SECONDS, call, what)
    await take_answer(run, session, sent, step="wish.ack")
    if not sent.ack.ok:
        error = sent.ack.error
        said = (error.message or error.code) if error else "it gave no reason"
        raise RuntimeRejected(f"{what} was refused: {said}", runtime_code=error.code if error else "")
    return sent.ack.session_state


async def session_now(session: Session) -> Observation:
    """What the session is right now, asked within the time."""
    return await within(ASK_SECONDS, session.snapshot(), "GetSession")


def state_of(snapshot: Observation) -> SessionState:
    """The state in what GetSession answered."""
    assert isinstance(snapshot.body, SessionSnapshot)
    return snapshot.body.state
