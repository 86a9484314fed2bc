"""Nudges by LISTEN and NOTIFY of the database itself.

NOTIFY inside a writing transaction would serialise all commits of the database; here it comes after them, from a
connection of its own (autocommit, no wait for the disk). Both need a session, so neither works through a transaction pooler.
"""

import contextlib
from collections.abc import Iterator

import psycopg
from django.db import connection

from runs.hub.transport import WORK, Send, TransportLost

RUNS_CHANNEL = "signalbox_runs"
WORK_CHANNEL = "signalbox_work"
IDS_PER_NOTIFY = 200  # 33 bytes each; a payload ends at 8 000

Connection = psycopg.Connection[tuple[object, ...]]


class OverNotify:
    """The database that everybody uses anyway."""

    name = "the database"

    @contextlib.contextmanager
    def sender(self) -> Iterator[Send]:
        """Connected to send."""
        with _connected() as channel:
            channel.execute("SET synchronous_commit = off")

            def send(topics: set[str]) -> None:
                with _faults_translated():
                    _notify(channel, topics)

            yield send

    @contextlib.contextmanager
    def receiver(self) -> Iterator[Iterator[list[str]]]:
        """What is sent from now on."""
        with _connected() as channel:
            channel.execute(f"LISTEN {RUNS_CHANNEL}")
            channel.execute(f"LISTEN {WORK_CHANNEL}")
            # Closed before the connection: it holds a lock that leaving the connection waits for.
            with contextlib.closing(channel.notifies()) as notices:
                yield map(_topics_of, notices)


@contextlib.contextmanager
def _connected() -> Iterator[Connection]:
    parameters = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with _faults_translated(), Connection.connect(**parameters, autocommit=True) as channel:
        yield channel


@contextlib.contextmanager
def _faults_translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise TransportLost(error) from error


def _notify(channel: Connection, topics: set[str]) -> None:
    if WORK in topics:
        topics.discard(WORK)
        channel.execute("SELECT pg_notify(%s, '')", [WORK_CHANNEL])
    ids = sorted(topics)
    for start in range(0, len(ids), IDS_PER_NOTIFY):
        channel.execute("SELECT pg_notify(%s, %s)", [RUNS_CHANNEL, ",".join(ids[start : start + IDS_PER_NOTIFY])])


def _topics_of(notice: psycopg.Notify) -> list[str]:
    return [WORK] if notice.channel == WORK_CHANNEL else notice.payload.split(",")
