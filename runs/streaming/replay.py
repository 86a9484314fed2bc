"""A run shown again from its log: the same frames as live, all at once or at the pace they came."""

import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import datetime

import msgspec
import orjson
from django.conf import settings

from runs import bridge
from runs.domain.documents import iso
from runs.domain.replays import TIMED, Replay, pause_ms
from runs.streaming.burst import Burst
from runs.streaming.clock import Clock
from runs.streaming.failure import last_words as words_of_failure
from runs.streaming.frame import Frame
from runs.streaming.log import LogEntry, Page, page_after
from runs.streaming.recording import Recording, last_words
from runs.streaming.tail import LogBroken


class _Stamp(msgspec.Struct):
    """When an event happened, read out of its document without the rest."""

    ts: datetime


_STAMP = msgspec.json.Decoder(_Stamp)

# With what a web process remembers of a key for its streams (2 s) a withdrawn one has closed them within 5 s.
RECHECK_SECONDS = 2.5


def replayed(
    recording: Recording, asked: Replay, clock: Clock, *, recheck: Callable[[], object] | None = None
) -> AsyncGenerator[Burst]:
    """Yield the recording in bursts that may be written at once, then `end`; however long, a page of it is in memory.

    The last frame is `end` or `error`. Without either the viewer may come back with the id of its last event: the
    process stops, or the replay has reached the age of a stream. `recheck` is asked now and then whether the viewer
    may still read; what it raises ends the stream. Close it (contextlib.aclosing) when leaving.
    """
    return _Player(recording, asked, clock, recheck).bursts()


class _Player:
    """One viewer's replay: what it was sent, and when. Times are seconds of its clock."""

    def __init__(self, recording: Recording, asked: Replay, clock: Clock, recheck: Callable[[], object] | None) -> None:
        self._recording = recording
        self._asked = asked
        self._clock = clock
        self._cursor = recording.part.after
        self._happened_at: datetime | None = None  # the event before the next one
        self._sent_at = clock.now()
        # Spread, so that viewers who came together do not all come back together.
        self._closes_at = self._sent_at + settings.STREAM_MAX_AGE_S * random.uniform(0.8, 1.2)  # noqa: S311
        self._recheck = recheck
        self._recheck_at = self._sent_at + RECHECK_SECONDS if recheck else float("inf")
        self._is_over = False

    async def bursts(self) -> AsyncGenerator[Burst]:
        """Everything this viewer is sent, a failure included."""
        try:
            async with contextlib.aclosing(self._shown()) as bursts:
                async for burst in bursts:
                    yield burst
        except Exception as error:
            yield words_of_failure(f"run {self._recording.run_id}, replayed", error)

    async def _shown(self) -> AsyncGenerator[Burst]:
        while self._cursor < self._recording.part.last:
            for pause, burst in self._paced(await self._next_page()):
                due = self._clock.now() + pause
                while await self._falls_silent_before(due):
                    yield Burst([await self._heartbeat()])
                    self._sent_at = self._clock.now()
                if self._is_over:
                    return
                yield burst
                self._sent_at = self._clock.now()
        yield Burst([Frame("end", orjson.dumps(await bridge.rows(last_words, self._recording)))])

    async def _next_page(self) -> Page:
        limit = min(self._recording.part.last - self._cursor, settings.REPLAY_BATCH_SIZE)
        page = await bridge.rows(page_after, self._recording.run_id, self._cursor, limit=limit)
        if not page.entries:
            raise LogBroken(details={"after": self._cursor})
        return page

    def _paced(self, page: Page) -> Iterator[tuple[float, Burst]]:
        """Pauses in seconds and what follows each: the events of the page, together where no pause parts them."""
        pause, burst = 0.0, list[Frame]()
        for entry in page.entries:
            before = self._pause_before(entry)
            if before and burst:
                yield pause, Burst(burst)
                burst = []
            if not burst:
                pause = before
            burst.append(self._frame_of(entry))
        yield pause, Burst(burst)

    def _pause_before(self, entry: LogEntry) -> float:
        """Seconds; the first event waits for nothing."""
        if self._asked.mode != TIMED:
            return 0.0
        earlier, self._happened_at = self._happened_at, _STAMP.decode(entry.document).ts
        if earlier is None:
            return 0.0
        return pause_ms(self._asked, earlier, self._happened_at, longest_ms=settings.REPLAY_MAX_DELAY_MS) / 1000

    def _frame_of(self, entry: LogEntry) -> Frame:
        if entry.seq != self._cursor + 1:
            raise LogBroken(details={"after": self._cursor, "found": entry.seq})
        self._cursor = entry.seq
        return entry.frame

    async def _falls_silent_before(self, due: float) -> bool:
        """True when a heartbeat is due first; False once `due` has come, or this stream `_is_over`."""
        until = min(due, self._sent_at + settings.STREAM_SSE_HEARTBEAT_MS / 1000)
        while not await self._has_come(until):
            continue
        return until < due and not self._is_over

    async def _has_come(self, moment: float) -> bool:
        """True once it is this late or this stream `_is_over`; False if something else was due before."""
        until = min(moment, self._closes_at, self._recheck_at)
        goes_on = await self._clock.wait(max(0.0, until - self._clock.now()))
        self._is_over = not goes_on or self._clock.now() >= self._closes_at
        if self._is_over:
            return True
        if self._recheck is not None and self._clock.now() >= self._recheck_at:
            await bridge.rows(self._recheck)
            self._recheck_at = self._clock.now() + RECHECK_SECONDS
        return until >= moment

    async def _heartbeat(self) -> Frame:
        # A page without events: the database's clock, and a run that was deleted meanwhile is noticed.
        now = await bridge.rows(page_after, self._recording.run_id, self._cursor, limit=0)
        return Frame("heartbeat", orjson.dumps({"ts": iso(now.read_at), "lastSeq": now.last_seq}))
