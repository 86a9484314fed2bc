"""A database that may be stopped, killed and filled up, because nobody else uses it."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import DjangoDbBlocker

from config.postgres import EmbeddedPostgres
from tests.database import ThrowawayServer

STOPS_IN_S = 20.0


class OwnDatabase:
    """A server as durable as in production; the connections of this process lead to it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres

    def stop(self, number: signal.Signals) -> None:
        """The server has ended: SIGINT is a fast shutdown, SIGQUIT an immediate one, SIGKILL a crash."""
        pid = self._postgres.pid
        assert pid is not None, "it runs"
        os.kill(pid, number)
        deadline = time.monotonic() + STOPS_IN_S
        while self._postgres.pid is not None:
            assert time.monotonic() < deadline, "the server did not stop"
            time.sleep(0.02)

    def start(self) -> None:
        """It answers again, under the same address."""
        assert self._postgres.ensure_running()
        connections.close_all()

    def restart(self, number: signal.Signals) -> None:
        """Stopped and started again at once."""
        self.stop(number)
        self.start()


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[OwnDatabase]:
    """The tests of one module, in their order, use a migrated database on a server of their own."""
    server = ThrowawayServer(durable=True)
    entry = connection.settings_dict
    session_entry = dict(entry)
    try:
        started = server.start()
        with django_db_blocker.unblock():
            connections.close_all()
            entry.update({name.upper(): str(started[name]) for name in ("host", "port", "user", "password", "name")})
            call_command("migrate", verbosity=0)
            yield OwnDatabase(server.postgres)
    finally:
        connections.close_all()
        entry.update(session_entry)
        server.stop()
