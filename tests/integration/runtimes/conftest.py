"""The runtimes these tests talk to: the stand-in with its faults, and the real one where its binary is found."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.port import SessionPlan
from tests.plans import a_plan
from tests.real_runtime import REQUIRED, RealRuntime, binary
from tests.runtime_process import StandInRuntime

StartStandIn = Callable[..., StandInRuntime]
Connect = Callable[[MacpSettings], MacpRuntime]


@pytest.fixture
def new_plan() -> Callable[..., SessionPlan]:
    """A plan of a new run and session, with changes."""

    def plan(**changes: object) -> SessionPlan:
        return a_plan(**{"run_id": str(uuid4()), "session_id": str(uuid4()), **changes})

    return plan


@pytest.fixture
def start_stand_in() -> Iterator[StartStandIn]:
    """Starts stand-ins with their own command line; all are gone afterwards."""
    started: list[StandInRuntime] = []

    def start(*options: str) -> StandInRuntime:
        started.append(StandInRuntime(*options))
        return started[-1]

    yield start
    for runtime in started:
        runtime.child.kill()


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens adapters; all are closed afterwards."""
    async with AsyncExitStack() as opened:

        def open_one(settings: MacpSettings) -> MacpRuntime:
            runtime = MacpRuntime(settings)
            opened.push_async_callback(runtime.close)
            return runtime

        yield open_one


def stand_in_settings(runtime: StandInRuntime, **changes: object) -> MacpSettings:
    """How the adapter reaches a stand-in."""
    chosen: dict[str, object] = {
        "address": runtime.address,
        "allow_insecure": True,
        "dev_senders": True,
        "backoff_base": 0.05,
        "request_timeout": 5.0,
    }
    return MacpSettings(**(chosen | changes))  # type: ignore[arg-type]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a binary the tests of the real runtime say why they are skipped, or fail where one is required."""
    if binary() is not None or REQUIRED:
        return
    reason = "no macp-runtime binary: set MACP_RUNTIME_BIN or put it into PATH (REQUIRE_MACP_RUNTIME=1 makes this fail)"
    for item in items:
        if item.get_closest_marker("macp_runtime"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest_asyncio.fixture
async def real_runtime() -> AsyncIterator[RealRuntime]:
    """A development runtime in memory."""
    runtime = RealRuntime()
    await runtime.start()
    yield runtime
    runtime.kill()


@pytest_asyncio.fixture
async def lasting_runtime(tmp_path: Path) -> AsyncIterator[RealRuntime]:
    """A development runtime whose sessions survive it."""
    runtime = RealRuntime(data=tmp_path / "macp-data")
    await runtime.start()
    yield runtime
    runtime.kill()
