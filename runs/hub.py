"""Nudges: "run X moved", sent after COMMIT, without data; a lost one costs a reader its poll interval and nothing else.

NOTIFY inside a writing transaction would serialise all commits of the database, so one nudger per process sends them from
a connection of its own (autocommit, no wait for the disk), all runs of 10 ms in one call. One listener per process
wakes whoever subscribed. Both start with their first use and never before a fork.
"""

import asyncio
import contextlib
import functools
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from uuid import UUID

import psycopg
from django.db import connection, transaction

log = logging.getLogger("signalbox.hub")

RUNS_CHANNEL = "signalbox_runs"
WORK_CHANNEL = "signalbox_work"
COALESCE_SECONDS = 0.01
RECONNECT_SECONDS = 0.5
IDS_PER_NOTIFY = 200  # 33 bytes each; a payload ends at 8 000
WORK = "work"  # the topic of observers that look for runs to own
ANY_RUN = "any run"  # the topic of whoever watches all runs
MOST_REMEMBERED = 10_000  # ids of moved runs that wait to be taken; of more it is only known that there are


def nudge(run_id: UUID) -> None:
    """Whoever watches `run_id` wakes up soon after the present transaction commits."""
    transaction.on_commit(lambda: _nudger().add(run_id.hex))


def call_observers() -> None:
    """Some observer looks for runs to own soon after the present transaction commits."""
    transaction.on_commit(lambda: _nudger().add(WORK))


@contextlib.asynccontextmanager
async def subscribe(run_id: UUID) -> AsyncIterator["Nudges"]:
    """Nudges of one run from now on; subscribe before you read and nothing falls between."""
    nudges = Nudges()
    async with _subscribed(run_id.hex, nudges):
        yield nudges


@contextlib.asynccontextmanager
async def subscribe_to_work() -> AsyncIterator["Nudges"]:
    """Nudges that there may be runs to own."""
    nudges = Nudges()
    async with _subscribed(WORK, nudges):
        yield nudges


@contextlib.asynccontextmanager
async def subscribe_to_runs() -> AsyncIterator["RunNudges"]:
    """Nudges of every run from now on, and which runs they were of."""
    nudges = RunNudges()
    async with _subscribed(ANY_RUN, nudges):
        yield nudges


class Nudges:
    """What one subscriber waits on; any number of nudges between two waits count as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        """The next or present wait returns; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    def hear(self, ids: Iterable[str]) -> None:
        """These runs have moved, this subscriber's among them; may be called from any thread."""
        self.wake()

    async def wait(self, timeout: float | None = None) -> bool:
        """True once nudged, False after `timeout` seconds without."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class RunNudges(Nudges):
    """What one subscriber to every run waits on: it also learns which of them moved."""

    def __init__(self) -> None:
        super().__init__()
        self._moved: set[str] = set()
        self._has_missed_some = False
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Runs may have moved while nobody listened."""
        with self._lock:
            self._has_missed_some = True
        super().wake()

    def hear(self, ids: Iterable[str]) -> None:
        """These runs have moved; may be called from any thread."""
        with self._lock:
            if len(self._moved) < MOST_REMEMBERED:
                self._moved.update(ids)
            else:
                self._has_missed_some = True
        super().wake()

    def take(self) -> tuple[list[UUID], bool]:
        """The runs that moved since they were taken last, and whether others may have, unheard."""
        with self._lock:
            taken, self._moved = self._moved, set()
            missed, self._has_missed_some = self._has_missed_some, False
        return [UUID(hex=run_id) for run_id in taken], missed


@contextlib.asynccontextmanager
async def _subscribed(topic: str, nudges: Nudges) -> AsyncIterator[None]:
    listener = _listener()
    listener.add(topic, nudges)
    try:
        yield
    finally:
        listener.remove(topic, nudges)


def _connect() -> psycopg.Connection[tuple[object, ...]]:
    parameters = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return psycopg.Connection[tuple[object, ...]].connect(**parameters, autocommit=True)


class _Nudger:
    """The thread that sends this process's nudges."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._added = threading.Condition()
        threading.Thread(target=self._run, name="nudger", daemon=True).start()

    def add(self, topic: str) -> None:
        with self._added:
            self._waiting.add(topic)
            self._added.notify()

    def _take(self) -> set[str]:
        with self._added:
            while not self._waiting:
                self._added.wait()
            taken, self._waiting = self._waiting, set()
            return taken

    def _run(self) -> None:
        while True:
            try:
                with _connect() as channel:
                    channel.execute("SET synchronous_commit = off")
                    while True:
                        _notify(channel, self._take())
                        time.sleep(COALESCE_SECONDS)
            except psycopg.Error as error:
                # What was taken is lost; readers poll. The next nudge finds a new connection.
                log.warning("nudges are lost until the database answers: %s", error)
                time.sleep(RECONNECT_SECONDS)


def _notify(channel: psycopg.Connection[tuple[object, ...]], topics: set[str]) -> None:
    if WORK in topics:
        topics.discard(WORK)
        channel.execute("SELECT pg_notify(%s, '')", [WORK_CHANNEL])
    ids = sorted(topics)
    for start in range(0, len(ids), IDS_PER_NOTIFY):
        channel.execute("SELECT pg_notify(%s, %s)", [RUNS_CHANNEL, ",".join(ids[start : start + IDS_PER_NOTIFY])])


class _Listener:
    """The thread that receives nudges for all subscribers of this process."""

    def __init__(self) -> None:
        self._subscribers: defaultdict[str, set[Nudges]] = defaultdict(set)
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="listener", daemon=True).start()

    def add(self, topic: str, nudges: Nudges) -> None:
        with self._lock:
            self._subscribers[topic].add(nudges)

    def remove(self, topic: str, nudges: Nudges) -> None:
        with self._lock:
            self._subscribers[topic].discard(nudges)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    def _wake(self, topics: Iterable[str]) -> None:
        for nudges in self._of(topics):
            nudges.wake()

    def _tell(self, ids: list[str]) -> None:
        for nudges in self._of([*ids, ANY_RUN]):
            nudges.hear(ids)

    def _of(self, topics: Iterable[str]) -> list[Nudges]:
        with self._lock:
            return [nudges for topic in topics for nudges in self._subscribers.get(topic, ())]

    def _run(self) -> None:
        while True:
            try:
                with _connect() as channel:
                    channel.execute(f"LISTEN {RUNS_CHANNEL}")
                    channel.execute(f"LISTEN {WORK_CHANNEL}")
                    self._wake(list(self._subscribers))  # whatever was missed while nobody listened
                    for notice in channel.notifies():
                        if notice.channel == WORK_CHANNEL:
                            self._wake([WORK])
                        else:
                            self._tell(notice.payload.split(","))
            except psycopg.Error as error:
                log.warning("not listening for nudges until the database answers, polling: %s", error)
                time.sleep(RECONNECT_SECONDS)


@functools.cache
def _nudger() -> _Nudger:
    return _Nudger()


@functools.cache
def _listener() -> _Listener:
    return _Listener()


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_nudger.cache_clear)
os.register_at_fork(after_in_child=_listener.cache_clear)
