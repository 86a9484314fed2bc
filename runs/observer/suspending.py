"""Suspend and resume, as the owner of a run carries them out: the run's status moves when the runtime has agreed."""

from collections.abc import Callable

from runs.bridge import rows
from runs.domain.events import Observation, SessionState
from runs.domain.wishes import WishKind, not_permitted
from runs.errors import (
    RuntimeFault,
    RuntimeTimedOut,
    RuntimeUnavailable,
    SessionNotFound,
)
from runs.observer.owned import OwnedRun
from runs.observer.telling import ends_session
from runs.observer.wish_calls import agreed, session_now, state_of
from runs.observer.wish_rows import OpenWish, answer_fulfilled, answer_refused
from runs.runtimes.port import Session

_AIMS = {WishKind.SUSPEND: SessionState.SUSPENDED, WishKind.RESUME: SessionState.OPEN}


async def move_session(run: OwnedRun, session: Session, wish: OpenWish, *, recheck: Callable[[], None]) -> None:
    """The session is suspended or resumed and the log says so, or the answer to the wish says what stood in its way."""
    try:
        snapshot = await _moved(run, session, wish)
    except RuntimeFault as fault:
        await rows(answer_refused, run, wish, fault)
        if isinstance(fault, SessionNotFound):
            recheck()
        return
    if ends_session(snapshot):
        over = not_permitted(wish.status, wish.kind, sessionState=state_of(snapshot).value)
        await rows(answer_refused, run, wish, over)
        recheck()
    else:
        await rows(answer_fulfilled, run, wish, [snapshot])


async def _moved(run: OwnedRun, session: Session, wish: OpenWish) -> Observation:
    """The session as it is after the runtime was asked to move it, if that was still to be done.

    A former owner may have been here before, so the first question is where the session stands. An answer that was lost
    is found there too: these calls have no id under which they could be repeated.
    """
    snapshot = await session_now(session)
    if _is_moved(snapshot, wish):
        return snapshot
    lost: RuntimeFault | None = None
    try:
        await _ask(run, session, wish)
    except (RuntimeUnavailable, RuntimeTimedOut) as fault:
        lost = fault
    snapshot = await session_now(session)
    if lost is not None and not _is_moved(snapshot, wish):
        raise lost
    return snapshot


def _is_moved(snapshot: Observation, wish: OpenWish) -> bool:
    """True where nothing is left to ask for: the session is there, or it is over."""
    return state_of(snapshot) is _AIMS[wish.kind] or ends_session(snapshot)


async def _ask(run: OwnedRun, session: Session, wish: OpenWish) -> None:
    reason = wish.reason or ""
    if wish.kind is WishKind.SUSPEND:
        await agreed(run, session, session.suspend(reason), "SuspendSession")
    else:
        await agreed(run, session, session.resume(reason), "ResumeSession")
