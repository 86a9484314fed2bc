"""Whose session is it? Its id does not tell: a caller may have chosen it. Only the SessionStart that opened it does."""

import contextlib
from uuid import UUID

from runs.domain.events import Envelope, ObservationKind
from runs.errors import RuntimeUnavailable
from runs.runtimes.port import Session


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
