"""GET /runs/{id}/stream: what is decided before the first byte, and the order of frames after it."""

import asyncio
import contextlib
import gc
import itertools
from collections.abc import AsyncIterator, Callable
from typing import cast
from uuid import UUID

import orjson
import pytest
from django.db import OperationalError
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.errors import CursorAhead, Forbidden, RateLimited, RunNotFound, Unauthenticated, ValidationFailed
from runs.models import Run
from runs.models.identity import uuid7
from runs.shutdown import Shutdown
from runs.streaming import burst, log, seats, snapshots, sse, standing, tail
from runs.streaming.tails import tails_of_this_loop
from tests.stream_callers import stand_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]
PATIENCE = 10

MakeRun = Callable[..., Run]
Append = Callable[..., list[int]]
End = Callable[..., int]


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "seats", seats.Seats())
    stand_in(settings)
    settings.STREAM_POLL_MS = 200


class Stream:
    """An open stream, read frame by frame."""

    def __init__(self, response: StreamingHttpResponse) -> None:
        self._chunks = cast(AsyncIterator[bytes], response.streaming_content)
        self._text = b""

    async def next(self) -> tuple[str, int | None, dict[str, object]] | None:
        """Name, id and data of the next frame; None at the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            while b"\n\n" not in self._text:
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    assert not self._text
                    return None
                self._text += chunk
        head, _, self._text = self._text.partition(b"\n\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\n"))
        if b"event" not in fields:
            return "retry", None, {"ms": int(fields[b"retry"])}
        seq = int(fields[b"id"]) if b"id" in fields else None
        return fields[b"event"].decode(), seq, orjson.loads(fields[b"data"])

    async def told(self, count: int) -> list[str]:
        """The next frames in short form: `snapshot@3`, `event 4`, `heartbeat@4`, `end`."""
        return [_short(await self.next()) for _ in range(count)]

    async def all(self) -> list[str]:
        """Every frame up to the end of the stream, in short form."""
        found = []
        while (frame := await self.next()) is not None:
            found.append(_short(frame))
        return found

    async def close(self) -> None:
        """The client is gone."""
        await self._chunks.aclose()  # type: ignore[attr-defined]


def _short(frame: tuple[str, int | None, dict[str, object]] | None) -> str:
    assert frame is not None, "the stream has ended"
    name, seq, data = frame
    if name == "canonical_event":
        assert seq == data["seq"]
        return f"event {seq}"
    # Only events may move the id a browser comes back with.
    assert seq is None
    if name == "snapshot":
        return f"snapshot@{cast(dict[str, int], data['timeline'])['latestSeq']}"
    return f"heartbeat@{data['lastSeq']}" if name == "heartbeat" else name


async def ask(run_id: UUID | str, query: str = "", *, shutdown: Shutdown | None = None, **headers: str) -> HttpResponse:
    request = AsyncRequestFactory().get(f"/runs/{run_id}/stream?{query}", headers=headers)
    if shutdown is not None:
        request.scope["signalbox.shutdown"] = shutdown
    return cast(HttpResponse, await sse.stream(request, run_id=run_id))


@contextlib.asynccontextmanager
async def streaming(
    run: Run, query: str = "", *, shutdown: Shutdown | None = None, **headers: str
) -> AsyncIterator[Stream]:
    response = await ask(run.id, query, shutdown=shutdown, **headers)
    assert response.status_code == 200
    stream = Stream(cast(StreamingHttpResponse, response))
    del response  # as a server lets go of it when it has done with it
    assert await stream.next() == ("retry", None, {"ms": 3000})
    yield stream
    await stream.close()


# --- before the first byte


async def test_an_unknown_run_is_not_found_before_anything_is_streamed_s13_c13() -> None:
    with pytest.raises(RunNotFound):
        await ask(uuid7())


async def test_a_run_of_another_project_is_not_found(stored_run: MakeRun) -> None:
    run = await rows(stored_run, project_id=uuid7())

    with pytest.raises(RunNotFound):
        await ask(run.id)
    assert (await ask(run.id, **{"X-Project": str(run.project_id)})).status_code == 200


@pytest.mark.parametrize("spelling", ["42", "{id}00", "{{{id}}}", "urn:uuid:{id}", "{id.hex}"])
async def test_an_id_that_is_no_uuid_is_a_fault(spelling: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        await ask(spelling.format(id=uuid7()))
    assert [fault.path for fault in caught.value.faults] == ["id"]


async def test_whoever_is_nobody_or_lacks_the_scope_gets_nothing(stored_run: MakeRun) -> None:
    run = await rows(stored_run)

    with pytest.raises(Unauthenticated):
        await ask(run.id, Authorization="none")
    with pytest.raises(Forbidden):
        await ask(run.id, **{"X-Scopes": "runs:write"})


async def test_a_cursor_beyond_a_live_run_is_refused_with_its_last_seq_s13(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)

    with pytest.raises(CursorAhead) as caught:
        await ask(run.id, "afterSeq=4")
    assert caught.value.details == {"lastSeq": 3}
    assert (await ask(run.id, "afterSeq=3")).status_code == 200


@pytest.mark.parametrize("query", ["afterSeq=4", "afterSeq=9999"])
async def test_a_reconnect_at_or_past_the_ending_is_told_to_stop_s06_c14(
    query: str, stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)
    await rows(end_run, run)

    response = await ask(run.id, query)

    assert response.status_code == 204
    assert response.content == b""
    assert (await ask(run.id, **{"Last-Event-ID": "4"})).status_code == 204


async def test_nobody_has_more_streams_than_they_may_and_whoever_leaves_makes_room(
    settings: Settings, stored_run: MakeRun, end_run: End
) -> None:
    settings.STREAM_MAX_PER_CALLER = 2
    run = await rows(stored_run)

    async with streaming(run), streaming(run) as second:
        with pytest.raises(RateLimited) as refused:
            await ask(run.id)
        assert refused.value.details == {"limit": 2}
        # It should count what is open, not what was asked for.
        with pytest.raises(RunNotFound):
            await ask(uuid7())
        await second.close()
        async with asyncio.timeout(PATIENCE):
            await _until(lambda: seats.seats.taken("key:tester") == 1)
        async with streaming(run):
            assert seats.seats.taken("key:tester") == 2
        await rows(end_run, run)
        assert (await ask(run.id, "afterSeq=9")).status_code == 204
    async with asyncio.timeout(PATIENCE):
        await _until(lambda: seats.seats.taken("key:tester") == 0)


async def test_a_cancelled_stream_leaves_its_seat(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    async with streaming(run) as stream:
        assert await stream.told(1) == ["snapshot@0"]
        assert seats.seats.taken("key:tester") == 1
        waiting = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert seats.seats.taken("key:tester") == 0


async def test_a_stream_whose_client_left_before_it_began_leaves_its_seat(stored_run: MakeRun) -> None:
    response = await ask((await rows(stored_run)).id)
    assert response.status_code == 200
    assert seats.seats.taken("key:tester") == 1
    del response
    gc.collect()
    assert seats.seats.taken("key:tester") == 0


async def test_only_get_is_allowed(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    response = await sse.stream(AsyncRequestFactory().post("/"), run_id=run.id)
    assert response.status_code == 405
    assert response["Allow"] == "GET"


async def test_the_headers_keep_everybody_between_from_holding_frames_back(stored_run: MakeRun) -> None:
    response = await ask((await rows(stored_run)).id)

    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache, no-store, no-transform"
    assert response["X-Accel-Buffering"] == "no"


# --- ended runs


async def test_an_ended_run_is_shown_and_closed_c12(stored_run: MakeRun, append_events: Append, end_run: End) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    await rows(end_run, run, status="failed", code="session_lost", error="gone")

    async with streaming(run) as stream:
        assert await stream.told(1) == ["snapshot@3"]
        assert await stream.next() == (
            "end",
            None,
            {"status": "failed", "seq": 3, "code": "session_lost", "error": "gone"},
        )
        assert await stream.next() is None


async def test_an_ended_run_is_told_from_its_beginning_if_asked_s13_c09(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    await rows(end_run, run)

    async with streaming(run, "afterSeq=0") as stream:
        assert await stream.all() == ["snapshot@3", "event 1", "event 2", "event 3", "end"]
    async with streaming(run, "afterSeq=0&includeSnapshot=false") as stream:
        assert await stream.all() == ["event 1", "event 2", "event 3", "end"]
    async with streaming(run, "includeSnapshot=0") as stream:
        assert await stream.all() == ["end"]


async def test_a_run_that_ends_with_its_first_event_closes_too_c12(stored_run: MakeRun, end_run: End) -> None:
    run = await rows(stored_run)
    await rows(end_run, run, status="cancelled", code="cancelled")

    async with streaming(run) as stream:
        assert await stream.all() == ["snapshot@1", "end"]


# --- live runs


async def test_without_a_cursor_live_begins_where_the_snapshot_stands_c10(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)

    async with streaming(run) as stream:
        assert await stream.told(1) == ["snapshot@3"]
        await rows(append_events, run, 2)
        assert await stream.told(2) == ["event 4", "event 5"]


async def test_what_is_committed_between_the_snapshot_and_the_first_read_is_neither_lost_nor_doubled_c10(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)

    async with streaming(run) as stream:
        assert await stream.told(1) == ["snapshot@0"]
        await rows(append_events, run, 300)
        assert await stream.told(300) == [f"event {seq}" for seq in range(1, 301)]


async def test_without_a_snapshot_live_begins_with_what_happens_next(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)

    async with streaming(run, "includeSnapshot=false") as stream:
        await rows(append_events, run)
        assert await stream.told(1) == ["event 4"]


async def test_a_cursor_is_back_filled_after_the_snapshot(stored_run: MakeRun, append_events: Append) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 4)

    async with streaming(run, "afterSeq=1", **{"Last-Event-ID": "2"}) as stream:
        assert await stream.told(3) == ["snapshot@4", "event 3", "event 4"]
        await rows(append_events, run)
        assert await stream.told(1) == ["event 5"]


async def test_a_browser_that_comes_back_goes_on_where_it_was(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    async with streaming(run, "afterSeq=0") as stream:
        assert await stream.told(3) == ["snapshot@2", "event 1", "event 2"]
    await rows(append_events, run, 2)
    await rows(end_run, run)

    # It should go forward although the address still asks for everything.
    async with streaming(run, "afterSeq=0", **{"Last-Event-ID": "2"}) as stream:
        assert await stream.all() == ["snapshot@5", "event 3", "event 4", "event 5", "end"]


async def test_a_live_run_that_ends_shows_its_last_state_and_closes(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    async with streaming(run, "snapshotMs=60000") as stream:
        assert await stream.told(1) == ["snapshot@0"]
        await rows(append_events, run)
        assert await stream.told(1) == ["event 1"]
        await rows(end_run, run)
        assert await stream.all() == ["event 2", "snapshot@2", "end"]


async def test_with_snapshot_interval_zero_only_the_first_is_sent(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    async with streaming(run, "snapshotMs=0") as stream:
        assert await stream.told(1) == ["snapshot@0"]
        await rows(append_events, run)
        await rows(end_run, run)
        assert await stream.all() == ["event 1", "event 2", "end"]


async def test_later_snapshots_keep_their_distance_and_follow_their_events_c07(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    loop = asyncio.get_running_loop()
    snapshots: list[float] = []
    sent: list[str] = []
    async with streaming(run, "snapshotMs=500") as stream:

        async def write() -> None:
            for _ in range(20):
                await rows(append_events, run, 3)
                await asyncio.sleep(0.07)
            await rows(end_run, run)

        sent += await stream.told(1)
        snapshots.append(loop.time())
        writing = asyncio.create_task(write())
        while (frame := await stream.next()) is not None:
            sent.append(_short(frame))
            if frame[0] == "snapshot":
                snapshots.append(loop.time())
        await writing

    assert [one for one in sent if one.startswith("event")] == [f"event {seq}" for seq in range(1, 62)]
    assert sent[-2:] == ["snapshot@61", "end"]
    # It should send several while the run moves, none too soon; the one before the end may come at any time.
    assert len(snapshots) >= 4
    assert all(later - earlier >= 0.48 for earlier, later in itertools.pairwise(snapshots[:-1]))
    reached = 0
    for one in sent:
        if one.startswith("event "):
            reached = int(one.removeprefix("event "))
        elif one.startswith("snapshot@"):
            assert int(one.removeprefix("snapshot@")) <= reached


async def test_a_snapshot_that_is_ahead_waits_for_its_events(
    monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run)
    is_first = True

    def append_then_read(run_id: UUID) -> object:
        # The run moves between the page and the state.
        nonlocal is_first
        if not is_first and not appended:
            appended.extend(append_events(run, 2))
        is_first = False
        return read(run_id)

    appended: list[int] = []
    read = snapshots.snapshot_of
    monkeypatch.setattr(snapshots, "snapshot_of", append_then_read)
    async with streaming(run, "snapshotMs=500") as stream:
        assert await stream.told(1) == ["snapshot@1"]
        await rows(append_events, run)
        assert await stream.told(4) == ["event 2", "event 3", "event 4", "snapshot@4"]


async def test_silence_is_broken_by_heartbeats_alone_c11(stored_run: MakeRun, append_events: Append) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    loop = asyncio.get_running_loop()

    async with streaming(run, "heartbeatMs=1000&snapshotMs=500") as stream:
        assert await stream.told(1) == ["snapshot@2"]
        begun = loop.time()
        assert await stream.told(1) == ["heartbeat@2"]
        assert 0.9 <= loop.time() - begun < 3
        # It should count from the last frame, whatever that was.
        await rows(append_events, run)
        assert await stream.told(3) == ["event 3", "snapshot@3", "heartbeat@3"]


async def test_the_settings_say_how_long_silence_lasts(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_SSE_HEARTBEAT_MS = 100
    async with streaming(await rows(stored_run), "includeSnapshot=false") as stream:
        assert await stream.told(2) == ["heartbeat@0", "heartbeat@0"]


# --- endings that are none of the run's


async def test_a_shutdown_closes_the_stream_without_an_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun
) -> None:
    @contextlib.asynccontextmanager
    async def never_nudged(run_id: UUID) -> AsyncIterator[hub.Nudges]:
        yield hub.Nudges()

    monkeypatch.setattr(tail.hub, "subscribe", never_nudged)
    settings.STREAM_POLL_MS = 60_000
    shutdown = Shutdown()
    async with streaming(await rows(stored_run), "snapshotMs=0", shutdown=shutdown) as stream:
        assert await stream.told(1) == ["snapshot@0"]
        waiting = asyncio.ensure_future(stream.next())
        await asyncio.sleep(0.2)  # long enough for the first page; the test means less, but holds, if it is not
        shutdown.begin()
        hint = await waiting
        assert hint is not None
        assert hint[0] == "retry"
        assert 500 <= cast(int, hint[2]["ms"]) <= 3_000
        assert await stream.next() is None


async def test_a_stream_opened_during_a_shutdown_closes_at_once(stored_run: MakeRun) -> None:
    shutdown = Shutdown()
    shutdown.begin()
    async with streaming(await rows(stored_run), shutdown=shutdown) as stream:
        assert await stream.all() == ["snapshot@0", "retry"]


async def test_a_stream_closes_at_its_age_without_an_end(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_MAX_AGE_S = 1
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with streaming(await rows(stored_run)) as stream:
        assert await stream.all() == ["snapshot@0", "retry"]
    assert loop.time() - begun >= 0.7


async def test_a_failure_after_the_start_is_told_and_closes_without_an_end(
    monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun
) -> None:
    def fail(run_id: UUID, after: int) -> object:
        raise error

    run = await rows(stored_run)
    monkeypatch.setattr(tail, "page_after", fail)
    for error, code in [
        (OperationalError("password of dev"), "SERVICE_UNAVAILABLE"),
        (RuntimeError("internal"), "INTERNAL_ERROR"),
        (RunNotFound(), "RUN_NOT_FOUND"),
    ]:
        async with streaming(run) as stream:
            assert await stream.told(1) == ["snapshot@0"]
            name, _, data = await stream.next() or ("", 0, {})
            assert (name, data["errorCode"]) == ("error", code)
            # It should not show what went wrong inside.
            assert str(error) not in str(data["message"]) or code == "RUN_NOT_FOUND"
            assert await stream.next() is None


async def test_a_large_frame_is_written_in_parts_that_a_slow_reader_can_take(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, text="x" * 300_000)
    await rows(end_run, run)
    response = cast(StreamingHttpResponse, await ask(run.id, "afterSeq=0&includeSnapshot=false"))
    chunks = [chunk async for chunk in cast(AsyncIterator[bytes], response.streaming_content)]
    assert max(map(len, chunks)) == burst.MOST_AT_ONCE
    assert b"".join(chunks).count(b"event: ") == 3


async def test_an_ending_that_many_watch_is_read_once(
    stored_run: MakeRun, append_events: Append, end_run: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run)
    read: list[int] = []

    def counted(run_id: UUID, seq: int) -> dict[str, object]:
        read.append(seq)
        return standing.end_of(run_id, seq)

    monkeypatch.setattr(tail, "end_of", counted)
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(streaming(run, "includeSnapshot=false")) for _ in range(20)]
        told = [asyncio.create_task(stream.all()) for stream in streams]
        await asyncio.sleep(0.1)
        await rows(end_run, run)
        assert [await one for one in told] == [["event 2", "end"]] * 20
    assert read == [2]


async def test_a_database_that_is_away_for_a_moment_costs_nobody_their_stream(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun, append_events: Append
) -> None:
    settings.STREAM_POLL_MS = 50
    run = await rows(stored_run)
    failures = iter(range(tail.PATIENT_FAILURES))

    def failing_at_first(run_id: UUID, after: int) -> log.Page:
        if next(failures, None) is not None:
            raise OperationalError("away")
        return log.page_after(run_id, after)

    async with streaming(run, "includeSnapshot=false") as stream:
        waiting = asyncio.create_task(stream.told(1))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(tail, "page_after", failing_at_first)
        await rows(append_events, run)
        assert await waiting == ["event 1"]
    assert next(failures, None) is None


async def test_a_client_that_leaves_leaves_nothing_behind_c15(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    mine = asyncio.current_task()
    async with streaming(run, shutdown=Shutdown()) as stream:
        assert await stream.told(1) == ["snapshot@0"]
        waiting = asyncio.ensure_future(stream.next())
        async with asyncio.timeout(PATIENCE):
            await _until(lambda: any(task.get_name() == f"tail {run.id}" for task in asyncio.all_tasks()))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert run.id.hex not in hub._listener()._subscribers
    assert not len(tails_of_this_loop())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {mine}


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_many_readers_of_one_run_all_get_everything_once(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)

    async def read(after: int) -> list[str]:
        async with streaming(run, f"includeSnapshot=false&afterSeq={after}") as stream:
            return await stream.all()

    readers = [asyncio.create_task(read(0)) for _ in range(20)]
    for _ in range(10):
        await rows(append_events, run, 5)
    await rows(end_run, run)

    expected = [*(f"event {seq}" for seq in range(1, 52)), "end"]
    assert await asyncio.gather(*readers) == [expected] * 20
