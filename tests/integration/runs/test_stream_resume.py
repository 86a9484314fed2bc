"""A viewer is cut off after any frame and comes back at the greatest position it knew: there is never a hole (I9, I10).

Whatever becomes of nudges (S02), while the run grows (S01), when it ends during the back-fill (S04) or right then (S05).
"""

import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from uuid import UUID

import orjson
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs import hub
from runs.bridge import rows
from runs.models import Run
from runs.shutdown import Shutdown
from runs.streaming import feed, log, snapshots, tail, window
from runs.streaming.frames import frames
from runs.streaming.log import page_after
from runs.streaming.standing import Snapshot, snapshot_of, standing_of
from runs.streaming.subscription import Subscription
from runs.streaming.tails import tails_of_this_loop
from tests.integration.runs.conftest import append, end, store_run

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20
PAGE = 3  # so short that every back-fill takes several
WINDOW = 2  # so small that whoever pauses falls out of it


class Wire:
    """Carries nudges as badly as it is told to; it may lose, double and hold back any of them, and make some up."""

    def __init__(self) -> None:
        self._waiting: set[hub.Nudges] = set()
        self._held = 0

    @contextlib.asynccontextmanager
    async def subscribe(self, run_id: UUID) -> AsyncIterator[hub.Nudges]:
        nudges = hub.Nudges()
        self._waiting.add(nudges)
        yield nudges
        self._waiting.discard(nudges)

    def carry(self, fate: str) -> None:
        """One nudge is on its way, or was."""
        self._held += fate == "held back"
        times = {"lost": 0, "held back": 0, "carried": 1, "doubled": 2, "out of order": self._held + 1}[fate]
        for _ in range(times):
            for nudges in self._waiting:
                nudges.wake()


class Client:
    """An event source as browsers and consoles are: it knows what it was sent, and comes back with the greatest position."""

    def __init__(self, run: Run, *, shows_snapshots: bool, after: int | None) -> None:
        self._run = run
        self._shows_snapshots = shows_snapshots
        self.position = after  # the greatest it knows, None before it was sent anything
        self.begun_at: int | None = after
        self.events: dict[int, bytes] = {}
        self.covered: list[int] = []  # positions of first snapshots: everything up to there is in them
        self.has_ended = False
        self._stream: AsyncGenerator[bytes] | None = None
        self._arriving: asyncio.Task[bytes | None] | None = None
        self._text = b""
        self._last = 0  # the position within this connection
        self._is_first = True
        self._stop = Shutdown()

    async def next(self, timeout: float | None = None) -> str:
        """The name of the next frame; `none` if none came in time or none will ever come, `closed` if the server left.

        Connects where there is no connection.
        """
        if self._stream is None and not await self._connects():
            return "none"
        assert self._stream is not None
        while b"\n\n" not in self._text:
            self._arriving = self._arriving or asyncio.create_task(anext(self._stream, None))  # type: ignore[arg-type]
            await asyncio.wait({self._arriving}, timeout=timeout)
            if not self._arriving.done():
                return "none"
            chunk, self._arriving = self._arriving.result(), None
            if chunk is None:
                await self.is_cut_off()
                return "closed"
            self._text += chunk
        frame, _, self._text = self._text.partition(b"\n\n")
        return self._takes(dict(line.split(b": ", 1) for line in frame.split(b"\n")))

    async def _connects(self) -> bool:
        """False where whoever has this position is told to stop (204)."""
        standing = await rows(standing_of, self._run.id)
        if standing.has_nothing_after(self.position):
            self.has_ended = True
            return False
        subscription = Subscription(
            after=self.position, include_snapshot=self._shows_snapshots, heartbeat_ms=1_000, snapshot_ms=1
        )
        if self.position is None:
            self._last = standing.last_seq
            self.begun_at = None if self._shows_snapshots else standing.last_seq
        else:
            self._last = self.position
        self._is_first, self._stop = True, Shutdown()
        self._stream = _encoded(frames(self._run.id, subscription, standing, shutdown=self._stop))
        return True

    async def is_cut_off(self) -> None:
        """The connection is gone, in the middle of whatever was on its way."""
        if self._arriving is not None:
            self._arriving.cancel()
            await asyncio.wait({self._arriving})
        if self._stream is not None:
            await self._stream.aclose()
        self._stream, self._arriving, self._text = None, None, b""

    async def server_stops(self) -> None:
        """The server closes the connection in peace, for it is to be restarted."""
        self._stop.begin()
        while self._stream is not None and not self.has_ended:
            await self.next()

    def _takes(self, fields: dict[bytes, bytes]) -> str:
        name, data = fields[b"event"].decode(), orjson.loads(fields[b"data"])
        match name:
            case "canonical_event":
                self._takes_event(int(fields[b"id"]), fields[b"data"])
            case "snapshot":
                self._takes_snapshot(data["timeline"]["latestSeq"])
            case "end":
                assert data["seq"] == self._last
                self.has_ended = True
            case _:
                assert name == "heartbeat", data
        self._is_first = False
        return name

    def _takes_event(self, seq: int, document: bytes) -> None:
        assert seq == self._last + 1, f"a hole, or a repeat: {seq} after {self._last}"
        assert self.events.setdefault(seq, document) == document
        self._last = seq
        self.position = max(self.position or 0, seq)

    def _takes_snapshot(self, seq: int) -> None:
        if self._is_first:
            self.covered.append(seq)
            if self.position is None:
                self._last = self.begun_at = seq
        else:
            assert seq <= self._last, "a snapshot follows the events it contains"
        self.position = max(self.position or 0, seq)

    def assert_no_hole(self, whole: dict[int, bytes]) -> None:
        """Of the whole log it was sent every event since it began, or a state that contains it; each as it is stored."""
        assert self.begun_at is not None
        unseen = [seq for seq in whole if seq > self.begun_at and seq not in self.events]
        assert all(seq <= max(self.covered, default=0) for seq in unseen)
        if not self._shows_snapshots:
            assert not unseen
        assert all(whole[seq] == document for seq, document in self.events.items())


