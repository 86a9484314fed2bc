"""Whose session is it? Its id does not tell: a caller may have chosen it. Only the SessionStart that opened it does."""

import contextlib
from uuid import UUID

from runs.domain.events import Envelope, ObservationKind
from runs.errors import RuntimeUnavailable
from runs.models import RuntimeSession
from runs.runtimes.port import Session


def unanswered_start(run_id: UUID) -> UUID | None:
    """The message id of our SessionStart while nobody has heard its answer: the session may be somebody else's. Else None."""
    session = RuntimeSession.objects.only("start_acked_at", "start_message_id").get(run_id=run_id)
    return session.start_message_id if session.start_acked_at is None else None


async def is_opened_by(start: UUID, session: Session) -> bool:
    """True if the session was opened by the SessionStart of this message id.

    Raises what the port may raise, and RuntimeUnavailable where the stream ends before it tells: then nobody knows. It may
    also say nothing for ever: the caller sets a limit.
    """
    async with contextlib.aclosing(session.observe(0)) as stream:  # type: ignore[type-var]
        async for one in stream:
            # What is told beside a session may come before its first word.
            if one.kind == ObservationKind.ENVELOPE and isinstance(one.body, Envelope):
                return one.body.message_id == str(start)
    raise RuntimeUnavailable("the runtime did not say whose session it is")
