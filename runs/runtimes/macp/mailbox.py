"""Where everything that concerns one session meets: frames of its own stream and what the shared watches say of it."""

import asyncio
from collections import deque
from dataclasses import dataclass

from runs.domain.events import Observation
from runs.errors import RuntimeFault

MAX_FRAMES = 1024
MAX_BYTES = 4 * 1024 * 1024
MAX_ASIDES = 256
BATCH = 256
# A reader that was woken less than this ago is woken again this much later: a busy stream costs one wake-up for many
# frames instead of one each, a quiet one waits for nothing.
PAUSE_S = 0.002


@dataclass(frozen=True, slots=True)
class Post:
    """What was waiting: frames in their order, observations of the watches, and whether the stream is over."""

    frames: list[bytes]
    asides: list[Observation]
    over: bool


class Mailbox:
    """A bounded queue of one reader. A full one holds up the session's own stream; the shared watches never wait.

    When more than MAX_ASIDES of the watches' observations wait, the oldest is dropped and counted: the reader is slow,
    and the session's state is asked for again anyway.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.fault: RuntimeFault | None = None
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._asides: deque[Observation] = deque(maxlen=MAX_ASIDES)
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._waking = False
        self._taken_at = 0.0
        self._room = asyncio.Event()
        self._room.set()

    def put(self, frame: bytes) -> bool:
        """The frame is queued; False if it was the last there is room for."""
        self._frames.append(frame)
        self._bytes += len(frame)
        self._wake()
        if len(self._frames) < MAX_FRAMES and self._bytes < MAX_BYTES:
            return True
        self._room.clear()
        return False

    async def room(self) -> None:
        """There is room for another frame."""
        await self._room.wait()

    def discard(self) -> None:
        """Nobody reads any more: nothing waits for room."""
        self._frames.clear()
        self._bytes = 0
        self._room.set()

    def put_aside(self, observation: Observation) -> None:
        """An observation of a watch is queued."""
        self.dropped += len(self._asides) == MAX_ASIDES
        self._asides.append(observation)
        self._wake()

    def end(self, fault: RuntimeFault | None = None) -> None:
        """No frame follows; `fault` says why if the stream broke."""
        self._over, self.fault = True, fault
        self._arrived.set()

    async def take(self) -> Post:
        """What waits, at most BATCH frames; waits if there is nothing."""
        if not (self._frames or self._asides or self._over):
            self._arrived.clear()
            await self._arrived.wait()
        self._waking, self._taken_at = False, self._loop.time()
        frames = [self._frames.popleft() for _ in range(min(BATCH, len(self._frames)))]
        self._bytes -= sum(map(len, frames))
        self._room.set()
        asides = list(self._asides)
        self._asides.clear()
        return Post(frames, asides, over=self._over and not self._frames)

    def _wake(self) -> None:
        if self._waking:
            return
        self._waking = True
        if self._loop.time() - self._taken_at < PAUSE_S:
            self._loop.call_later(PAUSE_S, self._arrived.set)
        else:
            self._arrived.set()
