"""The hub on its real transports, the database and Redis: L18, S02, S03, F04, connections that are killed, forks."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from django.db import transaction
from pytest_django import Settings

from runs import hub
from runs.bridge import rows
from runs.hub.over_notify import RUNS_CHANNEL, OverNotify
from runs.hub.over_redis import CHANNEL, OverRedis
from runs.models import Run
from runs.models.identity import uuid7
from runs.streaming import log, tail
from runs.streaming.feed import follow
from tests.beside import environment_of
from tests.faults.proxy import Proxy
from tests.hubs import own_hub, threads_end
from tests.integration.runs.conftest import append, store_run
from tests.processes import PROJECT, wait_until
from tests.redis_process import RedisServer
from tests.service import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
    threads_end,
]
PATIENCE = 20
NEVER_MS = 600_000
NOTIFY, REDIS = "notify", pytest.param("redis", marks=pytest.mark.redis_server)

Publish = Callable[[bytes], object]


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[RedisServer]:
    """A Redis of this test alone, which the settings name."""
    with RedisServer() as server:
        settings.REDIS_URL = server.url
        yield server


@pytest.fixture(params=[NOTIFY, REDIS])
def transport(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """The hub of this process on either transport."""
    if request.param == "redis":
        request.getfixturevalue("redis_server")
    with own_hub(OverRedis() if request.param == "redis" else OverNotify()):
        yield request.param


@pytest.fixture
def over_redis(redis_server: RedisServer, transactional_db: None) -> Iterator[RedisServer]:
    """The hub of this process on Redis, which must answer, or be gone, at the end."""
    with own_hub(OverRedis()):
        yield redis_server


class Viewer:
    """Follows a run all the time, whether anybody asks what it sees or not."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen: asyncio.Queue[int] = asyncio.Queue()

    async def follow(self) -> None:
        async with contextlib.aclosing(follow(self._run.id)) as entries:
            async for entry in entries:
                self._seen.put_nowait(entry.seq)

    async def sees(self, count: int = 1) -> list[int]:
        """The numbers of the next events, once they came."""
        async with asyncio.timeout(PATIENCE):
            return [await self._seen.get() for _ in range(count)]


@contextlib.asynccontextmanager
async def viewing(run: Run) -> AsyncIterator[Viewer]:
    """Somebody follows the run, has seen its first event, which is made here, and waits for the second."""
    await rows(append, run)
    viewer = Viewer(run)
    following = asyncio.create_task(viewer.follow())
    try:
        assert await viewer.sees() == [1]
        yield viewer
    finally:
        following.cancel()
        await asyncio.wait({following})


async def nudged_for_sure() -> None:
    """Whatever had been handed to the nudger before has gone out, and has arrived here."""
    marker = uuid7()
    async with hub.subscribe(marker) as nudges:
        # The first may be taken for the connection that wakes everybody, the third is sent after the second arrived.
        for _ in range(3):
            await nudges.wait(0.05)
            await rows(hub.nudge, marker)
            assert await nudges.wait(PATIENCE)


# --- L18: nudges and commits


async def test_a_nudge_is_observed_only_after_the_commit_l18(transport: str) -> None:
    run = await rows(store_run)
    loop, may_commit, has_nudged = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def write() -> None:
        with transaction.atomic():
            append(run)
            loop.call_soon_threadsafe(has_nudged.set)
            asyncio.run_coroutine_threadsafe(may_commit.wait(), loop).result(PATIENCE)

    await nudged_for_sure()
    async with hub.subscribe(run.id) as nudges:
        writing = asyncio.create_task(rows(write))
        await asyncio.wait_for(has_nudged.wait(), PATIENCE)
        await nudged_for_sure()
        assert not await nudges.wait(0)

        may_commit.set()

        assert await nudges.wait(PATIENCE)
        assert await rows(Run.objects.values_list("last_seq", flat=True).get, id=run.id) == 1
        await writing


async def test_what_is_rolled_back_nudges_nobody_l18(transport: str) -> None:
    run = await rows(store_run)

    def write_nothing() -> None:
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            append(run)
            hub.call_observers()
            raise ZeroDivisionError

    await nudged_for_sure()
    async with hub.subscribe(run.id) as nudges, hub.subscribe_to_work() as work:
        await rows(write_nothing)
        await nudged_for_sure()
        assert not await nudges.wait(0)
        assert not await work.wait(0)


async def test_whoever_looks_for_work_is_called(transport: str) -> None:
    await nudged_for_sure()
    async with hub.subscribe_to_work() as work:
        await rows(hub.call_observers)
        assert await work.wait(PATIENCE)


# --- S02: what comes through the transport as nobody sent it


