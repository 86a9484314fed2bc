"""The frames of a run's stream, encoded as AG-UI events over server-sent events."""

import contextlib
import logging
from collections.abc import AsyncGenerator
from uuid import UUID

import orjson
from django.db import InterfaceError, OperationalError

from runs import bridge
from runs.domain.agui.translation import ending, translate
from runs.domain.events import ENDING_TYPES, JsonObject
from runs.errors import ControlPlaneError
from runs.streaming.agui.beginning import Beginning, beginning, state_snapshot
from runs.streaming.burst import Burst
from runs.streaming.frame import Frame

log = logging.getLogger("signalbox.streaming")

KEEP_ALIVE = b": keep-alive\n\n"


async def encoded(run_id: UUID, project_id: UUID, bursts: AsyncGenerator[Burst]) -> AsyncGenerator[bytes]:
    """Yield the stream: `bursts` are its frames, of which a snapshot is the first, and then events from there on.

    It ends without RUN_FINISHED or RUN_ERROR where the frames end without `end`: the run goes on, or nobody knows.
    """
    try:
        async with contextlib.aclosing(_chunks(run_id, project_id, bursts)) as chunks:
            async for chunk in chunks:
                yield chunk
    except ControlPlaneError as error:
        yield _broken_off(error.code)
    except (OperationalError, InterfaceError):
        log.warning("AG-UI stream of run %s: the database cannot be reached", run_id)
        yield _broken_off("SERVICE_UNAVAILABLE")
    except Exception:
        log.exception("AG-UI stream of run %s failed", run_id)
        yield _broken_off("INTERNAL_ERROR")


async def _chunks(run_id: UUID, project_id: UUID, bursts: AsyncGenerator[Burst]) -> AsyncGenerator[bytes]:
    told: Beginning | None = None
    async with contextlib.aclosing(bursts):
        async for burst in bursts:
            said = []
            for frame in burst:
                if told is None and frame.event == "snapshot":
                    told = await bridge.rows(beginning, run_id, project_id, frame.data)
                    said.append(written(told.events, None if told.has_ended else told.seq))
                else:
                    said.append(_encode(frame, told))
            yield b"".join(said)


def _encode(frame: Frame, told: Beginning | None) -> bytes:
    if frame.event == "error":
        return _broken_off(orjson.loads(frame.data)["errorCode"])
    assert told is not None, "frames begin with a snapshot"
    match frame.event:
        case "canonical_event":
            document = orjson.loads(frame.data)
            # The id of the ending is that of the last event of all.
            seq = None if document["type"] in ENDING_TYPES else frame.id
            return written(translate(document, told.opened), seq)
        case "snapshot":
            return written([state_snapshot(frame.data)], None)
        case "end":
            end = orjson.loads(frame.data)
            return written(ending(end, told.opened, thread_id=told.thread_id), end["seq"])
    return KEEP_ALIVE


def _broken_off(code: str) -> bytes:
    # Not RUN_ERROR: it is the stream that has failed, not the run. Readers come back with their cursor.
    return b": %s\n\n" % code.encode()


def written(events: list[JsonObject], seq: int | None) -> bytes:
    """The events, one a frame; only the last one has the number, so that nobody comes back in the middle of one."""
    frames = [_frame(event) for event in events]
    if seq:
        frames[-1] = b"id: %d\n%s" % (seq, frames[-1])
    return b"".join(frames)


def _frame(event: JsonObject) -> bytes:
    # Outside a JSON string a line break is just white space; left as it is, it would end the frame.
    return b"data: %s\n\n" % b" ".join(orjson.dumps(event).splitlines())
