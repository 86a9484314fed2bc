"""The database of the test session: a throw-away server of its own, whatever `.env` and DATABASE_URL say.

The process that runs the session (with xdist: the controller) starts the server and tells the workers where it is;
each worker makes its own database on it. The watcher stops the server even when the session is killed.
TEST_DATABASE_URL names a server to use instead; its database must be called test_*.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config.postgres import EmbeddedDatabase, EmbeddedPostgres, ExternalDatabase, parse_database_url
from config.watcher import Watcher

WORKER_KEY = "database_address"


class ThrowawayServer:
    """A server with a folder of its own that leaves nothing behind."""

    def __init__(self, *, durable: bool = False) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="signalbox-test-"))
        # As root the server runs as `nobody`, which must be able to pass through.
        self.directory.chmod(0o711)
        self.watcher = Watcher()
        self._durable = durable
        self.postgres = self._new_postgres()

    def start(self) -> Mapping[str, object]:
        """The server answers at the returned address; also after `halt`."""
        self.postgres = self._new_postgres()
        self.postgres.own()
        self.watcher.start(hold=[self.postgres.lock.descriptor])
        self.postgres.start(self.watcher)
        return self.postgres.address

    def halt(self) -> None:
        """Server and watcher are gone, the data is not."""
        self.postgres.stop(fast_s=5.0)
        self.watcher.close()

    def stop(self) -> None:
        """Server, watcher and folder are gone."""
        self.halt()
        self.postgres.delete()
        self.directory.rmdir()

    def _new_postgres(self) -> EmbeddedPostgres:
        target = EmbeddedDatabase(self.directory / "postgres")
        return EmbeddedPostgres(target, pgbin=os.environ.get("PGBIN", ""), throwaway=not self._durable)


class SessionDatabase:
    """Where the databases of this session are; the server is started when the first test needs it."""

    def __init__(self, address: Mapping[str, object] | None) -> None:
        self._address = address
        self._server: ThrowawayServer | None = None

    def address(self) -> Mapping[str, object]:
        """HOST, PORT and so on for DATABASES."""
        if self._address is None:
            self._server = ThrowawayServer()
            started = self._server.start()
            self._address = {name.upper(): str(started[name]) for name in ("host", "port", "user", "password")}
        return self._address

    def stop(self) -> None:
        """A server that this session started is gone."""
        if self._server is not None:
            self._server.stop()
            self._server = None


SESSION_DATABASE = pytest.StashKey[SessionDatabase]()


def pytest_configure(config: pytest.Config) -> None:
    """The settings lead to no database until a test asks for one, least of all to the one of a running service."""
    given = getattr(config, "workerinput", {}).get(WORKER_KEY) or _given_address()
    config.stash[SESSION_DATABASE] = SessionDatabase(given)
    name = str((given or {}).get("NAME", "test_signalbox"))
    if not name.startswith("test_"):
        raise pytest.UsageError(f"TEST_DATABASE_URL: the database must be called test_*, not {name}")
    entry: dict[str, Any] = settings.DATABASES["default"]
    entry.update({"HOST": "127.0.0.1", "PORT": "1", "NAME": name})
    entry.setdefault("TEST", {})["NAME"] = name


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """A worker of pytest-xdist learns where the session's server is."""
    session: SessionDatabase = node.config.stash[SESSION_DATABASE]  # type: ignore[attr-defined]
    node.workerinput[WORKER_KEY] = dict(session.address())  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """The session's server is gone, however the tests went."""
    session = config.stash.get(SESSION_DATABASE, None)
    if session is not None:
        session.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """The settings lead to this worker's database on the session's server."""
    entry: dict[str, Any] = settings.DATABASES["default"]
    entry.update(request.config.stash[SESSION_DATABASE].address())
    entry["NAME"] = entry["TEST"]["NAME"]


@pytest.fixture
def private_postgres() -> Iterator[EmbeddedPostgres]:
    """A server for one test alone, as durable as in production, to be killed and restarted at will."""
    server = ThrowawayServer(durable=True)
    try:
        server.start()
        yield server.postgres
    finally:
        server.stop()


def _given_address() -> dict[str, object] | None:
    url = os.environ.get("TEST_DATABASE_URL", "")
    if not url:
        return None
    target = parse_database_url(url, base_dir=Path.cwd())
    if not isinstance(target, ExternalDatabase):
        raise pytest.UsageError("TEST_DATABASE_URL: must be postgres://...")
    return {
        "HOST": target.host,
        "PORT": str(target.port),
        "USER": target.user,
        "PASSWORD": target.password,
        "NAME": target.name,
    }
