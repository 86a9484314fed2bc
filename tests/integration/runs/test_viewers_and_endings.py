"""Viewers gate nothing that is recorded, and what is recorded reaches each of them (L15, L16, L17, L18, T05)."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from runs import hub
from runs.bridge import rows
from runs.models import Event, Run
from runs.streaming import tail
from tests.beside import environment_of
from tests.cast import queued_run
from tests.integration.runs.test_observe_run import becomes_true, launch
from tests.integration.runs.test_observer_loops import Beside
from tests.integration.runs.test_sse import Stream, ask, streaming
from tests.invariants import types_of
from tests.service import ObserverProcess
from tests.stream_callers import stand_in

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
PATIENCE = 20
NEVER_MS = 60_000
# Records one message for every line it reads, and says so once it is committed.
REPLICA = """
import sys
from uuid import UUID
import django
django.setup()
from runs.recorder import record
from tests.cast import envelope
print("ready", flush=True)
for number, line in enumerate(sys.stdin):
    record(UUID(line.strip()), [envelope(number)], epoch=None)
    print("recorded", flush=True)
"""


@pytest.fixture(autouse=True)
def authenticated(settings: Settings) -> None:
    stand_in(settings)


class Replica:
    """Another process that writes to the same database."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", REPLICA],
            cwd=ROOT,
            env=environment_of(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said("ready")

    def record(self, run_id: UUID) -> None:
        """One more message of the run is committed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{run_id}\n")
        self._process.stdin.flush()
        self._said("recorded")

    def stop(self) -> None:
        self._process.communicate(timeout=PATIENCE)

    def _said(self, word: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{word}\n"


@pytest.fixture
def replica() -> Iterator[Replica]:
    replica = Replica()
    yield replica
    replica.stop()


@contextlib.asynccontextmanager
async def never_nudged(run_id: UUID) -> AsyncIterator[hub.Nudges]:
    """A subscription to which no nudge ever comes."""
    yield hub.Nudges()


# -- from one replica to another


@pytest.mark.parametrize("way", ["a nudge", "the poll"])
async def test_what_one_replica_records_reaches_the_viewers_of_another_l15(
    way: str, replica: Replica, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one way is shut, so what arrives has come by the other: no poll comes round while the test waits.
    settings.STREAM_POLL_MS = NEVER_MS if way == "a nudge" else 100
    if way == "the poll":
        monkeypatch.setattr(tail.hub, "subscribe", never_nudged)
    run = await rows(queued_run)
    async with streaming(run, "afterSeq=1&includeSnapshot=false&heartbeatMs=60000") as stream:
        for seq in range(2, 10):
            told = asyncio.create_task(stream.told(1))
            await asyncio.to_thread(replica.record, run.id)
            assert await told == [f"event {seq}"]


# -- viewers who are not there


def launched(**options: object) -> Run:
    return Run.objects.get(id=launch(runtime={"kind": "scripted", "options": options}))


def have_ended(*runs: Run) -> bool:
    return not Run.objects.filter(id__in=[run.id for run in runs], ending_seq=None).exists()


async def test_a_run_is_recorded_alike_whether_it_is_watched_left_or_not_watched_and_tells_its_ending_later_l16() -> (
    None
):
    unwatched, left, watched = [await rows(launched, scenario="decision") for _ in range(3)]
    # The viewers sit in this process, the owner of the runs in another.
    async with (
        streaming(watched, "afterSeq=0&includeSnapshot=false") as stream,
        streaming(left, "afterSeq=0&includeSnapshot=false") as leaving,
    ):
        with ObserverProcess() as observer:
            seen = await leaving.told(4)
            await leaving.close()
            told = await stream.all()
            await becomes_true(lambda: rows(have_ended, unwatched, left, watched))
            await asyncio.to_thread(observer.stop)

    logs = [await rows(types_of, run.id) for run in (unwatched, left, watched)]
    assert logs[0] == logs[1] == logs[2]
    assert logs[0][-1] == "run.completed"
    whole = [*(f"event {seq}" for seq in range(1, len(logs[0]) + 1)), "end"]
    assert told == whole
    async with streaming(left, "includeSnapshot=false", **{"Last-Event-ID": str(len(seen))}) as again:
        assert seen + await again.all() == whole
    async with streaming(unwatched, "afterSeq=0&includeSnapshot=false") as late:
        assert await late.all() == whole


async def test_viewers_who_leave_at_any_frame_keep_no_run_from_its_one_ending_t05() -> None:
    run = await rows(launched, scenario="load", events=20, ratePerSecond=100)
    length = 1 + 20 + 6  # of the log, about: somebody leaves at every frame of it

    async def abandon(frames: int) -> None:
        async with streaming(run, "afterSeq=0&heartbeatMs=60000") as stream:
            await stream.told(frames)

    async with Beside():
        viewers = [asyncio.create_task(abandon(frames)) for frames in range(length)]
        await becomes_true(lambda: rows(have_ended, run))
        await asyncio.gather(*viewers)

    log = await rows(types_of, run.id)
    assert [one for one in log if one in ("run.completed", "run.failed", "run.cancelled")] == [log[-1]]
    assert log[-1] == "run.completed"
    assert log.count("message.received") == 21
    assert not hub._listener()._subscribers.get(run.id.hex)


async def test_the_same_ending_told_twice_is_the_same_event_l17() -> None:
    run = await rows(launched, scenario="failing")
    async with Beside():
        await becomes_true(lambda: rows(have_ended, run))
    ending = await rows(Event.objects.get, run_id=run.id, seq=Run.objects.values_list("last_seq", flat=True)[:1])

    async def told() -> list[tuple[str, int | None, dict[str, object]]]:
        """What a client is sent that has not yet taken note of the ending."""
        async with streaming(run, f"afterSeq={ending.seq - 1}&includeSnapshot=false") as stream:
            return [frame async for frame in _every(stream)]

    first, second = await told(), await told()
    assert first == second
    [(name, seq, event), (last, _, end)] = first
    assert (name, seq, event["id"]) == ("canonical_event", ending.seq, str(ending.id))
    assert (last, end["seq"]) == ("end", ending.seq)
    # Who has taken note of it is told nothing more.
    assert (await ask(run.id, f"afterSeq={ending.seq}")).status_code == 204


async def _every(stream: Stream) -> AsyncIterator[tuple[str, int | None, dict[str, object]]]:
    while (frame := await stream.next()) is not None:
        yield frame