async def _encoded(bursts: AsyncGenerator[list]) -> AsyncGenerator[bytes]:  # type: ignore[type-arg]
    async with contextlib.aclosing(bursts):
        async for burst in bursts:
            yield b"".join(frame.sse for frame in burst)


nudge_fates = st.sampled_from(["carried", "lost", "doubled", "held back", "out of order"])
viewers = st.integers(0, 1)  # which of the two does it
steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4), nudge_fates, viewers),
    st.tuples(st.just("append in between"), st.integers(1, 4), nudge_fates, viewers),
    st.tuples(st.just("append"), st.just(3 * PAGE + 1), nudge_fates, viewers),
    st.tuples(st.just("read"), st.integers(1, 6), nudge_fates, viewers),
    st.tuples(st.just("read"), st.integers(1, 6), nudge_fates, viewers),
    st.tuples(st.just("cut off"), st.integers(0, 2), nudge_fates, viewers),
    st.tuples(st.just("restart"), st.integers(0, 2), nudge_fates, viewers),
    st.tuples(st.just("end"), st.integers(0, 2), nudge_fates, viewers),
)


@settings(max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    story=st.lists(steps, max_size=20),
    before=st.integers(0, 5),
    after=st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)),
    shows_snapshots=st.tuples(st.booleans(), st.booleans()),
)
def test_viewers_cut_off_anywhere_come_back_to_every_event_s01_s02_s04_c08(
    story: list[tuple[str, int, str, int]],
    before: int,
    after: tuple[int | None, int | None],
    shows_snapshots: tuple[bool, bool],
) -> None:
    wire = Wire()
    with pytest.MonkeyPatch.context() as patch, override_settings(STREAM_POLL_MS=10, STREAM_COALESCE_MS=0):
        patch.setattr(tail.hub, "subscribe", wire.subscribe)
        patch.setattr(tail, "page_after", functools.partial(page_after, limit=PAGE))
        patch.setattr(window, "WINDOW_EVENTS", WINDOW)
        run = store_run()
        if before:
            append(run, before)
        clients = [
            Client(run, shows_snapshots=shows, after=None if cursor is None else min(cursor, before))
            for shows, cursor in zip(shows_snapshots, after, strict=True)
        ]
        asyncio.run(_play(run, clients, wire, story))
    whole = {entry.seq: entry.document for entry in _whole_log(run)}
    for client in clients:
        client.assert_no_hole(whole)
    run.delete()


