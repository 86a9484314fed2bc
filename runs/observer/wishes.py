"""Wishes: cancel, suspend and resume are wanted in the run's row; its owner asks the runtime and records the answer."""

from collections.abc import Callable

from runs.bridge import rows
from runs.domain.wishes import WishKind
from runs.observer.callback import call_back
from runs.observer.cancelling import CallBack, cancel_session
from runs.observer.owned import OwnedRun
from runs.observer.suspending import move_session
from runs.observer.wish_rows import open_wish
from runs.runtimes.port import Session


async def fulfil_wish(
    run: OwnedRun, session: Session, *, recheck: Callable[[], None], call_back: CallBack = call_back
) -> None:
    """What was wanted of the run is done or refused, and its row says which; nothing to do where nothing is wanted.

    Calls `recheck` where the session may be over: whoever reads its stream then ends the run. Raises Decided.
    """
    wish = await rows(open_wish, run)
    if wish is None:
        return
    if wish.kind is WishKind.CANCEL:
        await cancel_session(run, session, wish, recheck=recheck, call_back=call_back)
    else:
        await move_session(run, session, wish, recheck=recheck)
