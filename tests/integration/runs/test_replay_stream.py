"""GET /runs/{id}/replay/stream: what is decided before the first byte, what is sent, and when."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import cast
from uuid import UUID

import orjson
import pytest
from django.db import OperationalError
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory
from pytest_django import Settings

from config.http.authentication import Principal
from runs.api.replay import replay_stream
from runs.bridge import rows
from runs.domain.replays import Replay
from runs.errors import Forbidden, RunNotFound, Unauthenticated, ValidationFailed
from runs.models import Run
from runs.models.identity import uuid7
from runs.shutdown import SCOPE_KEY, Shutdown
from runs.streaming import replay
from runs.streaming.log import Page, page_after
from runs.streaming.recording import recording_of
from tests.event_stream import Sent, short, whole
from tests.timed_log import BEGUN_AT, happened
from tests.watch import Watch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand, at times of a test's choosing: what reads them is tested"),
]
PATIENCE = 10

MakeRun = Callable[..., Run]
Append = Callable[..., list[int]]
End = Callable[..., int]


@pytest.fixture(autouse=True)
def key(settings: Settings) -> None:
    settings.AUTH_API_KEYS = ["tester=test-key"]


async def ask(
    run_id: UUID | str, query: str = "", *, shutdown: Shutdown | None = None, key: str = "test-key", **headers: str
) -> HttpResponse:
    address = f"/runs/{run_id}/replay/stream?{query}"
    request = AsyncRequestFactory().get(address, headers={"Authorization": f"Bearer {key}", **headers})
    if shutdown is not None:
        request.scope[SCOPE_KEY] = shutdown
    return cast(HttpResponse, await replay_stream(request, run_id=str(run_id)))


async def told(run: Run, query: str = "mode=instant", **headers: str) -> list[Sent]:
    response = await ask(run.id, query, **headers)
    assert response.status_code == 200
    async with asyncio.timeout(PATIENCE):
        return await whole(cast(StreamingHttpResponse, response))


async def played(run: Run, asked: Replay, watch: Watch, *, seen: int = 0) -> list[tuple[float, str]]:
    """When which frame is sent, in seconds since the replay was opened."""
    recording = await rows(recording_of, run.id, run.project_id, asked, seen=seen)
    opened_at = watch.time
    return [
        (round(watch.time - opened_at, 3), f"event {frame.id}" if frame.id else frame.event)
        async for burst in replay.replayed(recording, asked, watch)
        for frame in burst
    ]


# --- before the first byte


async def test_an_unknown_run_is_not_found_before_anything_is_streamed_e21() -> None:
    with pytest.raises(RunNotFound):
        await ask(uuid7())


async def test_a_run_of_another_project_is_not_found(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run, project_id=uuid7())
    await rows(append_events, run)

    with pytest.raises(RunNotFound):
        await ask(run.id)
    principal = Principal(id="k", name="k", kind="api_key", scopes=frozenset({"runs:read"}), project_id=run.project_id)
    settings.STREAM_AUTHENTICATOR = f"{__name__}.let_in"
    monkeypatch.setitem(globals(), "let_in", lambda request: principal)
    assert (await ask(run.id)).status_code == 200


async def test_whoever_is_nobody_or_lacks_the_scope_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, stored_run: MakeRun
) -> None:
    run = await rows(stored_run)
    with pytest.raises(Unauthenticated):
        await ask(run.id, key="wrong")

    writer = Principal(id="k", name="k", kind="api_key", scopes=frozenset({"runs:write"}))
    settings.STREAM_AUTHENTICATOR = f"{__name__}.let_in"
    monkeypatch.setitem(globals(), "let_in", lambda request: writer)
    with pytest.raises(Forbidden):
        await ask(run.id)


@pytest.mark.parametrize(
    ("query", "last_event_id", "paths"),
    [
        ("mode=fast&speed=0&fromSeq=0&toSeq=x", "", ["mode", "speed", "fromSeq", "toSeq"]),
        ("fromSeq=3&toSeq=2", "", ["fromSeq"]),
        ("", "x", ["Last-Event-ID"]),
        ("", "-1", ["Last-Event-ID"]),
    ],
)
async def test_a_query_that_makes_no_sense_is_a_fault_e21(
    query: str, last_event_id: str, paths: list[str], stored_run: MakeRun
) -> None:
    run = await rows(stored_run)
    with pytest.raises(ValidationFailed) as caught:
        await ask(run.id, query, **{"Last-Event-ID": last_event_id})
    assert [fault.path for fault in caught.value.faults] == paths


async def test_an_id_that_is_no_uuid_is_a_fault() -> None:
    with pytest.raises(ValidationFailed) as caught:
        await ask("42")
    assert [fault.path for fault in caught.value.faults] == ["id"]


@pytest.mark.parametrize(
    ("query", "last_event_id"),
    [("", "4"), ("", "99"), ("toSeq=2", "2"), ("toSeq=2", "3"), ("fromSeq=5", ""), ("fromSeq=99&toSeq=100", "")],
)
async def test_whoever_has_seen_the_range_is_told_to_stop(
    query: str, last_event_id: str, stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)
    await rows(end_run, run)

    response = await ask(run.id, query, **{"Last-Event-ID": last_event_id})
    assert (response.status_code, response.content) == (204, b"")


async def test_only_get_is_allowed(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    response = await replay_stream(AsyncRequestFactory().post("/"), run_id=str(run.id))
    assert (response.status_code, response["Allow"]) == (405, "GET")


async def test_the_headers_are_those_of_a_live_stream(stored_run: MakeRun, append_events: Append) -> None:
    run = await rows(stored_run)
    await rows(append_events, run)
    response = await ask(run.id)

    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache, no-store, no-transform"
    assert response["X-Accel-Buffering"] == "no"


# --- what is shown


async def test_a_run_is_shown_as_its_log_has_it_then_its_end_e05(
    stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 2)
    await rows(end_run, run, status="failed", code="session_lost", error="gone")
    page = await rows(page_after, run.id, 0)

    frames = await told(run)
    assert frames[:-1] == [("canonical_event", entry.seq, orjson.loads(entry.document)) for entry in page.entries]
    assert frames[-1] == ("end", None, {"status": "failed", "seq": 3, "code": "session_lost", "error": "gone"})


@pytest.mark.parametrize(
    ("query", "last_event_id", "seqs"),
    [
        ("fromSeq=2&toSeq=4", "", [2, 3, 4]),
        ("fromSeq=3&toSeq=3", "", [3]),
        ("toSeq=2", "", [1, 2]),
        ("fromSeq=5", "", [5, 6]),
        ("fromSeq=5&toSeq=99", "", [5, 6]),
        ("fromSeq=2&toSeq=4", "3", [4]),
        ("fromSeq=4", "1", [4, 5, 6]),
    ],
)
@pytest.mark.parametrize("mode", ["instant", "timed", "step"])
async def test_a_range_is_shown_with_both_its_ends(
    mode: str, query: str, last_event_id: str, seqs: list[int], stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 5)
    await rows(end_run, run)

    frames = await told(run, f"mode={mode}&speed=1000&{query}", **{"Last-Event-ID": last_event_id})
    assert short(frames) == [*(f"event {seq}" for seq in seqs), "end"]
    # It should say how the run ended, wherever the range does.
    assert frames[-1][2] == {"status": "completed", "seq": 6, "code": "resolved"}


async def test_a_live_run_is_shown_as_far_as_it_was_and_has_no_code(
    monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = await rows(stored_run, status="running")
    await rows(append_events, run, 3)
    response = cast(StreamingHttpResponse, await ask(run.id, "mode=instant"))
    await rows(append_events, run, 2)
    await rows(end_run, run)

    frames = await whole(response)
    assert short(frames) == ["event 1", "event 2", "event 3", "end"]
    assert frames[-1][2] == {"status": "running", "seq": 3}


async def test_the_end_of_a_part_of_a_live_run_says_how_far_the_run_was(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run, status="suspended")
    await rows(append_events, run, 5)

    assert (await told(run, "mode=instant&toSeq=2"))[-1] == ("end", None, {"status": "suspended", "seq": 5})


async def test_a_long_run_is_read_page_by_page_and_never_ahead_of_its_viewer(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, stored_run: MakeRun, append_events: Append
) -> None:
    settings.REPLAY_BATCH_SIZE = 4
    run = await rows(stored_run)
    await rows(append_events, run, 11)
    read: list[int] = []

    def reading(run_id: UUID, after: int, *, limit: int) -> Page:
        page = page_after(run_id, after, limit=limit)
        read.append(len(page.entries))
        return page

    monkeypatch.setattr(replay, "page_after", reading)
    asked = Replay(mode="instant", from_seq=2, to_seq=10)
    recording = await rows(recording_of, run.id, run.project_id, asked, seen=0)
    async with contextlib.aclosing(replay.replayed(recording, asked, Watch())) as bursts:
        assert [frame.id for frame in await anext(bursts)] == [2, 3, 4, 5]
        assert read == [4]
        assert [[frame.id for frame in burst] async for burst in bursts] == [[6, 7, 8, 9], [10], [None]]
    assert read == [4, 4, 1]


@pytest.mark.parametrize("mode", ["instant", "timed", "step"])
async def test_a_viewer_cut_off_anywhere_comes_back_to_every_event(
    mode: str, settings: Settings, stored_run: MakeRun
) -> None:
    settings.REPLAY_BATCH_SIZE = 3
    run = await rows(stored_run)
    await rows(happened, run, 0, 100, 100, 250, 9_000, 9_000, 9_001, 9_500)
    asked = Replay(mode=mode)

    for cut_after in range(8):
        before = [told for _, told in await played(run, asked, Watch())][:cut_after]
        after = [told for _, told in await played(run, asked, Watch(), seen=cut_after)]
        assert [*before, *after] == [*(f"event {seq}" for seq in range(1, 9)), "end"]


async def test_a_log_with_a_hole_is_an_error_and_no_end(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, 0, 10)
    await rows(lambda: Run.objects.filter(id=run.id).update(last_seq=3))

    frames = await told(run)
    assert short(frames) == ["event 1", "event 2", "error"]
    assert frames[-1][2]["errorCode"] == "INTERNAL_ERROR"

    # It should not pass over a hole within a page either.
    run.last_seq = 3
    await rows(happened, run, 20)
    frames = await told(run)
    assert short(frames) == ["error"]
    assert frames[-1][2]["errorCode"] == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("password of dev"), "SERVICE_UNAVAILABLE"),
        (RuntimeError("internal"), "INTERNAL_ERROR"),
        (RunNotFound(), "RUN_NOT_FOUND"),
    ],
)
async def test_a_failure_after_the_start_is_told_and_closes_without_an_end(
    error: Exception, code: str, monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun, append_events: Append
) -> None:
    def fail(run_id: UUID, after: int, *, limit: int) -> Page:
        raise error

    run = await rows(stored_run)
    await rows(append_events, run)
    monkeypatch.setattr(replay, "page_after", fail)

    frames = await told(run)
    assert short(frames) == ["error"]
    assert frames[0][2]["errorCode"] == code
    # It should not show what went wrong inside.
    assert code == "RUN_NOT_FOUND" or str(error) not in str(frames[0][2]["message"])


# --- when it is shown


async def test_a_timed_replay_keeps_the_pace_of_the_run(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, 0, 150, 150, 151, 60_000)

    expected = [(0.0, 1), (0.15, 2), (0.15, 3), (0.151, 4), (2.151, 5)]
    assert await played(run, Replay(), Watch()) == [*((at, f"event {seq}") for at, seq in expected), (2.151, "end")]


async def test_speed_divides_every_pause(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, 0, 150, 1_150)

    assert await played(run, Replay(speed=10), Watch()) == [
        (0.0, "event 1"),
        (0.015, "event 2"),
        (0.115, "event 3"),
        (0.115, "end"),
    ]


async def test_the_pace_does_not_depend_on_where_a_page_ends(settings: Settings, stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, *range(0, 9_000, 450))
    paces = []
    for settings.REPLAY_BATCH_SIZE in (1, 3, 500):
        paces.append(await played(run, Replay(speed=3), Watch()))

    assert paces[0] == paces[1] == paces[2]
    assert paces[0][-1] == (19 * 0.15, "end")


@pytest.mark.parametrize("mode", ["instant", "step"])
async def test_the_other_modes_wait_for_nothing(mode: str, stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, 0, 1_000, 60_000)

    assert {at for at, _ in await played(run, Replay(mode=mode), Watch())} == {0.0}


async def test_a_viewer_who_comes_back_does_not_wait_for_the_first_event(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    await rows(happened, run, 0, 1_000, 1_500)

    assert await played(run, Replay(), Watch(), seen=1) == [(0.0, "event 2"), (0.5, "event 3"), (0.5, "end")]


async def test_a_long_pause_is_broken_by_heartbeats(settings: Settings, stored_run: MakeRun) -> None:
    settings.REPLAY_MAX_DELAY_MS = 40_000
    settings.STREAM_SSE_HEARTBEAT_MS = 15_000
    run = await rows(stored_run)
    await rows(happened, run, 0, 60_000, 75_000, 90_001)

    assert await played(run, Replay(), Watch()) == [
        (0.0, "event 1"),
        (15.0, "heartbeat"),
        (30.0, "heartbeat"),
        (40.0, "event 2"),
        # It should not speak when the next event is due anyway.
        (55.0, "event 3"),
        (70.0, "heartbeat"),
        (70.001, "event 4"),
        (70.001, "end"),
    ]


async def test_a_heartbeat_says_how_far_the_log_goes_now(
    settings: Settings, stored_run: MakeRun, append_events: Append
) -> None:
    settings.STREAM_SSE_HEARTBEAT_MS = 1_500
    run = await rows(stored_run)
    await rows(happened, run, 0, 2_000)
    asked = Replay(to_seq=2)
    recording = await rows(recording_of, run.id, run.project_id, asked, seen=0)
    await rows(append_events, run)

    beats = [f async for burst in replay.replayed(recording, asked, Watch()) for f in burst if f.event == "heartbeat"]
    assert [(beat.id, orjson.loads(beat.data)["lastSeq"]) for beat in beats] == [(None, 3)]
    assert datetime.fromisoformat(orjson.loads(beats[0].data)["ts"]) > BEGUN_AT


async def test_a_run_that_is_deleted_during_a_pause_is_noticed_at_the_heartbeat(
    settings: Settings, stored_run: MakeRun
) -> None:
    settings.STREAM_SSE_HEARTBEAT_MS = 1_000
    run = await rows(stored_run)
    await rows(happened, run, 0, 2_000)
    recording = await rows(recording_of, run.id, run.project_id, Replay(), seen=0)
    bursts = replay.replayed(recording, Replay(), Watch())
    assert [frame.id for frame in await anext(bursts)] == [1]
    await rows(run.delete)

    assert [orjson.loads(f.data)["errorCode"] async for burst in bursts for f in burst] == ["RUN_NOT_FOUND"]


# --- endings that are none of the range's


@pytest.mark.parametrize("mode", ["instant", "timed"])
async def test_a_viewer_who_may_not_read_any_more_is_told_so_and_cut_off(
    mode: str, settings: Settings, stored_run: MakeRun
) -> None:
    settings.REPLAY_MAX_DELAY_MS = settings.STREAM_SSE_HEARTBEAT_MS = 70_000
    settings.REPLAY_BATCH_SIZE = 1
    run = await rows(stored_run)
    await rows(happened, run, *range(0, 70_000 * 10, 70_000))
    watch, asked, asked_at = Watch(), Replay(mode=mode), list[float]()
    opened_at = watch.time

    def still_may() -> None:
        asked_at.append(watch.time - opened_at)
        if len(asked_at) == 4:
            raise Forbidden("the key was revoked")

    recording = await rows(recording_of, run.id, run.project_id, asked, seen=0)
    sent = []
    async for burst in replay.replayed(recording, asked, watch, recheck=still_may):
        sent += burst
        watch.time += 31 if mode == "instant" else 0  # a slow reader

    assert asked_at == ([31, 62, 93, 124] if mode == "instant" else [2.5, 5, 7.5, 10])
    assert [frame.id for frame in sent] == ([1, 2, 3, 4, None] if mode == "instant" else [1, None])
    assert (sent[-1].event, orjson.loads(sent[-1].data)["errorCode"]) == ("error", "FORBIDDEN")


async def test_the_key_that_opened_a_replay_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, stored_run: MakeRun, append_events: Append
) -> None:
    monkeypatch.setattr(replay, "RECHECK_SECONDS", 0.0)
    run = await rows(stored_run)
    await rows(append_events, run)
    response = cast(StreamingHttpResponse, await ask(run.id))
    settings.AUTH_API_KEYS = ["tester=another-key"]

    frames = await whole(response)
    assert [frame[2]["errorCode"] for frame in frames] == ["UNAUTHENTICATED"]


async def test_a_replay_closes_at_its_age_without_an_end(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_MAX_AGE_S = 5
    run = await rows(stored_run)
    await rows(happened, run, *range(0, 20_000, 2_000))
    sent = await played(run, Replay(), Watch())

    assert sent == [(2.0 * number, f"event {number + 1}") for number in range(len(sent))]
    assert 2 <= len(sent) <= 4  # 4 to 6 seconds


async def test_an_instant_replay_closes_at_its_age_too(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_MAX_AGE_S = 5
    settings.REPLAY_BATCH_SIZE = 1
    run = await rows(stored_run)
    await rows(happened, run, 0, 0, 0)
    watch, asked = Watch(), Replay(mode="instant")
    recording = await rows(recording_of, run.id, run.project_id, asked, seen=0)
    bursts = replay.replayed(recording, asked, watch)
    assert [frame.id for frame in await anext(bursts)] == [1]
    watch.time += 7  # a slow reader

    assert [burst async for burst in bursts] == []


async def test_a_shutdown_ends_a_pause_without_an_end(settings: Settings, stored_run: MakeRun) -> None:
    settings.REPLAY_MAX_DELAY_MS = 3_600_000
    shutdown = Shutdown()
    run = await rows(stored_run)
    await rows(happened, run, 0, 3_600_000)
    response = cast(StreamingHttpResponse, await ask(run.id, shutdown=shutdown))
    chunks = cast(AsyncIterator[bytes], response.streaming_content)

    async with asyncio.timeout(PATIENCE):
        assert await anext(chunks) == b"retry: 3000\n\n"
        assert b"id: 1\n" in await anext(chunks)
        waiting = asyncio.ensure_future(anext(chunks, None))
        await asyncio.sleep(0.2)  # long enough to begin the pause; the test means less, but holds, if it is not
        shutdown.begin()
        assert (await waiting or b"").startswith(b"retry: ")
        assert await anext(chunks, None) is None


@pytest.mark.parametrize("mode", ["instant", "timed"])
async def test_a_replay_opened_during_a_shutdown_shows_nothing(
    mode: str, stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run)
    shutdown = Shutdown()
    shutdown.begin()
    response = await ask(run.id, f"mode={mode}", shutdown=shutdown)

    assert await whole(cast(StreamingHttpResponse, response)) == []


async def test_a_shutdown_between_two_pages_closes_without_an_end(settings: Settings, stored_run: MakeRun) -> None:
    settings.REPLAY_BATCH_SIZE = 2
    run = await rows(stored_run)
    await rows(happened, run, 0, 1_000, 2_000, 3_000)

    assert [told for _, told in await played(run, Replay(), Watch(stops_at=1_001.5))] == ["event 1", "event 2"]