async def _play(run: Run, clients: list[Client], wire: Wire, story: list[tuple[str, int, str, int]]) -> None:
    has_ended = False
    async with asyncio.timeout(PATIENCE):
        for what, count, fate, viewer in story:
            client = clients[viewer]
            match what:
                case "append" if not has_ended:
                    await rows(append, run, count)
                    wire.carry(fate)
                case "append in between" if not has_ended:
                    reading = asyncio.create_task(_reads(client, 2, timeout=0.03))
                    await rows(append, run, count)
                    wire.carry(fate)
                    await reading
                case "read":
                    await _reads(client, count, timeout=0.002)
                case "cut off":
                    await client.is_cut_off()
                case "restart":
                    await client.server_stops()
                case "end" if not has_ended:
                    has_ended = True
                    reading = asyncio.create_task(_reads(client, 2, timeout=0.03))
                    await rows(end, run)
                    wire.carry(fate)
                    await reading
        if not has_ended:
            await rows(end, run)
        for client in clients:
            await _watches_to_the_end(client)
        assert not len(tails_of_this_loop())
        assert tails_of_this_loop().budget.held == 0


async def _watches_to_the_end(client: Client) -> None:
    while not client.has_ended:
        await client.next()
    await client.is_cut_off()
    if client.position is not None:
        assert await client.next() == "none"  # it knows everything there will ever be, and is told to stop


async def _reads(client: Client, frames: int, *, timeout: float) -> None:
    for _ in range(frames):
        if client.has_ended or await client.next(timeout) == "none":
            return


def _whole_log(run: Run) -> Iterator[log.LogEntry]:
    after = 0
    while entries := page_after(run.id, after).entries:
        yield from entries
        after = entries[-1].seq


def test_every_cursor_of_a_growing_run_is_a_place_to_come_back_to_s01() -> None:
    whole, more = 10_000, 150
    run = store_run()
    append(run, whole)
    chance = random.Random(1)
    edges = {0, 1, log.PAGE_EVENTS - 1, log.PAGE_EVENTS, whole - 1, whole, whole - window.WINDOW_EVENTS}
    # So near the end that each follows the growing log through the window that all of them share; and any others.
    cursors = sorted(
        edges | {whole - chance.randrange(600) for _ in range(60)} | {chance.randrange(whole) for _ in range(6)}
    )

    async def follows_from(cursor: int) -> list[int]:
        return [entry.seq async for entry in feed.follow(run.id, cursor)]

    async def grow() -> None:
        for _ in range(more // 3):
            await rows(append, run, 3)
        await rows(end, run)

    async def come_back() -> None:
        page_edges = [await rows(page_after, run.id, cursor, limit=3) for cursor in range(0, whole - 3, 97)]
        assert [[entry.seq for entry in page.entries] for page in page_edges] == [
            [cursor + 1, cursor + 2, cursor + 3] for cursor in range(0, whole - 3, 97)
        ]
        following = [asyncio.create_task(follows_from(cursor)) for cursor in cursors]
        await grow()
        for cursor, told in zip(cursors, following, strict=True):
            assert await told == list(range(cursor + 1, whole + more + 2))

    asyncio.run(come_back())


def test_a_snapshot_that_was_read_ahead_of_its_events_is_sent_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    run = store_run()
    append(run, 2)
    read = 0

    def just_written_to(run_id: UUID) -> Snapshot:
        """The run has grown between the page that was read last and the snapshot, and does so again after it."""
        nonlocal read
        if read:
            append(run, PAGE + 1)
        snapshot = snapshot_of(run_id)
        append(run, 1)
        read += 1
        return snapshot

    async def watch(client: Client) -> int:
        """How many snapshots were shown; the client itself refuses one that comes ahead of its events."""
        shown = 0
        async with asyncio.timeout(PATIENCE):
            while shown < 5:
                shown += await client.next() == "snapshot"
            await client.is_cut_off()
        return shown

    monkeypatch.setattr(snapshots, "snapshot_of", just_written_to)
    monkeypatch.setattr(tail, "page_after", functools.partial(page_after, limit=PAGE))
    with override_settings(STREAM_POLL_MS=10, STREAM_COALESCE_MS=0):
        client = Client(run, shows_snapshots=True, after=0)
        assert asyncio.run(watch(client)) == 5
    assert list(client.events) == list(range(1, len(client.events) + 1))


def test_whoever_comes_at_the_very_moment_of_the_ending_is_told_all_of_it_s05() -> None:
    async def come(run: Run, client: Client) -> None:
        while not client.has_ended:
            await client.next()
        await client.is_cut_off()

    async def meet() -> None:
        for number in range(30):
            run = await rows(store_run)
            await rows(append, run, 2)
            client = Client(run, shows_snapshots=number % 2 == 0, after=0)
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(rows(end, run), come(run, client))
            assert sorted(client.events) == [1, 2, 3]

    asyncio.run(meet())
