"""A session's own frames and what the watches say of it, in one order."""

import asyncio

from runs.domain.events import TERMINAL_SESSION_STATES, InlineError, Observation, SessionSnapshot
from runs.runtimes.macp.codec import read_frame
from runs.runtimes.macp.mailbox import Mailbox, Post
from runs.runtimes.macp.subscription import Subscription, refusal_of

HOLD_S = 2.0


class Merge:
    """Batches of observations from one mailbox.

    The end of a session travels on another stream than its envelopes and would often overtake the Commitment that
    caused it. It is held back until as many envelopes were read as the runtime counts in it, at most HOLD_S: the
    runtime may be unable to replay them all.
    """

    def __init__(self, mailbox: Mailbox, subscription: Subscription) -> None:
        self._mailbox = mailbox
        self._ordinal = subscription.ordinal
        self._skip = 1 if subscription.probed else 0
        self._answered = False
        self._held: Observation | None = None
        self._held_until = 0.0

    async def next(self) -> list[Observation]:
        """The next observations, at least one; none at the end of the stream."""
        batch: list[Observation] = []
        over = False
        while not batch and not over:
            post = await self._mailbox.take(self._patience())
            batch, over = self._read(post), post.over
        return batch

    def _read(self, post: Post) -> list[Observation]:
        batch = [observation for frame in post.frames if (observation := self._read_frame(frame)) is not None]
        for aside in post.asides:
            if _says_that_it_ended(aside):
                self._hold(aside)
            else:
                batch.append(aside)
        if self._held is not None and (post.over or self._is_due(self._held)):
            batch.append(self._held)
            self._held = None
        return batch

    def _read_frame(self, frame: bytes) -> Observation | None:
        observation = read_frame(frame)
        body = observation.body
        if isinstance(body, InlineError):
            if not self._answered:
                raise refusal_of(body)
            return observation
        self._answered = True
        self._ordinal += 1
        if self._skip:
            self._skip -= 1
            return None
        return observation

    def _hold(self, ended: Observation) -> None:
        self._held = ended
        self._held_until = asyncio.get_running_loop().time() + HOLD_S

    def _is_due(self, held: Observation) -> bool:
        counted = held.body.message_count if isinstance(held.body, SessionSnapshot) else None
        everything_read = self._ordinal >= 1 + (counted or 0)  # 1: SessionStart, which the runtime does not count
        return everything_read or self._patience() == 0

    def _patience(self) -> float | None:
        if self._held is None:
            return None
        return max(0.0, self._held_until - asyncio.get_running_loop().time())


def _says_that_it_ended(aside: Observation) -> bool:
    body = aside.body
    return isinstance(body, SessionSnapshot) and body.state in TERMINAL_SESSION_STATES
