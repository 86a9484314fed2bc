"""A scratch database: a server of its own in a temporary folder, or a database of its own on the operator's server."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
from psycopg import sql

from config.postgres import EmbeddedDatabase, EmbeddedPostgres, ExternalDatabase
from config.watcher import Watcher

PREFIX = "signalbox_drill_"


class Scratch(Protocol):
    """A database that is nobody's but the drill's."""

    @property
    def url(self) -> str:
        """Its address, for DATABASE_URL."""

    @property
    def kept(self) -> str:
        """Where its data is, for somebody who asked to keep it."""

    def cut(self, number: signal.Signals) -> str:
        """Every connection is gone at once, and the database answers again; says what was done."""


@contextlib.contextmanager
def scratch_database(
    target: ExternalDatabase | EmbeddedDatabase, *, folder: Path, pgbin: str, watcher: Watcher, keep: bool
) -> Iterator[Scratch]:
    """The database is empty and answers; afterwards it is gone, unless it is to be kept.

    Raises BinariesNotFound, PostgresFailed or psycopg.Error.
    """
    if isinstance(target, ExternalDatabase):
        yield from _on_a_server(target, keep=keep)
    else:
        yield from _embedded(folder, pgbin, watcher, keep=keep)


class _Embedded:
    """A server that the drill started."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres

    @property
    def url(self) -> str:
        return _url(self._postgres.address)

    @property
    def kept(self) -> str:
        return str(self._postgres.target.directory)

    def cut(self, number: signal.Signals) -> str:
        pid = self._postgres.pid
        if pid is not None:
            os.kill(pid, number)
        while not self._postgres.ensure_running():  # it takes a moment to end
            time.sleep(0.02)
        return "PostgreSQL was restarted, " + ("fast" if number is signal.SIGINT else "immediate")


class _OnAServer:
    """A database that the drill created on somebody else's server."""

    def __init__(self, target: ExternalDatabase, name: str) -> None:
        self._target = target
        self._name = name

    @property
    def url(self) -> str:
        return _external_url(self._target, self._name)

    @property
    def kept(self) -> str:
        return f"database {self._name} on {self._target.host}"

    def cut(self, number: signal.Signals) -> str:
        question = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(_external_url(self._target, self._target.name), autocommit=True) as server:
            cut = server.execute(question, [self._name]).fetchone()
        return f"{cut[0] if cut else 0} connections were cut"


def _embedded(folder: Path, pgbin: str, watcher: Watcher, *, keep: bool) -> Iterator[Scratch]:
    postgres = EmbeddedPostgres(EmbeddedDatabase(folder / "postgres"), pgbin=pgbin)
    postgres.own()
    watcher.start(hold=[postgres.lock.descriptor])
    try:
        postgres.start(watcher)
        yield _Embedded(postgres)
    finally:
        postgres.stop(fast_s=3.0)
        if not keep:
            postgres.delete()


def _on_a_server(target: ExternalDatabase, *, keep: bool) -> Iterator[Scratch]:
    name = PREFIX + uuid4().hex[:12]
    with psycopg.connect(_external_url(target, target.name), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _OnAServer(target, name)
        finally:
            if not keep:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _url(address: Mapping[str, object]) -> str:
    password = quote(str(address["password"]), safe="")
    return f"postgres://{address['user']}:{password}@{address['host']}:{address['port']}/{address['name']}"


def _external_url(target: ExternalDatabase, name: str) -> str:
    user, password = quote(target.user, safe=""), quote(target.password, safe="")
    options = f"?{urlencode(target.options)}" if target.options else ""
    return f"postgres://{user}:{password}@{target.host}:{target.port}/{quote(name, safe='')}{options}"
