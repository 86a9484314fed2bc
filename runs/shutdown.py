"""The end of this process, announced: what streams wait for so that they end politely before they are cut off."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

SCOPE_KEY = "signalbox.shutdown"


class Shutdown:
    """A flag of one process that can only go up; belongs to the thread of the event loop."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def is_begun(self) -> bool:
        """True once the process has been asked to end."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Everybody who waits has been woken; a second call changes nothing."""
        self._begun.set()

    async def wait(self) -> None:
        """Returns when the process has been asked to end."""
        await self._begun.wait()


def shutdown_of_request(request: object) -> Shutdown:
    """The same for a request of Django's."""
    return shutdown_of(getattr(request, "scope", {}))


def shutdown_of(scope: MutableMapping[str, Any]) -> Shutdown:
    """The flag a server put into the ASGI scope; under a server that puts none, one that never goes up."""
    found = scope.get(SCOPE_KEY)
    return found if isinstance(found, Shutdown) else Shutdown()
