"""What a stream consists of, whatever carries it: snapshot, canonical_event, heartbeat, end, error."""

import time
from collections.abc import AsyncGenerator
from uuid import UUID

import orjson

from runs.domain.documents import iso
from runs.shutdown import Shutdown
from runs.streaming.burst import Burst
from runs.streaming.failure import last_words
from runs.streaming.feed import Reader, reading
from runs.streaming.frame import Frame
from runs.streaming.lifetime import Lifetime
from runs.streaming.standing import Snapshot, Standing
from runs.streaming.subscription import Subscription
from runs.streaming.withdrawal import Viewer

# What another subscriber was shown within this part of the interval will do: one reading serves a crowd.
SHARED_PART = 0.25
ANY_AGE = float("inf")  # nothing follows an ending
CROWD_SECONDS = 0.1  # those who come at once share their first snapshot


def frames(
    run_id: UUID,
    subscription: Subscription,
    standing: Standing,
    *,
    shutdown: Shutdown | None = None,
    viewer: Viewer | None = None,
) -> AsyncGenerator[Burst]:
    """Yield what one subscriber is to be sent, in bursts that may be written at once; never an empty one.

    The last frame is `end` (the run has ended) or `error`. Without either the subscriber may come back with the id of
    its last event: the process stops, or the stream has reached its age. Whether the `viewer` may still read is
    asked again and again; the refusal ends the stream. Close it (contextlib.aclosing) when leaving.
    """
    return _Stream(run_id, subscription, standing, viewer).bursts(shutdown)


class _Stream:
    """One subscriber's stream: what it was sent, and what is due next. Times are seconds of the monotonic clock."""

    def __init__(self, run_id: UUID, subscription: Subscription, standing: Standing, viewer: Viewer | None) -> None:
        self._run_id = run_id
        self._subscription = subscription
        self._standing = standing
        self._lifetime = Lifetime(viewer)
        self._sent_at = time.monotonic()
        self._snapshot_seq = 0  # of the last one sent
        self._snapshot_due_at = 0.0
        self._held: Snapshot | None = None  # read, but ahead of what was sent

    async def bursts(self, shutdown: Shutdown | None) -> AsyncGenerator[Burst]:
        # One generator, however it fails: each one more would be a step more for every event of every subscriber.
        try:
            async with reading(self._run_id, self._standing.last_seq) as reader:
                if self._subscription.include_snapshot:
                    yield Burst([await self._first_snapshot(reader)])
                if self._subscription.after is not None:
                    reader.cursor = self._subscription.after
                with self._lifetime.within(shutdown, wake=reader.wake):
                    while not (reader.has_ended or self._lifetime.is_over):
                        if burst := await self._next(reader):
                            yield burst
                            self._sent_at = time.monotonic()
                        self._lifetime.check()
                    if reader.has_ended:
                        yield await self._farewell(reader)
        except Exception as error:
            yield last_words(f"run {self._run_id}", error)

    async def _first_snapshot(self, reader: Reader) -> Frame:
        first = await reader.snapshot(at_least=self._standing.last_seq, age_s=CROWD_SECONDS)
        reader.cursor = first.seq
        return self._show(first)

    async def _next(self, reader: Reader) -> Burst:
        burst = (await reader.next_page(self._patience(reader))).burst
        if (snapshot := await self._snapshot_if_due(reader)) is not None:
            return Burst([*burst, snapshot])
        if not burst and not reader.has_ended and time.monotonic() >= self._heartbeat_at:
            return Burst([_heartbeat(reader)])
        return burst

    async def _farewell(self, reader: Reader) -> Burst:
        frames: list[Frame] = []
        if self._wants_later_snapshots and reader.cursor > self._snapshot_seq:
            frames.append(self._show(await reader.snapshot(at_least=reader.last_seq, age_s=ANY_AGE)))
        return Burst([*frames, await reader.end()])

    async def _snapshot_if_due(self, reader: Reader) -> Frame | None:
        if reader.has_ended:  # the last one comes with the farewell
            return None
        if self._held is None and self._has_moved(reader) and time.monotonic() >= self._snapshot_due_at:
            age_s = self._subscription.snapshot_ms / 1000 * SHARED_PART
            self._held = await reader.snapshot(at_least=self._snapshot_seq + 1, age_s=age_s)
        # The state may be ahead of the page just read. Clients resume from the position of a snapshot, so it has to
        # wait for its events; those are committed, and their nudge is on its way.
        if self._held is None or self._held.seq > reader.cursor:
            return None
        return self._show(self._held)

    def _show(self, snapshot: Snapshot) -> Frame:
        self._held = None
        self._snapshot_seq = max(self._snapshot_seq, snapshot.seq)
        self._snapshot_due_at = time.monotonic() + self._subscription.snapshot_ms / 1000
        return snapshot.frame

    def _has_moved(self, reader: Reader) -> bool:
        # One that is behind gets a snapshot when it has caught up: until then each would be of another position.
        return self._wants_later_snapshots and reader.is_current and reader.cursor > self._snapshot_seq

    @property
    def _wants_later_snapshots(self) -> bool:
        return self._subscription.include_snapshot and self._subscription.snapshot_ms > 0

    @property
    def _heartbeat_at(self) -> float:
        return self._sent_at + self._subscription.heartbeat_ms / 1000

    def _patience(self, reader: Reader) -> float:
        due = min(self._lifetime.due, self._heartbeat_at)
        if self._held is None and self._has_moved(reader):
            due = min(due, self._snapshot_due_at)
        return due - time.monotonic()


def _heartbeat(reader: Reader) -> Frame:
    assert reader.read_at is not None, "a heartbeat follows a read"
    return Frame("heartbeat", orjson.dumps({"ts": iso(reader.read_at), "lastSeq": reader.last_seq}))
