"""A session's own frames and what the watches say of it, in one order."""

from runs.domain.events import InlineError, Observation
from runs.runtimes.macp.codec import read_frame
from runs.runtimes.macp.mailbox import Mailbox
from runs.runtimes.macp.subscription import refusal_of


class Merge:
    """Batches of observations from one mailbox; `probed` says that the first frame was not asked for.

    Session stream and watches are different streams: that a session has ended may come before its last envelope.
    """

    def __init__(self, mailbox: Mailbox, *, probed: bool) -> None:
        self._mailbox = mailbox
        self._probed = probed
        self._stands = False

    async def next(self) -> list[Observation]:
        """The next observations, at least one; none at the end of the stream."""
        batch: list[Observation] = []
        over = False
        while not batch and not over:
            post = await self._mailbox.take()
            batch = [one for frame in post.frames if (one := self._read(frame)) is not None]
            batch += post.asides
            over = post.over
        return batch

    def _read(self, frame: bytes) -> Observation | None:
        observation = read_frame(frame)
        if self._stands:
            return observation
        if isinstance(observation.body, InlineError):
            raise refusal_of(observation.body)  # it answers the subscription, however late
        self._stands = True
        return None if self._probed else observation
