"""Nudges: "run X moved", sent after COMMIT, without data; a lost one costs a reader its poll interval and nothing else.

One nudger per process sends them, all runs of 10 ms at once; one listener per process wakes whoever subscribed. Both start
with their first use, on a thread of their own and never before a fork. Between them lies a transport, which the settings
choose: NOTIFY of the database, or Redis.

Whoever is to carry out what lies in the outbox is called likewise: after COMMIT, by a thread of its own, through the queue.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from runs.hub.ends import Ends
from runs.hub.kicker import Kicker
from runs.hub.listener import ANY_RUN, RETURN, Listener
from runs.hub.nudges import Nudges, RunNudges
from runs.hub.queue_call import call_queue_now, prepare_call
from runs.hub.transport import WORK, Transport

__all__ = [
    "Nudges",
    "RunNudges",
    "call_observers",
    "call_queue",
    "nudge",
    "subscribe",
    "subscribe_to_returns",
    "subscribe_to_runs",
    "subscribe_to_work",
]


def nudge(run_id: UUID) -> None:
    """Whoever watches `run_id` wakes up soon after the present transaction commits."""
    transaction.on_commit(lambda: _ends.nudger().add(run_id.hex))


def call_observers() -> None:
    """Some observer looks for runs to own soon after the present transaction commits."""
    transaction.on_commit(lambda: _ends.nudger().add(WORK))


def call_queue() -> None:
    """The queue looks into the outbox soon after the present transaction commits, if anybody hears what is there."""
    prepare_call()
    transaction.on_commit(_kicker.ask)


@contextlib.asynccontextmanager
async def subscribe(run_id: UUID) -> AsyncIterator[Nudges]:
    """Nudges of one run from now on; subscribe before you read and nothing falls between.

    Those that are lost while the transport is away are nobody's: see `subscribe_to_returns`.
    """
    nudges = Nudges()
    with _subscribed(run_id.hex, nudges):
        yield nudges


@contextlib.asynccontextmanager
async def subscribe_to_returns() -> AsyncIterator[Nudges]:
    """Nudges that this process hears again, after some of single runs may have been lost."""
    nudges = Nudges()
    with _subscribed(RETURN, nudges):
        yield nudges


@contextlib.asynccontextmanager
async def subscribe_to_work() -> AsyncIterator[Nudges]:
    """Nudges that there may be runs to own."""
    nudges = Nudges()
    with _subscribed(WORK, nudges):
        yield nudges


@contextlib.asynccontextmanager
async def subscribe_to_runs() -> AsyncIterator[RunNudges]:
    """Nudges of every run from now on, and which runs they were of."""
    nudges = RunNudges()
    with _subscribed(ANY_RUN, nudges):
        yield nudges


@contextlib.contextmanager
def _subscribed(topic: str, nudges: Nudges) -> Iterator[None]:
    listener = _listener()
    listener.add(topic, nudges)
    try:
        yield
    finally:
        listener.remove(topic, nudges)


def _chosen_transport() -> Transport:
    # By name: a process that needs no Redis does not load its client, which takes longer than all of the hub.
    transport: Transport = import_string(settings.NUDGE_TRANSPORT)()
    return transport


_ends = Ends(_chosen_transport)
_kicker = Kicker(call_queue_now)


def _listener() -> Listener:
    return _ends.listener()


def _begin_anew() -> None:
    """A forked child has none of its parent's threads, and must not wait for a lock that one of them held."""
    global _ends, _kicker
    _ends, _kicker = Ends(_chosen_transport), Kicker(call_queue_now)


os.register_at_fork(after_in_child=_begin_anew)
