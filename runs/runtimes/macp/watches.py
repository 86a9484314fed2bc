"""What the runtime says outside any session stream: one watch of sessions and one of signals, shared by all runs.

Suspending, resuming, cancelling and expiring are not part of a session's stream, and signals never are. Both watches
are best effort: when one breaks it is opened again with a growing pause, and the watch of sessions then begins with
the state of every session the runtime knows, so no state is missed for long. A signal sent meanwhile is lost.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runs.domain.events import Observation
from runs.errors import RuntimeFault, RuntimeUnsupported
from runs.runtimes.macp import wire
from runs.runtimes.macp.channels import Channels
from runs.runtimes.macp.codec import read_lifecycle, read_signal
from runs.runtimes.macp.credentials import Credentials
from runs.runtimes.macp.mailbox import Mailbox
from runs.runtimes.macp.settings import MacpSettings

logger = logging.getLogger(__name__)

Reader = Callable[[bytes], tuple[str, Observation] | None]

STAND_S = 1.0


class Watches:
    """The two watches; they begin with the first mailbox and end with `close`.

    `unmatched` counts what belonged to no session that is being observed here, and what could not be read.
    """

    def __init__(self, settings: MacpSettings, channels: Channels, credentials: Credentials) -> None:
        self.unmatched = 0
        self._settings = settings
        self._channels = channels
        self._credentials = credentials
        self._mailboxes: dict[str, list[Mailbox]] = defaultdict(list)
        self._tasks: list[asyncio.Task[None]] = []
        self._standing: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @contextmanager
    def delivering(self, session_id: str, mailbox: Mailbox) -> Iterator[Mailbox]:
        """Inside the block the mailbox gets what the watches say of the session."""
        self._begin()
        self._mailboxes[session_id].append(mailbox)
        try:
            yield mailbox
        finally:
            self._mailboxes[session_id].remove(mailbox)
            if not self._mailboxes[session_id]:
                del self._mailboxes[session_id]

    async def stand(self) -> None:
        """Both watches tell of what happens from now on; at the latest after STAND_S seconds, best effort as they are.

        Whoever reports that a session is observed waits for it: a signal that answers the report must not be missed.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(STAND_S):
                for standing in tuple(self._standing.values()):
                    await standing.wait()

    async def close(self) -> None:
        """Both watches have ended."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> None:
        if self._tasks:
            return
        for rpc in ("WatchSessions", "WatchSignals"):
            self._standing[rpc].clear()
        sessions, signals = wire.WatchSessionsRequest(), wire.WatchSignalsRequest()
        self._tasks = [
            asyncio.create_task(self._watch("WatchSessions", sessions.SerializeToString(), read_lifecycle)),
            asyncio.create_task(self._watch("WatchSignals", signals.SerializeToString(), read_signal)),
        ]

    async def _watch(self, rpc: str, request: bytes, read: Reader) -> None:
        pause = self._settings.backoff_base
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._follow(rpc, request, read)
            except RuntimeUnsupported:
                logger.info("the runtime has no %s", rpc)
                self._standing[rpc].set()  # there is nothing to wait for
                return
            except RuntimeFault as fault:
                logger.info("%s broke off, opening it again: %s", rpc, fault)
            if asyncio.get_running_loop().time() - began > pause:
                pause = self._settings.backoff_base  # it had been standing: begin again with the shortest pause
            await asyncio.sleep(pause * random.uniform(1.0, 1.2))  # noqa: S311 - spreads load, guards nothing
            pause = min(pause * 2, self._settings.backoff_max)

    async def _follow(self, rpc: str, request: bytes, read: Reader) -> None:
        async with self._channels.server_stream(rpc, request, self._credentials.own()) as frames:
            self._standing[rpc].set()
            try:
                async for frame in frames:
                    self._deliver(read(frame))
            finally:
                self._standing[rpc].clear()

    def _deliver(self, read: tuple[str, Observation] | None) -> None:
        mailboxes = self._mailboxes.get(read[0]) if read else None
        if read is None or not mailboxes:
            self.unmatched += 1
            return
        for mailbox in mailboxes:
            mailbox.put_aside(read[1])
