"""The watch of all sessions: that it stands is told when the runtime has taken it, and how it ended when it broke."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from runs.domain.events import Observation, StreamStatus
from runs.errors import RuntimeTimedOut, RuntimeUnavailable, RuntimeUnsupported
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from tests.integration.runtimes.conftest import Connect, StartStandIn, stand_in_settings
from tests.runtime_process import free_port

PATIENCE = 20.0


def watch(runtime: MacpRuntime) -> AsyncGenerator[Observation]:
    return cast(AsyncGenerator[Observation], runtime.sessions())


async def test_a_runtime_without_the_watch_says_so_before_anything_stands(
    start_stand_in: StartStandIn, connect: Connect
) -> None:
    runtime = connect(stand_in_settings(start_stand_in("--without", "WatchSessions")))

    with pytest.raises(RuntimeUnsupported):
        await anext(watch(runtime))


async def test_a_runtime_that_is_away_is_unavailable_before_anything_stands(connect: Connect) -> None:
    runtime = connect(MacpSettings(address=f"127.0.0.1:{free_port()}", allow_insecure=True))

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(RuntimeUnavailable):
            await anext(watch(runtime))


async def test_a_runtime_that_answers_nothing_is_not_waited_for_for_ever(
    start_stand_in: StartStandIn, connect: Connect
) -> None:
    stand_in = start_stand_in()
    runtime = connect(stand_in_settings(stand_in, request_timeout=0.3))
    await runtime.initialize()
    stand_in.freeze()
    try:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(RuntimeTimedOut):
                await anext(watch(runtime))
    finally:
        stand_in.thaw()


async def test_a_watch_that_stands_breaks_with_its_runtime(start_stand_in: StartStandIn, connect: Connect) -> None:
    stand_in = start_stand_in()
    watching = watch(connect(stand_in_settings(stand_in)))
    async with asyncio.timeout(PATIENCE):
        assert isinstance((await anext(watching)).body, StreamStatus)
        stand_in.child.kill()
        with pytest.raises(RuntimeUnavailable):
            await anext(watching)
