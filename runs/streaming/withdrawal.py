"""Whether those who watch streams may still do so: asked once for each credential, however many streams it holds open."""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

from runs import bridge
from runs.errors import Forbidden, Unauthenticated

# With what a web process remembers of a key for its streams (2 s) a withdrawn one has closed them within 5 s.
ASK_SECONDS = 2.0

log = logging.getLogger("signalbox.streams")

Told = Callable[[Exception], None]


class Viewer(Protocol):
    """Whoever watches a stream, on a credential that may be withdrawn meanwhile."""

    @property
    def credential(self) -> str:
        """Names what they showed; all who showed the same have the same fate."""
        ...

    def recheck(self) -> None:
        """They may stay. Touches rows. Raises Unauthenticated or Forbidden."""
        ...


class Withdrawals:
    """Of one event loop: who watches, and on what. It asks as long as anybody does."""

    def __init__(self) -> None:
        self._told: dict[str, dict[object, tuple[Viewer, Told]]] = {}
        self._asking: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watched(self, viewer: Viewer, told: Told) -> Iterator[None]:
        """Inside, `told` is called with the refusal once the viewer may not stay."""
        name, holders = object(), self._told.setdefault(viewer.credential, {})
        holders[name] = viewer, told
        if self._asking is None or self._asking.cancelling() or self._asking.done():
            self._asking = asyncio.create_task(self._ask_again_and_again())
        try:
            yield
        finally:
            del holders[name]
            if not holders and self._told.get(viewer.credential) is holders:
                del self._told[viewer.credential]
            if not self._told:
                self._asking.cancel()

    async def _ask_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(ASK_SECONDS)
            for credential in tuple(self._told):
                await self._ask(credential)

    async def _ask(self, credential: str) -> None:
        for viewer, _ in tuple(self._told.get(credential, {}).values())[:1]:
            try:
                await bridge.rows(viewer.recheck)
            except (Unauthenticated, Forbidden) as refusal:
                for _, told in tuple(self._told.get(credential, {}).values()):
                    told(refusal)
            except Exception as error:  # the next time it is asked again
                log.warning("whether a viewer may stay could not be asked: %s", error)


_OF_LOOP: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Withdrawals] = weakref.WeakKeyDictionary()


def withdrawals() -> Withdrawals:
    """Those of this event loop."""
    return _OF_LOOP.setdefault(asyncio.get_running_loop(), Withdrawals())
