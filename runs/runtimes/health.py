"""Is a runtime there? Asked past its breaker, which a probe neither feeds nor obeys; an answer may be some seconds old."""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from runs.errors import RuntimeFault, RuntimeRejected, RuntimeUnsupported
from runs.runtimes.offer import Manifest
from runs.runtimes.port import Runtime

log = logging.getLogger(__name__)

REMEMBER_S = 5.0
PATIENCE_S = 2.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the runtime of a kind answered, how it introduced itself, or what was wrong, in words anybody may read."""

    ok: bool
    kind: str
    manifest: Manifest | None = None
    detail: str = ""


class HealthChecks:
    """The latest answer of each kind; whoever asks meanwhile waits for the same one. Belongs to one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[str, tuple[float, asyncio.Task[Health]]] = {}

    async def of(self, kind: str, runtime: Callable[[], Runtime]) -> Health:
        """What was found out at most REMEMBER_S ago. `runtime` is opened for it if need be."""
        known = self._asked.get(kind)
        if known is None or self._clock() - known[0] >= REMEMBER_S:
            known = self._asked[kind] = self._clock(), asyncio.create_task(_find_out(kind, runtime))
        return await asyncio.shield(known[1])


async def _find_out(kind: str, runtime: Callable[[], Runtime]) -> Health:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return Health(ok=True, kind=kind, manifest=await runtime().offer.manifest())
    except RuntimeUnsupported:
        return Health(ok=True, kind=kind)  # it answered, and has nothing to introduce itself with
    except RuntimeFault as fault:
        log.info("the runtime %s is not well: %s", kind, fault)
        return Health(ok=False, kind=kind, detail=_in_public(fault))
    except TimeoutError:
        return Health(ok=False, kind=kind, detail=f"no answer within {PATIENCE_S:g} s")
    except Exception as error:
        log.exception("the runtime %s could not be asked", kind)  # whoever asks for its health gets an answer
        return Health(ok=False, kind=kind, detail=f"it could not be asked: {type(error).__name__}")


def _in_public(fault: RuntimeFault) -> str:
    """What gRPC says names addresses, and some who ask are unknown to us."""
    if isinstance(fault, RuntimeRejected):
        return f"the runtime refused: {fault.runtime_code}"
    return type(fault)().message if fault.runtime_code else fault.message
