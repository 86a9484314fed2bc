"""Cancel, as the owner of a run carries it out.

    CancelSession, or the agent's cancel callback
      agreed, or the session was over -> its last envelopes are recorded, and the run ends: runs/observer/reader.py,
                                         or runs/ending/asking.py where the reader does not come to it
      refused                         -> the wish is answered, the run goes on
      no answer                       -> the run ends as cancelled all the same

Whoever writes the ending writes `cancelled`, except for a session that was resolved or had expired: runs/ending/wish.py.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from runs.bridge import rows
from runs.domain.endings import NO_ANSWER, SESSION_NOT_FOUND, EndingCode, Verdict
from runs.domain.events import TERMINAL_SESSION_STATES, SessionState
from runs.domain.requests import AGENT, CancelRoute
from runs.errors import (
    CallbackFailed,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
    SessionNotFound,
)
from runs.observer.decided import Decided
from runs.observer.owned import OwnedRun
from runs.observer.wish_calls import agreed, session_now, state_of
from runs.observer.wish_rows import OpenWish, answer_refused
from runs.runtimes.port import Session

# How long the session's own end may take to be told and read before the run ends without it.
CONCLUDE_SECONDS = 3.0
# How long a session may stay open after its agent has agreed to cancel it.
CALLED_BACK_SECONDS = 5.0
LOOK_SECONDS = 0.25

CallBack = Callable[[OwnedRun, str | None], Awaitable[None]]


async def cancel_session(
    run: OwnedRun, session: Session, wish: OpenWish, *, recheck: Callable[[], None], call_back: CallBack
) -> None:
    """Returns where the cancel was refused: the answer to the wish says by whom. Else the run ends: raises Decided."""
    try:
        state = await _asked(run, session, wish, call_back)
    except (RuntimeUnavailable, RuntimeTimedOut) as fault:
        raise Decided(_cancelled(wish, asked=NO_ANSWER, failures=(fault.message,))) from fault
    except SessionNotFound:
        state = SESSION_NOT_FOUND
    except (RuntimeRejected, RuntimeUnsupported, CallbackFailed) as refusal:
        await rows(answer_refused, run, wish, refusal)
        return
    recheck()
    if state in (SessionState.RESOLVED, SessionState.EXPIRED):
        await asyncio.Event().wait()  # that ends the run, however long its last envelopes take
    await asyncio.sleep(CONCLUDE_SECONDS)
    # Whoever reads it may have had no turn to subscribe, so what a session that is over still holds is not all read:
    # whoever writes the ending asks once more, reads the rest, and says what is missing.
    raise Decided(_cancelled(wish, asked=None if state in TERMINAL_SESSION_STATES else state))


async def _asked(run: OwnedRun, session: Session, wish: OpenWish, call_back: CallBack) -> str:
    """The state of the session once whoever may cancel it has agreed."""
    if run.plan.opener == AGENT and run.request.session.cancel_route is CancelRoute.CALLBACK:
        return await _asked_agent(run, session, wish, call_back)
    state = await agreed(run, session, session.cancel(wish.reason or ""), "CancelSession")
    if state not in TERMINAL_SESSION_STATES:
        with contextlib.suppress(RuntimeFault):
            state = state_of(await session_now(session))
    return state


async def _asked_agent(run: OwnedRun, session: Session, wish: OpenWish, call_back: CallBack) -> str:
    """The state of the session some time after its agent has agreed to end it, or as soon as it has ended."""
    state = await _look(session)
    if state in TERMINAL_SESSION_STATES:
        return state  # a former owner may have called
    await call_back(run, wish.reason)
    deadline = time.monotonic() + CALLED_BACK_SECONDS
    while (state := await _look(session)) not in (*TERMINAL_SESSION_STATES, SESSION_NOT_FOUND):
        if time.monotonic() > deadline:
            raise Decided(_cancelled(wish, asked=state))
        await asyncio.sleep(LOOK_SECONDS)
    return state


async def _look(session: Session) -> str:
    try:
        return state_of(await session_now(session))
    except SessionNotFound:
        return SESSION_NOT_FOUND
    except RuntimeFault:
        return NO_ANSWER


def _cancelled(wish: OpenWish, *, asked: str | None, failures: tuple[str, ...] = ()) -> Verdict:
    return Verdict(code=EndingCode.CANCELLED, decided_by=wish.through, runtime_asked=asked, cleanup_errors=failures)
