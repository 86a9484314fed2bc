"""Reading a runtime's stream in tests: as many as wanted, or all that is there without waiting."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import cast

from runs.domain.events import Envelope, Observation, ObservationKind, SessionSnapshot, SessionState

PATIENCE = 5.0  # seconds until a stream that should speak is called broken


async def anext_said(stream: AsyncIterator[Observation]) -> Observation:
    """The next thing the session says; how the subscription stands is passed over."""
    while (observation := await anext(stream)).kind is ObservationKind.STREAM_STATUS:
        pass
    return observation


async def take_every(stream: AsyncIterator[Observation], count: int) -> list[Observation]:
    """The next `count` observations, how the subscription stands included; the stream stays usable."""
    async with asyncio.timeout(PATIENCE):
        return [await anext(stream) for _ in range(count)]


async def take(stream: AsyncIterator[Observation], count: int) -> list[Observation]:
    """The next `count` observations; the stream stays usable."""
    async with asyncio.timeout(PATIENCE):
        return [await anext_said(stream) for _ in range(count)]


async def take_envelopes(stream: AsyncIterator[Observation], count: int) -> list[Observation]:
    """The next observations up to and with the `count`-th session envelope; the stream stays usable."""
    taken: list[Observation] = []
    async with asyncio.timeout(PATIENCE):
        while len(envelopes(taken)) < count:
            taken.append(await anext(stream))
    return taken


async def read_every_until(
    stream: AsyncIterator[Observation], enough: Callable[[Observation], bool]
) -> list[Observation]:
    """Everything, how the subscription stands included, up to and with the first that is `enough`; the stream is closed."""
    taken: list[Observation] = []
    async with asyncio.timeout(PATIENCE), aclosing(cast(AsyncGenerator[Observation], stream)):
        async for observation in stream:
            taken.append(observation)
            if enough(observation):
                return taken
    raise AssertionError("the stream ended by itself")


async def read_until(stream: AsyncIterator[Observation], enough: Callable[[Observation], bool]) -> list[Observation]:
    """Everything the session says up to and with the first observation that is `enough`; the stream is closed."""
    heard = await read_every_until(stream, enough)
    return [observation for observation in heard if observation.kind is not ObservationKind.STREAM_STATUS]


async def read_ready(stream: AsyncIterator[Observation]) -> list[Observation]:
    """Everything an unpaced scripted stream says without anything happening to it; the stream is closed.

    Such a stream waits for nothing but a change, so a few turns of the loop show that it has become quiet.
    """
    taken: list[Observation] = []

    async def read() -> None:
        async for observation in stream:
            if observation.kind is not ObservationKind.STREAM_STATUS:
                taken.append(observation)

    reader = asyncio.create_task(read())
    seen = -1
    while seen != len(taken):
        seen = len(taken)
        for _ in range(4):
            await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait({reader})
    return taken


def envelopes(observations: list[Observation]) -> list[Observation]:
    """Those from the session stream, which alone move the cursor."""
    return [one for one in observations if one.kind is ObservationKind.ENVELOPE]


def types(observations: list[Observation]) -> list[str]:
    """The message types among them, in order."""
    return [one.body.message_type for one in observations if isinstance(one.body, Envelope)]


def states(observations: list[Observation]) -> list[SessionState]:
    """The states they tell, in order."""
    return [one.body.state for one in observations if isinstance(one.body, SessionSnapshot)]


def is_lifecycle(observation: Observation) -> bool:
    """True for what tells a change of the session's state."""
    return observation.kind is ObservationKind.LIFECYCLE