async def test_doubled_reordered_foreign_and_spoilt_nudges_harm_nobody_s02(
    transport: str, settings: Settings, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    one, other = await rows(store_run), await rows(store_run)
    await nudged_for_sure()
    async with viewing(one) as first, viewing(other) as second:
        with raw_publishing(transport, request) as publish:
            await rows(append, one, 2)
            await rows(append, other, 2)
            assert [await first.sees(2), await second.sees(2)] == [[2, 3], [2, 3]]
            for spoilt in (b"", b",", b"nobody's run", b"\xc3\xa4\xf0\x9f\x9a\x82", uuid7().hex.encode(), b"x" * 7_000):
                publish(spoilt)
            for run in (other, one, one, other, other):
                publish(f"{run.id.hex},{run.id.hex}".encode())
            await rows(append, one, 1)
            await rows(append, other, 1)
            assert [await second.sees(), await first.sees()] == [[4], [4]]
    assert caplog.text == ""  # nothing was so bad that the connection had to be made anew


@contextlib.contextmanager
def raw_publishing(transport: str, request: pytest.FixtureRequest) -> Iterator[Publish]:
    if transport == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        with server.client() as client:
            yield lambda payload: client.publish(CHANNEL, payload)
        return
    with psycopg.connect(database_url(), autocommit=True) as channel:
        yield lambda payload: channel.execute("SELECT pg_notify(%s, %s)", [RUNS_CHANNEL, payload.decode()])


# --- connections that are lost


async def test_streams_go_on_when_the_listening_connection_is_killed(
    settings: Settings, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    runs = [await rows(store_run) for _ in range(3)]
    with own_hub(OverNotify()):
        async with contextlib.AsyncExitStack() as opened:
            viewers = [await opened.enter_async_context(viewing(run)) for run in runs]
            await nudged_for_sure()
            for turn in range(2, 5):
                assert await rows(terminate, "LISTEN%") == 1
                for run in runs:
                    await rows(append, run)
                # It should see what was written while nobody listened.
                assert [await viewer.sees() for viewer in viewers] == [[turn]] * 3
    assert "readers poll until the database answers" in caplog.text


async def test_after_a_loss_one_statement_says_which_of_all_runs_have_moved(
    settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    runs = [await rows(store_run) for _ in range(5)]
    read: list[UUID] = []

    def counted(run_id: UUID, after: int) -> log.Page:
        read.append(run_id)
        return log.page_after(run_id, after)

    with own_hub(OverNotify()):
        async with contextlib.AsyncExitStack() as opened:
            viewers = [await opened.enter_async_context(viewing(run)) for run in runs]
            await nudged_for_sure()
            monkeypatch.setattr(tail, "page_after", counted)
            assert await rows(terminate, "LISTEN%") == 1
            await rows(append, runs[0])
            assert await viewers[0].sees() == [2]
            await nudged_for_sure()
    assert set(read) == {runs[0].id}


async def test_nudges_go_on_when_the_nudging_connection_is_killed(settings: Settings, transactional_db: None) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    run = await rows(store_run)
    with own_hub(OverNotify()):
        async with viewing(run) as viewer:
            await nudged_for_sure()
            for turn in range(2, 5):
                assert await rows(terminate, "%pg_notify%") == 1
                await rows(append, run)
                assert await viewer.sees() == [turn]


def terminate(statement: str) -> int:
    """How many sessions that said this last have been terminated, of those the hub of this test has opened."""
    with psycopg.connect(database_url(), autocommit=True) as channel:
        # The newest: an older hub of this process may have one as well.
        found = channel.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query LIKE %s ORDER BY backend_start DESC LIMIT 1",
            [statement],
        )
        return len(found.fetchall())


# --- F04, S03: Redis is away


@pytest.mark.redis_server
async def test_with_redis_and_notify_off_an_event_is_seen_at_the_next_poll_s03(
    settings: Settings, over_redis: RedisServer
) -> None:
    settings.STREAM_POLL_MS = 100
    over_redis.kill()
    run = await rows(store_run)
    async with viewing(run) as viewer:
        for turn in range(2, 7):
            await rows(append, run)
            assert await viewer.sees() == [turn]


@pytest.mark.redis_server
async def test_a_redis_that_is_down_at_the_start_is_used_once_it_is_there_f04(
    settings: Settings, redis_server: RedisServer, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "signalbox.hub")
    redis_server.kill()
    settings.STREAM_POLL_MS = 100
    run = await rows(store_run)
    with own_hub(OverRedis()):
        async with viewing(run) as viewer:
            await rows(append, run, 2)
            assert await viewer.sees(2) == [2, 3]
            await logged(caplog, "until Redis answers", times=2)

            await rows(redis_server.start)
            await logged(caplog, "Redis answers again", times=2)
            settings.STREAM_POLL_MS = NEVER_MS
            await rows(append, run)
            assert await viewer.sees() == [4]  # perhaps by the last poll; the next wait is for a nudge
            await rows(append, run)
            assert await viewer.sees() == [5]
    assert caplog.text.count("until Redis answers") == 2  # one for each end


@pytest.mark.redis_server
async def test_a_redis_that_is_killed_and_restarted_costs_no_open_stream_an_event_f04(
    settings: Settings, over_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    runs = [await rows(store_run) for _ in range(2)]
    async with viewing(runs[0]) as one, viewing(runs[1]) as other:
        await nudged_for_sure()
        for turn in range(2, 5):
            await rows(over_redis.kill)
            for run in runs:
                await rows(append, run)
            await logged(caplog, "nothing is heard of other processes", times=turn - 1)
            await rows(over_redis.start)
            assert [await one.sees(), await other.sees()] == [[turn], [turn]]


@pytest.mark.redis_server
async def test_a_redis_that_is_flushed_has_lost_nothing_of_ours_f04(
    settings: Settings, over_redis: RedisServer
) -> None:
    settings.STREAM_POLL_MS = NEVER_MS
    run = await rows(store_run)
    async with viewing(run) as viewer:
        await nudged_for_sure()
        with over_redis.client() as client:
            assert client.dbsize() == 0  # nothing is kept there
            client.flushall()
        await rows(append, run)
        assert await viewer.sees() == [2]


@pytest.mark.redis_server
async def test_a_redis_that_is_two_seconds_slow_holds_nobody_up_f04(
    settings: Settings, redis_server: RedisServer, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STREAM_POLL_MS = 100
    run = await rows(store_run)
    with Proxy("127.0.0.1", redis_server.port) as proxy:
        settings.REDIS_URL = f"redis://{proxy.address}"
        with own_hub(OverRedis()):
            async with viewing(run) as viewer:
                await nudged_for_sure()
                proxy.delay(2.0)
                late = asyncio.create_task(nudged_once())
                for turn in range(2, 22):
                    await rows(append, run)
                    assert await viewer.sees() == [turn]
                # It should have been seen while the first nudge is still on its way.
                assert not late.done()
                assert await late
                proxy.pass_through()
    assert caplog.text == ""  # slow is not away


async def nudged_once() -> bool:
    run_id = uuid7()
    async with hub.subscribe(run_id) as nudges:
        await rows(hub.nudge, run_id)
        return await nudges.wait(PATIENCE)


@pytest.mark.redis_server
async def test_a_redis_that_answers_nothing_is_given_up_and_found_again_f04(
    settings: Settings,
    over_redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "signalbox.hub")
    monkeypatch.setattr("runs.hub.over_redis.PATIENCE_SECONDS", 0.3)
    settings.STREAM_POLL_MS = 100
    run = await rows(store_run)
    async with viewing(run) as viewer:
        await nudged_for_sure()
        over_redis.freeze()
        try:
            await rows(append, run, 2)
            assert await viewer.sees(2) == [2, 3]
            await logged(caplog, "until Redis answers", times=2)
        finally:
            over_redis.thaw()
        await logged(caplog, "Redis answers again", times=2)
        settings.STREAM_POLL_MS = NEVER_MS
        await rows(append, run)
        assert await viewer.sees() == [4]
        await rows(append, run)
        assert await viewer.sees() == [5]


async def logged(caplog: pytest.LogCaptureFixture, part: str, *, times: int) -> None:
    await asyncio.to_thread(wait_until, lambda: caplog.text.count(part) >= times, within_s=PATIENCE, what=part)


# --- processes that are forked

FORKED = """
import asyncio, os, sys, threading, uuid
import django
django.setup()
from django.db import connection
from runs import hub

async def hears(run_id, *, act):
    async with hub.subscribe(run_id) as nudges:
        while await nudges.wait(0.3): pass  # the connection wakes everybody
        await asyncio.to_thread(act)
        return await nudges.wait(15)

def says(run_id):
    hub.nudge(run_id)
    connection.close()

of_child, of_parent = uuid.uuid4(), uuid.uuid4()
assert asyncio.run(hears(of_parent, act=lambda: says(of_parent)))
mine = {thread.ident for thread in threading.enumerate()}
assert {"nudger", "listener"} <= {thread.name for thread in threading.enumerate()}

heard, done = os.pipe()
child = os.fork()
if not child:
    try:
        assert threading.active_count() == 1
        assert asyncio.run(hears(of_child, act=lambda: says(of_child))), "the child does not hear itself"
        assert {"nudger", "listener"} <= {thread.name for thread in threading.enumerate()}
        says(of_parent)
        assert asyncio.run(hears(of_child, act=lambda: os.write(done, b"!"))), "the child does not hear its parent"
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)

assert asyncio.run(hears(of_parent, act=lambda: None)), "the parent does not hear its child"
assert os.read(heard, 1) == b"!"
says(of_child)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
# The child has ended, and took nothing of its parent's with it.
assert asyncio.run(hears(of_parent, act=lambda: says(of_parent)))
assert mine <= {thread.ident for thread in threading.enumerate()}
print("both")
"""


@pytest.mark.parametrize("over", [NOTIFY, REDIS])
def test_a_forked_child_has_ends_of_its_own_and_leaves_its_parents_alone(
    over: str, transactional_db: None, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("redis_server").url if over == "redis" else ""
    environment = environment_of({"REDIS_URL": url, "SIGNALBOX_PROCESS": "queue"})
    command = [sys.executable, "-c", FORKED]

    told = subprocess.run(
        command, check=False, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=90
    )

    assert (told.returncode, told.stdout.strip()) == (0, "both"), told.stderr
    assert "Traceback" not in told.stderr
