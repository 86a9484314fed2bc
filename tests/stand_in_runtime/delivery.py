"""What one subscription delivers: the log in its order, or whatever the faults make of it."""

import asyncio
from collections.abc import AsyncIterator, Callable

from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.log import SessionLog
from tests.stand_in_runtime.odd import forged

Numbered = tuple[int, bytes | None]


class Broken(Exception):
    """The stream breaks with a status: its name and what is said with it."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Closed(Exception):
    """The stream is closed without an error."""


class Forgotten(Exception):
    """The session is to be gone."""


async def live(log: SessionLog, after: int) -> AsyncIterator[Numbered]:
    """The log after an ordinal, then whatever is appended; no frame when the reader lagged behind."""
    missed, reader = log.join(after)
    try:
        for ordinal, frame in missed:
            yield ordinal, frame
        while (following := await reader.get()) is not None:
            yield following
        yield 0, None
    finally:
        log.readers.discard(reader)


async def delivered(
    frames: AsyncIterator[Numbered], faults: Faults, *, earlier: Callable[[int], bytes], inline: bytes
) -> AsyncIterator[bytes]:
    """The frames of a subscription, to the end of what there is. Raises Broken, Closed and Forgotten.

    `earlier` is the frame of an ordinal that has passed, `inline` the error frame that may come in between.
    """
    held: bytes | None = None
    async for ordinal, frame in frames:
        if frame is None:
            raise Broken("RESOURCE_EXHAUSTED", "STREAM_LAGGED: too slow")
        if faults.at("inline", ordinal):
            yield inline
        if faults.at("drop", ordinal):
            raise Broken("UNAVAILABLE", "the stream is dropped")
        if faults.at("close", ordinal):
            raise Closed
        if faults.at("forget", ordinal):
            raise Forgotten
        if faults.at("mute", ordinal):
            await _only_read(frames)
        if faults.at("rewind", ordinal):
            for passed in range(1, ordinal):
                yield earlier(passed)
        if faults.at("skip", ordinal):
            continue
        if faults.at("swap", ordinal):
            held = frame
            continue
        yield frame
        if faults.at("double", ordinal):
            yield frame
        if faults.at("forge", ordinal):
            yield forged(frame)
        if held is not None:
            yield held
            held = None
    if held is not None:
        yield held


async def _only_read(frames: AsyncIterator[Numbered]) -> None:
    """The session goes on, and nobody hears of it."""
    async for _ in frames:
        pass
    await asyncio.Event().wait()
