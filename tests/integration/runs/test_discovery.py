"""Sessions that somebody else opened become runs: each one, once, whatever happens to the watch (C22)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import DataError, OperationalError, connection
from pytest_django.fixtures import Settings

from runs.bridge import rows
from runs.domain.events import Observation, ObservationKind, SessionSnapshot, SessionState, StreamStatus
from runs.domain.requests import decode_request
from runs.errors import RuntimeRejected, RuntimeUnavailable, RuntimeUnsupported
from runs.models import AuditEntry, Event, Run
from runs.observer import discovery
from runs.observer.discovery import Discovery
from runs.operations.adopt import adopt_session
from runs.queries import sessions_without_run
from runs.runtimes.registry import Runtimes
from runs.runtimes.scripted import ScriptedRuntime
from tests.caller import Post
from tests.underway import launched

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "watched"
PATIENCE = 20.0
STANDS = Observation(kind=ObservationKind.STREAM_STATUS, body=StreamStatus(status="opened"))

Told = SessionSnapshot | BaseException


class WatchedRuntime(ScriptedRuntime):
    """Its watches tell what a test wrote down, one list each and the last again and again, which then stays silent."""

    watches: list[Sequence[Told]] = []
    begun = 0
    read = 0

    async def sessions(self) -> AsyncIterator[Observation]:
        number = WatchedRuntime.begun
        WatchedRuntime.begun += 1
        told = self.watches[min(number, len(self.watches) - 1)]
        if told and isinstance(told[0], RuntimeUnsupported):
            raise told[0]
        yield STANDS
        for one in told:
            if isinstance(one, BaseException):
                raise one
            WatchedRuntime.read += 1
            yield Observation(kind=ObservationKind.LIFECYCLE, body=one)
        if number < len(self.watches) - 1:
            return
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def watched(settings: Settings) -> type[WatchedRuntime]:
    """The runtime whose sessions are watched."""
    settings.RUNTIME_ADAPTERS = {**settings.RUNTIME_ADAPTERS, KIND: f"{__name__}.WatchedRuntime"}
    settings.RUNTIME_KIND = KIND
    settings.STREAM_BACKOFF_BASE_MS = 1
    WatchedRuntime.watches, WatchedRuntime.begun, WatchedRuntime.read = [], 0, 0
    return WatchedRuntime


def session(session_id: str | None = None, state: SessionState = SessionState.OPEN) -> SessionSnapshot:
    """A session of lead and ann, as a watch tells of it."""
    return SessionSnapshot(
        session_id=session_id or str(uuid4()),
        state=state,
        mode_name="macp.mode.decision.v1",
        mode_version="1.0.0",
        initiator="lead",
        participants=("lead", "ann"),
        started_at_unix_ms=1,
        expires_at_unix_ms=60_001,
    )


def discovered(*sessions: SessionSnapshot, adopt: discovery.Adopt = adopt_session) -> None:
    """Watches until every one of the sessions has a run."""

    async def watch() -> None:
        watching = asyncio.create_task(Discovery(Runtimes(), adopt).watch())
        names = [one.session_id for one in sessions]
        async with asyncio.timeout(PATIENCE):
            while await rows(sessions_without_run, names):
                assert not watching.done(), watching.exception()
                await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.wait({watching})

    asyncio.run(watch())


def run_of(one: SessionSnapshot) -> Run:
    return Run.objects.get(session_id=one.session_id)


def test_a_session_becomes_a_run_under_its_own_id(watched: type[WatchedRuntime]) -> None:
    seen = session()
    watched.watches = [[seen]]

    discovered(seen)

    run = run_of(seen)
    assert str(run.id) == seen.session_id
    assert (run.status, run.session_opener, run.runtime_kind, run.source_kind) == ("queued", "agent", KIND, "discovery")
    assert (run.mode, run.mode_name, run.tags) == ("live", seen.mode_name, [])
    assert decode_request(run.request).initiator == "lead"
    created = Event.objects.get(run_id=run.id)
    assert (created.type, created.source_name) == ("run.created", "discovery")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_type, entry.action) == ("discovery", "system", "run.created")
    assert entry.resource_id == str(run.id)


def test_a_session_whose_id_is_no_uuid_becomes_a_run_with_an_id_of_its_own_c22(
    watched: type[WatchedRuntime],
) -> None:
    seen = session("a-token-that-is-no-uuid_1234567890")
    watched.watches = [[seen]]

    discovered(seen)

    assert isinstance(run_of(seen).id, UUID)


def test_a_session_whose_id_is_that_of_another_run_becomes_a_run_all_the_same(watched: type[WatchedRuntime]) -> None:
    other = launched(session={"sessionId": str(uuid4())}, runtime={"kind": "scripted"})
    seen = session(str(other.id))
    watched.watches = [[seen]]

    discovered(seen)

    assert run_of(seen).id != other.id


def test_what_has_ended_before_it_was_seen_is_skipped(watched: type[WatchedRuntime]) -> None:
    ended = [session(state=state) for state in (SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED)]
    suspended = session(state=SessionState.SUSPENDED)
    watched.watches = [[*ended, suspended]]

    discovered(suspended)

    assert [run.session_id for run in Run.objects.all()] == [suspended.session_id]


def test_a_session_of_a_launch_of_ours_is_never_doubled(watched: type[WatchedRuntime], post_run: Post) -> None:
    ours = session(post_run()["sessionId"])
    last = session()
    watched.watches = [[ours, ours, last, ours]]

    discovered(last)

    assert Run.objects.count() == 2
    assert run_of(ours).session_opener == "control-plane"


@pytest.mark.parametrize("named", [None, "a-token-that-is-no-uuid_1234567890"])
def test_of_two_observers_that_see_a_session_at_once_one_makes_the_run(named: str | None) -> None:
    for number in range(5):
        seen, together = session(named and f"{named}{number}"), threading.Barrier(2)

        def adopt(seen: SessionSnapshot = seen, together: threading.Barrier = together) -> bool:
            try:
                together.wait(PATIENCE)
                return adopt_session(KIND, seen)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as threads:
            answers = [future.result() for future in [threads.submit(adopt) for _ in range(2)]]

        assert sorted(answers) == [False, True]
        assert Run.objects.filter(session_id=seen.session_id).count() == 1
    assert AuditEntry.objects.count() == Run.objects.count() == 5


def test_a_session_that_is_slow_to_adopt_holds_up_no_other_c22(watched: type[WatchedRuntime]) -> None:
    slow, others = session(), [session() for _ in range(20)]
    watched.watches = [[slow, *others]]
    released = threading.Event()

    def adopt(kind: str, seen: SessionSnapshot) -> bool:
        if seen.session_id == slow.session_id:
            released.wait(PATIENCE)
        return adopt_session(kind, seen)

    try:
        discovered(*others, adopt=adopt)
        assert sessions_without_run([slow.session_id])
    finally:
        released.set()


def test_while_nothing_can_be_adopted_the_watch_is_read_no_further_c22(
    watched: type[WatchedRuntime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "MOST_WAITING", 10)
    monkeypatch.setattr(discovery, "BATCH", 5)
    everybody = [session() for _ in range(100)]
    watched.watches = [everybody]
    released, held = threading.Event(), threading.Semaphore(0)

    def adopt(kind: str, seen: SessionSnapshot) -> bool:
        held.release()
        released.wait(PATIENCE)
        return adopt_session(kind, seen)

    def look() -> None:
        for _ in range(discovery.AT_ONCE):
            assert held.acquire(timeout=PATIENCE)
        # Held: those being adopted, the batch they came from and another that may wait for a place, what waits, and the one
        # that is put there.
        most = discovery.AT_ONCE + discovery.BATCH + discovery.MOST_WAITING + 1
        assert watched.read <= most
        released.set()

    looking = threading.Thread(target=look)
    looking.start()
    discovered(*everybody, adopt=adopt)
    looking.join()
    assert Run.objects.count() == 100


def test_what_is_remembered_of_sessions_is_bounded_c22() -> None:
    recent = discovery._Recent(3)
    for name in ("a", "b", "c", "a", "d"):
        recent.add(name)

    assert [name in recent for name in "abcd"] == [True, False, True, True]


def test_a_watch_that_breaks_off_or_ends_is_begun_again(watched: type[WatchedRuntime]) -> None:
    first, second, third, fourth = (session() for _ in range(4))
    watched.watches = [
        [first, RuntimeUnavailable("gone")],
        [first, second],
        [RuntimeRejected("not you", runtime_code="UNAUTHENTICATED")],
        [third],
        [first, second, third, fourth],
    ]

    discovered(first, second, third, fourth)

    assert Run.objects.count() == 4
    assert watched.begun == 5


def test_a_runtime_that_tells_nothing_of_its_sessions_is_asked_again_much_later(
    watched: type[WatchedRuntime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "UNSUPPORTED_PAUSE_MS", 30)
    seen = session()
    watched.watches = [[RuntimeUnsupported()], [seen]]

    discovered(seen)

    assert watched.begun == 2


def test_a_database_that_is_away_loses_no_session(watched: type[WatchedRuntime]) -> None:
    seen = [session() for _ in range(3)]
    watched.watches = [seen, seen, seen]
    failures = [OperationalError("away"), OperationalError("away")]

    def adopt(kind: str, one: SessionSnapshot) -> bool:
        if failures:
            raise failures.pop()
        return adopt_session(kind, one)

    discovered(*seen, adopt=adopt)

    assert Run.objects.count() == 3


@pytest.mark.parametrize("fault", [ValueError("a defect"), DataError("no such value")])
def test_a_session_that_cannot_be_adopted_is_left_out_and_tried_once(
    watched: type[WatchedRuntime], caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    bad, first, last = session(), session(), session()
    watched.watches = [[bad, first, bad, last]]
    tried = []

    def adopt(kind: str, one: SessionSnapshot) -> bool:
        if one.session_id == bad.session_id:
            tried.append(one)
            raise fault
        return adopt_session(kind, one)

    discovered(first, last, adopt=adopt)

    assert len(tried) == 1
    assert f"session {bad.session_id} cannot be adopted" in caplog.text


def test_discovered_runs_are_listed_with_all_others(watched: type[WatchedRuntime], caller: object) -> None:
    seen = session()
    watched.watches = [[seen]]
    discovered(seen)

    body = orjson.loads(caller.get("/runs").content)  # type: ignore[attr-defined]

    assert [(run["runtimeSessionId"], run["sourceKind"]) for run in body["data"]] == [(seen.session_id, "discovery")]
    assert body["data"][0]["metadata"]["requester"] == {"actorId": "discovery", "actorType": "service"}
