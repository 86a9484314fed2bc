"""The rest: what a session that is over still has to say. What its runtime can replay is never missing from the log."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from uuid import UUID

from runs.bridge import rows
from runs.domain.events import JsonObject, Observation, ObservationKind
from runs.errors import RuntimeFault, RuntimeUnavailable, SessionNotFound
from runs.queries import unreadable_frames
from runs.recorder import record
from runs.runtimes.port import Session

log = logging.getLogger("signalbox.ending")

SILENCE_SECONDS = 2.0
BATCH = 256
UNTOLD = 1_000_000_000


async def record_rest(
    run_id: UUID, session: Session, *, cursor: int, expected: int | None, epoch: int | None
) -> JsonObject | None:
    """Everything up to envelope `expected` that can be replayed is recorded; returns what is missing, or None.

    `expected` counts SessionStart; None where the runtime does not say: then whatever it replays until it falls silent.
    Raises RunEnded or Fenced like every writer.
    """
    reason = "compacted"
    if expected is None or cursor < expected:
        enough = UNTOLD if expected is None else expected - cursor
        try:
            async with contextlib.aclosing(batches(session, cursor, enough=enough)) as heard:
                async for batch in heard:
                    cursor = (await rows(record, run_id, batch, epoch=epoch)).cursor
        except SessionNotFound:
            reason = "evicted"
        except RuntimeFault as fault:
            log.info("run %s: the rest of its session cannot be read: %s", run_id, fault)
    if expected is None:
        return {"afterOrdinal": cursor, "reason": reason} if reason == "evicted" else None
    if cursor >= expected or cursor + await rows(unreadable_frames, run_id) >= expected:
        return None
    return {"afterOrdinal": cursor, "reason": reason}


async def batches(session: Session, after: int, *, enough: int) -> AsyncGenerator[list[Observation]]:
    """What the session says after `after`, until `enough` envelopes have come, or silence, or the end of its stream.

    States of the session are left out: whoever reads the rest knows how it ended. Raises RuntimeFault when it breaks,
    after everything that came before.
    """
    batch: list[Observation] = []
    if enough <= 0:
        return
    async with contextlib.aclosing(session.observe(after)) as stream:  # type: ignore[type-var]
        while enough > 0:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    one = await anext(stream)
            except (TimeoutError, StopAsyncIteration):
                break
            except Exception as error:
                if batch:
                    yield batch
                raise _fault(error) from error
            if one.kind in _STATES:
                continue
            batch.append(one)
            enough -= one.kind == ObservationKind.ENVELOPE
            if len(batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _fault(error: Exception) -> RuntimeFault:
    """What broke a stream, as a fault of its runtime: not even a defect of ours may keep a run from its ending."""
    if isinstance(error, RuntimeFault):
        return error
    log.exception("the rest of a session could not be read")
    return RuntimeUnavailable(f"internal error: {type(error).__name__}")


_STATES = frozenset({ObservationKind.SNAPSHOT, ObservationKind.LIFECYCLE, ObservationKind.STREAM_STATUS})
