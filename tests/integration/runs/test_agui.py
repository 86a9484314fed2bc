"""GET /runs/{id}/agui: what is decided before the first byte, the form of the frames, and a conversation without repeats."""

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import cast
from uuid import UUID

import orjson
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from pytest_django import Settings

from runs.bridge import rows
from runs.domain.events import Envelope, Observation, ObservationKind
from runs.errors import CursorAhead, Forbidden, RunNotFound, Unauthenticated, ValidationFailed
from runs.models import Run
from runs.models.identity import uuid7
from runs.queries.events import iterate_events
from runs.recorder import record
from runs.streaming import tail
from runs.streaming.agui import encoder, recent, view
from runs.streaming.tails import tails_of_this_loop
from tests.agui import Json, Reader
from tests.agui_log import read_from
from tests.cast import MODE, running_run
from tests.integration.runs.conftest import end
from tests.integration.runs.test_observe_run import ended, launch, observe_until
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
def quick(settings: Settings) -> None:
    stand_in(settings)
    settings.STREAM_POLL_MS = 200


class Stream:
    """An open stream, read frame by frame."""

    def __init__(self, response: StreamingHttpResponse) -> None:
        self._chunks = cast(AsyncIterator[bytes], response.streaming_content)
        self._bytes = b""

    async def frame(self) -> bytes | None:
        """The next frame without its blank line; None at the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            while b"\n\n" not in self._bytes:
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    assert not self._bytes
                    return None
                self._bytes += chunk
        found, _, self._bytes = self._bytes.partition(b"\n\n")
        return found

    async def next(self) -> tuple[int | None, Json] | None:
        """The id and the event of the next frame that holds one; None at the end of the stream."""
        while (frame := await self.frame()) is not None:
            if found := re.fullmatch(rb"(?:id: (\d+)\n)?data: ([^\r\n]+)", frame):
                return int(found[1]) if found[1] else None, orjson.loads(found[2])
            assert re.fullmatch(rb"retry: 3000|: [\w-]+", frame), frame
        return None

    async def until(self, kind: str) -> list[tuple[int | None, Json]]:
        """What comes up to and with the next event of this type."""
        found: list[tuple[int | None, Json]] = []
        while not found or found[-1][1]["type"] != kind:
            one = await self.next()
            assert one is not None, f"the stream ended without {kind}"
            found.append(one)
        return found

    async def all(self) -> list[tuple[int | None, Json]]:
        """Everything up to the end of the stream."""
        found = []
        while (one := await self.next()) is not None:
            found.append(one)
        return found

    async def close(self) -> None:
        """The client is gone."""
        await self._chunks.aclose()  # type: ignore[attr-defined]


async def ask(run_id: UUID | str, query: str = "", **headers: str) -> HttpResponse:
    request = AsyncRequestFactory().get(f"/runs/{run_id}/agui?{query}", headers=headers)
    return cast(HttpResponse, await view.agui(request, run_id=run_id))


@contextlib.asynccontextmanager
async def streaming(run: Run, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    response = await ask(run.id, query, **headers)
    assert response.status_code == 200
    stream = Stream(cast(StreamingHttpResponse, response))
    yield stream
    await stream.close()


def said(number: int, sender: str, kind: str, **payload: object) -> Observation:
    """A session envelope with this payload."""
    written = orjson.dumps(payload)
    body = Envelope(
        mode=MODE, message_type=kind, message_id=f"m-{number}", session_id="s", sender=sender, payload=written
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=written, source_id=f"env:m-{number}")


TALK = (
    said(1, "alice", "Note", text="good morning"),
    said(2, "alice", "ToolRequest", toolCallId="t1", toolName="search", arguments={"query": "weather"}),
    said(3, "bob", "Progress", percentage=40, message="reading"),
    said(4, "bob", "Proposal", proposalId="p1", option="go out", rationale="the sun"),
    said(5, "alice", "ToolResult", toolCallId="t1", result="sunny"),
    said(6, "alice", "Vote", proposalId="p1", vote="APPROVE"),
    said(7, "bob", "Progress", percentage=100),
    said(8, "bob", "Note", text="then let us go"),
)


def talk(run: Run, *observations: Observation) -> None:
    for observation in observations:
        record(run.id, [observation], epoch=None)


def a_small_run(**how_it_ends: str) -> Run:
    run = running_run()
    talk(run, *TALK)
    end(run, **how_it_ends)
    return Run.objects.get(id=run.id)


def read(events: list[tuple[int | None, Json]], reader: Reader | None = None) -> Reader:
    reader = reader or Reader()
    reader.connect()
    for _, event in events:
        reader.read(event)
    return reader


def texts(reader: Reader) -> list[str]:
    return [message["content"] for message in reader.messages if isinstance(message.get("content"), str)]


# --- before the first byte


async def test_it_is_served_where_it_is_documented() -> None:
    assert resolve(f"/runs/{uuid7()}/agui").func is view.agui


async def test_an_unknown_run_or_one_of_another_project_is_not_found(stored_run: MakeRun) -> None:
    run = await rows(stored_run, project_id=uuid7())

    for run_id in (uuid7(), run.id):
        with pytest.raises(RunNotFound):
            await ask(run_id)
    assert (await ask(run.id, **{"X-Project": str(run.project_id)})).status_code == 200


async def test_what_is_no_id_or_no_cursor_is_a_fault(stored_run: MakeRun) -> None:
    run = await rows(stored_run)

    for run_id, query, path in (("42", "", "id"), (run.id, "afterSeq=x", "afterSeq")):
        with pytest.raises(ValidationFailed) as caught:
            await ask(run_id, query)
        assert [fault.path for fault in caught.value.faults] == [path]


async def test_whoever_is_nobody_or_lacks_the_scope_gets_nothing(stored_run: MakeRun) -> None:
    run = await rows(stored_run)

    with pytest.raises(Unauthenticated):
        await ask(run.id, Authorization="none")
    with pytest.raises(Forbidden):
        await ask(run.id, **{"X-Scopes": "runs:write"})


async def test_a_cursor_beyond_a_live_run_is_refused_with_its_last_seq(
    stored_run: MakeRun, append_events: Append
) -> None:
    run = await rows(stored_run)
    await rows(append_events, run, 3)

    with pytest.raises(CursorAhead) as caught:
        await ask(run.id, "afterSeq=4")
    assert caught.value.details == {"lastSeq": 3}


async def test_only_get_is_answered(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    request = AsyncRequestFactory().post(f"/runs/{run.id}/agui")

    assert (await view.agui(request, run_id=run.id)).status_code == 405


# --- the frames


async def test_the_answer_is_an_event_stream_that_no_proxy_keeps(stored_run: MakeRun) -> None:
    response = await ask((await rows(stored_run)).id)

    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache, no-store, no-transform"
    assert response["X-Accel-Buffering"] == "no"


async def test_a_live_run_is_told_from_its_snapshots_to_its_end(settings: Settings) -> None:
    run = await rows(running_run)
    async with streaming(run) as stream:
        beginning = await stream.until("STEP_STARTED")
        opened = {"RUN_STARTED", "MESSAGES_SNAPSHOT", "STATE_SNAPSHOT"}
        assert {event["type"] for _, event in beginning[:3]} == opened
        assert beginning[-1] == (run.last_seq, {"type": "STEP_STARTED", "stepName": "running"})
        await rows(talk, run, *TALK)
        await rows(end, run)
        events = [*beginning, *await stream.all()]

    reader = read(events)
    assert reader.types[-1] == "RUN_FINISHED"
    assert texts(reader) == ["good morning", "sunny", "then let us go"]
    assert [message["role"] for message in reader.messages] == [
        *("assistant", "assistant", "tool", "activity", "activity", "assistant")
    ]
    state = cast(Json, reader.state)
    assert state["run"]["ending"] == {"status": "completed", "code": "resolved"} | state["run"]["ending"]
    # It should show the last state before the end, and close what it opened after that.
    last_state = max(place for place, kind in enumerate(reader.types) if kind == "STATE_SNAPSHOT")
    assert set(reader.types[last_state + 1 :]) == {"SUBAGENT_FINISHED", "STEP_FINISHED", "RUN_FINISHED"}


async def test_the_id_stands_on_the_last_frame_of_its_number_alone() -> None:
    run = await rows(running_run)
    async with streaming(run) as stream:
        events = await stream.until("STEP_STARTED")
        await rows(talk, run, *TALK)
        await rows(end, run)
        events += await stream.all()

    log = await rows(lambda: {event.seq: event for event in iterate_events(run.id)})
    ids = [seq for seq, _ in events if seq is not None]
    assert ids == list(range(run.last_seq, len(log) + 1))
    # It should not move on before everything of that number was sent: the next number begins right after the id.
    reached = run.last_seq
    for seq, event in events[events.index(next(one for one in events if one[0])) + 1 :]:
        if event["type"] == "CUSTOM":
            assert event["value"]["seq"] == reached + 1
        if "metadata" in event:
            assert event["metadata"]["signalbox"]["seq"] == reached + 1
        reached = seq or reached
    assert events[-1][0] == reached == len(log)


async def test_the_beginning_says_what_is_public_of_the_request(stored_run: MakeRun) -> None:
    run = await rows(stored_run, tags=["nightly"], metadata={"team": "red"}, session_id="thread-1")
    async with streaming(run) as stream:
        _, started = await stream.next() or (None, {})

    assert (started["threadId"], started["runId"]) == ("thread-1", str(run.id))
    assert started["protocolVersion"] == "1.0"
    assert started["input"]["forwardedProps"] == {
        "mode": "sandbox",
        "modeName": run.mode_name,
        "runtimeKind": "scripted",
        "sessionOpener": "control-plane",
        "tags": ["nightly"],
        "metadata": {"team": "red"},
    }
    assert "secret" not in str(started)


async def test_a_run_without_a_session_is_its_own_thread(stored_run: MakeRun) -> None:
    run = await rows(stored_run, session_id=None)
    async with streaming(run) as stream:
        assert (await stream.next() or (None, {}))[1]["threadId"] == str(run.id)


@pytest.mark.parametrize(
    ("how_it_ends", "last"),
    [
        ({}, {"type": "RUN_FINISHED", "result": {"status": "completed", "code": "resolved"}}),
        ({"status": "cancelled", "code": "cancelled"}, {"type": "RUN_FINISHED", "outcome": {"type": "cancelled"}}),
        (
            {"status": "failed", "code": "recovery_exhausted", "error": "no owner made progress"},
            {"type": "RUN_ERROR", "code": "recovery_exhausted", "message": "no owner made progress"},
        ),
    ],
)
async def test_an_ended_run_is_shown_and_ended_at_once(how_it_ends: dict[str, str], last: Json) -> None:
    run = await rows(lambda: a_small_run(**how_it_ends))
    async with streaming(run) as stream:
        events = await stream.all()

    assert [seq for seq, _ in events if seq] == [run.ending_seq]
    seq, event = events[-1]
    assert (seq, event) == (run.ending_seq, event | last)
    reader = read(events)
    assert reader.has_ended
    assert texts(reader) == ["good morning", "sunny", "then let us go"]


async def test_silence_is_broken_by_comments_alone(settings: Settings, stored_run: MakeRun) -> None:
    settings.STREAM_SSE_HEARTBEAT_MS = 100
    async with streaming(await rows(stored_run)) as stream:
        await stream.until("STEP_STARTED")
        assert [await stream.frame() for _ in range(2)] == [b": keep-alive"] * 2


async def test_the_state_follows_a_run_that_moves() -> None:
    run = await rows(running_run)
    async with streaming(run, "snapshotMs=500") as stream:
        await stream.until("STATE_SNAPSHOT")
        reached, shown = run.last_seq, []
        for number in itertools.count():
            await rows(talk, run, said(number, "alice", "Note", text=str(number)))
            for seq, event in await stream.until("TEXT_MESSAGE_END"):
                if event["type"] == "STATE_SNAPSHOT":
                    shown.append(event["snapshot"]["timeline"]["latestSeq"])
                    # It should show what the reader was told, never more.
                    assert shown[-1] <= reached
                reached = seq or reached
            if len(shown) == 3:
                break
    assert shown == sorted(set(shown))


async def test_the_state_keeps_its_distance() -> None:
    run = await rows(running_run)
    async with streaming(run, "snapshotMs=60000") as stream:
        await stream.until("STATE_SNAPSHOT")
        await rows(talk, run, *TALK)
        await rows(end, run)
        types = [event["type"] for _, event in await stream.all()]

    # It should be shown once more, before the end.
    assert types.count("STATE_SNAPSHOT") == 1


# --- coming back


async def test_every_cursor_of_a_run_is_a_place_to_come_back_to() -> None:
    run = await rows(running_run)
    conversations = []
    for number, observation in enumerate(TALK):
        await rows(talk, run, observation)
        live = await rows(lambda: Run.objects.get(id=run.id))
        for cursor in range(live.last_seq + 1):
            by_header = cursor % 2 == 1
            headers = {"Last-Event-ID": str(cursor)} if by_header else {}
            async with streaming(run, "" if by_header else f"afterSeq={cursor}", **headers) as stream:
                reader = read(await stream.until("STATE_SNAPSHOT"))
            assert cast(Json, reader.state)["timeline"]["latestSeq"] == live.last_seq
            conversations.append((number, reader.messages))
        with pytest.raises(CursorAhead):
            await ask(run.id, f"afterSeq={live.last_seq + 1}")
    # It should be the same conversation whoever comes from where, and go on where it was.
    for number, conversation in conversations:
        assert all(conversation == other for same, other in conversations if same == number)
    assert len(conversations[-1][1]) == 6

    ending_seq = await rows(end, run)
    for cursor in range(ending_seq):
        async with streaming(run, f"afterSeq={cursor}") as stream:
            reader = read(await stream.all())
        assert reader.has_ended
        assert reader.messages == conversations[-1][1]
    for cursor in (ending_seq, ending_seq + 1):
        assert (await ask(run.id, f"afterSeq={cursor}")).status_code == 204
        assert (await ask(run.id, "afterSeq=0", **{"Last-Event-ID": str(cursor)})).status_code == 204


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 8])
async def test_a_reader_who_is_cut_off_again_and_again_reads_no_text_twice(frames: int) -> None:
    run = await rows(running_run)
    reader, last_id, waiting = Reader(), "", list(TALK)
    ending_seq = None
    for _ in range(200):
        if reader.has_ended:
            break
        answer = await ask(run.id, **({"Last-Event-ID": last_id} if last_id else {}))
        stream = Stream(cast(StreamingHttpResponse, answer))
        reader.connect()
        beginning = await stream.until("STATE_SNAPSHOT")
        if waiting:
            await rows(talk, run, waiting.pop(0))
        elif ending_seq is None:
            ending_seq = await rows(end, run)
        for _, event in beginning:
            reader.read(event)
        goes_to = (await rows(lambda: Run.objects.get(id=run.id))).last_seq
        for _ in range(frames if ending_seq is None else 1_000):
            if last_id == str(goes_to):
                break
            seq, event = await stream.next() or (None, {})
            reader.read(event)
            last_id = str(seq or last_id)
        await stream.close()

    assert int(last_id) == ending_seq
    assert (await ask(run.id, **{"Last-Event-ID": last_id})).status_code == 204
    async with streaming(run) as stream:
        assert reader.messages == read(await stream.all()).messages
    assert len(reader.texts_streamed) == len(set(reader.texts_streamed))


# --- the conversation so far


async def test_the_last_two_hundred_messages_are_shown_whatever_else_happens() -> None:
    run = await rows(running_run)
    noise = [said(number, "bob", "Progress", percentage=1, message=f"at {number}") for number in range(100)]
    notes = [said(1_000 + number, "alice", "Note", text=f"note {number}") for number in range(210)]
    await rows(lambda: record(run.id, [*notes, *noise], epoch=None))
    async with streaming(run) as stream:
        reader = read(await stream.until("STATE_SNAPSHOT"))

    assert texts(reader) == [f"note {number}" for number in range(10, 210)]
    assert reader.messages[0]["subagentRunId"] == f"{run.id}:alice"


async def test_a_long_silence_is_not_searched_for_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    run = await rows(running_run)
    await rows(talk, run, *(said(number, "alice", "Note", text=str(number)) for number in range(9)))
    monkeypatch.setattr(recent, "SEARCHED", 4)

    async with streaming(run) as stream:
        reader = read(await stream.until("STATE_SNAPSHOT"))

    assert texts(reader) == ["5", "6", "7", "8"]


async def test_a_few_huge_messages_make_no_huge_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    run = await rows(running_run)
    await rows(talk, run, *(said(number, "alice", "Note", text=f"{number}" * 1_000) for number in range(9)))
    monkeypatch.setattr(recent, "MESSAGE_BYTES", 3_000)

    async with streaming(run) as stream:
        reader = read(await stream.until("STATE_SNAPSHOT"))

    # It should hold one more than fits, so that the last one is always there.
    assert texts(reader) == ["6" * 1_000, "7" * 1_000, "8" * 1_000]


def test_reading_the_last_messages_is_one_statement_that_goes_backwards() -> None:
    run = running_run()
    talk(run, *TALK)
    with CaptureQueriesContext(connection) as queries:
        documents = recent.recent_documents(run.id, run.last_seq + 3)
    assert len(queries) == 1
    assert [document["seq"] for document in documents] == sorted(cast(int, one["seq"]) for one in documents)
    assert cast(int, documents[-1]["seq"]) <= run.last_seq + 3
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("SET enable_seqscan = on")
    assert "Index Scan Backward using events_run_seq" in plan


# --- endings that are none of the run's


async def test_a_failure_of_the_stream_is_no_failure_of_the_run(
    monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun
) -> None:
    def fail(run_id: UUID, after: int) -> object:
        raise OperationalError("password of dev")

    run = await rows(stored_run)
    monkeypatch.setattr(tail, "page_after", fail)
    async with streaming(run) as stream:
        await stream.until("STEP_STARTED")
        # It should close without an end, so that readers come back.
        assert await stream.frame() == b": SERVICE_UNAVAILABLE"
        assert await stream.frame() is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("password of dev"), b": SERVICE_UNAVAILABLE"),
        (RuntimeError("internal"), b": INTERNAL_ERROR"),
        (RunNotFound(), b": RUN_NOT_FOUND"),
    ],
)
async def test_a_beginning_that_cannot_be_read_says_so_and_closes(
    error: Exception, code: bytes, monkeypatch: pytest.MonkeyPatch, stored_run: MakeRun
) -> None:
    def fail(run_id: UUID, project_id: UUID, state: bytes) -> object:
        raise error

    monkeypatch.setattr(encoder, "beginning", fail)
    async with streaming(await rows(stored_run)) as stream:
        assert [await stream.frame() for _ in range(3)] == [b"retry: 3000", code, None]


async def test_a_client_that_leaves_leaves_nothing_behind(stored_run: MakeRun) -> None:
    run = await rows(stored_run)
    mine = asyncio.current_task()
    async with streaming(run) as stream:
        await stream.until("STEP_STARTED")
        waiting = asyncio.ensure_future(stream.next())
        async with asyncio.timeout(PATIENCE):
            while not any(task.get_name() == f"tail {run.id}" for task in asyncio.all_tasks()):
                await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert not len(tails_of_this_loop())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {mine}


async def test_whoever_leaves_between_two_frames_leaves_nothing_behind_either(stored_run: MakeRun) -> None:
    answer = await ask((await rows(stored_run)).id)
    body = cast(AsyncGenerator[bytes], answer._iterator)  # type: ignore[attr-defined] # the view's own
    async with asyncio.timeout(PATIENCE):
        while b"MESSAGES_SNAPSHOT" not in await anext(body):
            pass
        assert len(tails_of_this_loop())
        await body.aclose()

    assert not len(tails_of_this_loop())


# --- runs as they are


@pytest.mark.parametrize(
    ("scenario", "last"), [("decision", "RUN_FINISHED"), ("veto", "RUN_FINISHED"), ("failing", "RUN_ERROR")]
)
def test_a_played_run_is_a_valid_stream_from_each_of_its_moments(scenario: str, last: str) -> None:
    run_id = launch(runtime={"kind": "scripted", "options": {"scenario": scenario}})
    asyncio.run(observe_until(ended(run_id)))
    run = Run.objects.get(id=run_id)

    async def arrived() -> Reader:
        async with streaming(run) as stream:
            return read(await stream.all())

    reader = asyncio.run(arrived())
    assert reader.types[-1] == last
    log = list(iterate_events(run_id))
    # It should be the same conversation for whoever came earlier.
    for begins_at in range(len(log)):
        assert read_from(log, begins_at).messages == reader.messages
    assert {message["role"] for message in reader.messages} >= {"activity"}
