"""A runtime whose offer a test writes down, found by its dotted path; and the calls of this process, begun anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pytest_django.fixtures import Settings

from runs.domain.events import Observation
from runs.errors import RuntimeRejected
from runs.runtimes import calls
from runs.runtimes.offer import Manifest, Mode, Policy, Root
from runs.runtimes.scripted import ScriptedRuntime
from tests.processes import wait_until

KIND = "offering"
MANIFEST = Manifest(agent_id="the-runtime", title="The runtime", supported_modes=("a.mode",), metadata={"k": "v"})


class Shelf:
    """What is offered; with a `fault` every question ends in it. `asked` counts the questions."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.fault: BaseException | None = None
        self.asked = 0
        self.known: dict[str, Policy] = {}

    def _answer(self) -> None:
        self.asked += 1
        if self.fault is not None:
            raise self.fault

    async def manifest(self) -> Manifest:
        self._answer()
        return MANIFEST

    async def modes(self) -> tuple[Mode, ...]:
        self._answer()
        return (
            Mode(name="a.mode", version="1.0.0", title="A", message_types=("Say", "End")),
            Mode(name="b.mode", version="2", terminal_message_types=("End",), schema_uris={"json": "urn:b"}),
        )

    async def roots(self) -> tuple[Root, ...]:
        self._answer()
        return (Root(uri="file:///a", name="files"), Root(uri="file:///b"))

    async def policies(self, mode: str) -> tuple[Policy, ...]:
        self._answer()
        return tuple(policy for policy in self.known.values() if not mode or policy.mode in ("*", mode))

    async def policy(self, policy_id: str) -> Policy | None:
        self._answer()
        return self.known.get(policy_id)

    async def register_policy(self, policy: Policy) -> None:
        self._answer()
        if policy.id in self.known:
            raise RuntimeRejected("it is registered already", runtime_code="FAILED_PRECONDITION")
        self.known[policy.id] = policy

    async def unregister_policy(self, policy_id: str) -> bool:
        self._answer()
        return self.known.pop(policy_id, None) is not None


SHELF = Shelf()


class OfferingRuntime(ScriptedRuntime):
    """The adapter of the shelf."""

    source_name = "offering-runtime"
    offer = SHELF  # type: ignore[assignment]

    async def sessions(self) -> AsyncIterator[Observation]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]


@pytest.fixture
def shelf(settings: Settings) -> Iterator[Shelf]:
    """The shelf, empty; its runtime is the one that is asked unless a caller names another."""
    settings.RUNTIME_ADAPTERS = {**settings.RUNTIME_ADAPTERS, KIND: "tests.offering.OfferingRuntime"}
    settings.RUNTIME_KIND = KIND
    SHELF.clear()
    with fresh_calls():
        yield SHELF
    SHELF.clear()


class fresh_calls:
    """Inside, this process has no runtime open yet; what is opened is closed, and forgotten, afterwards."""

    def __enter__(self) -> None:
        _forget_calls()

    def __exit__(self, *details: object) -> None:
        _forget_calls()


def _forget_calls() -> None:
    if not calls._calls.cache_info().currsize:
        return
    mine = calls._calls()
    calls._calls.cache_clear()

    async def close() -> None:
        await mine.breakers.close()
        await mine.runtimes.close()

    mine.loop.ask(close(), timeout=5)
    # The loop of a process lasts as long as the process; those of many tests would use its file descriptors up.
    loop = mine.loop._loop
    loop.call_soon_threadsafe(loop.stop)
    wait_until(lambda: not loop.is_running(), within_s=5, what="the end of the loop")
    loop.close()
