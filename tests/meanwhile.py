"""Something that happens at the same time, on a thread and a connection of its own."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, transaction

from tests.lock_waits import waiting_for_locks

T = TypeVar("T")

PATIENCE_SECONDS = 15.0


@contextlib.contextmanager
def elsewhere() -> Iterator[Callable[[Callable[[], T]], "Future[T]"]]:
    """Inside, what is handed over runs at once on a thread of its own; it has ended when the block is left."""
    with ThreadPoolExecutor(max_workers=16) as threads:
        yield lambda call: threads.submit(_with_own_connection, call)


class Held:
    """A transaction of another connection that has done its work and is not committed until it is told to."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._done, self._may_commit = threading.Event(), threading.Event()

    def __call__(self) -> None:
        with transaction.atomic():
            self._work()
            self._done.set()
            assert self._may_commit.wait(PATIENCE_SECONDS), "nobody said that it may commit"

    def wait_until_done(self) -> None:
        assert self._done.wait(PATIENCE_SECONDS), "the work of the other transaction was not done"

    def commit(self) -> None:
        self._may_commit.set()


@contextlib.contextmanager
def held(work: Callable[[], object]) -> Iterator[Held]:
    """Inside, `work` is done by a transaction that is open; it commits when it is told to, or at the end of the block."""
    transaction_elsewhere = Held(work)
    with elsewhere() as start:
        future: Future[None] = start(transaction_elsewhere)
        try:
            transaction_elsewhere.wait_until_done()
            yield transaction_elsewhere
        finally:
            transaction_elsewhere.commit()
            future.result(PATIENCE_SECONDS)


def wait_until_somebody_waits() -> None:
    """Some process of this database waits for a lock that another one holds."""
    deadline = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        if waiting_for_locks():
            return
        deadline.wait(0.02)  # the locks are asked again
    raise AssertionError("nobody waits for a lock")


def _with_own_connection(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        connection.close()
