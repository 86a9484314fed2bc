"""The embedded PostgreSQL: find it, own it, start it, stop it.

Only `manage.py up`, `manage.py db start` and the test session start a server. Whoever holds the lock on DIR/lock owns
it; everybody else reads DIR/postgres.json.
"""

import logging
import secrets
import socket
import threading
import time

from config.database_url import (
    EmbeddedDatabase,
    ExternalDatabase,
    django_database,
    parse_database_url,
    read_address,
)
from config.json_file import write_json
from config.owner_lock import AlreadyOwned, OwnerLock
from config.postgres_account import Account
from config.postgres_binaries import BinariesNotFound, find_binaries
from config.postgres_cluster import USER, Cluster, PostgresFailed, delete_cluster, forget_dead_server, leftover_server
from config.postgres_server import PostgresServer, answers, connect
from config.watcher import Watcher, stop_postgres

__all__ = [
    "AlreadyOwned",
    "BinariesNotFound",
    "EmbeddedDatabase",
    "EmbeddedPostgres",
    "ExternalDatabase",
    "PostgresFailed",
    "answers",
    "django_database",
    "parse_database_url",
    "read_address",
    "wait_until_answering",
]

HOST = "127.0.0.1"
NAME = "signalbox"
LOG_LIMIT_BYTES = 10_000_000

# The processes of a killed server take a moment to leave; a free port may be taken before the server binds it.
_PASSING_FAULTS = ("is still in use", "could not bind", "could not create any TCP/IP sockets")
_RETRY_AFTER_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)

log = logging.getLogger("signalbox.postgres")


class EmbeddedPostgres:
    """A server of our own, used in this order: `own`, `start`, any number of `ensure_running`, `stop`."""

    def __init__(self, target: EmbeddedDatabase, *, pgbin: str = "", throwaway: bool = False) -> None:
        self.target = EmbeddedDatabase(target.directory.resolve())
        self.lock = OwnerLock(self.target.directory / "lock")
        self.log_file = self.target.directory / "postgres.log"
        self._pgbin = pgbin
        self._throwaway = throwaway
        self._account = Account.for_postgres()
        self._password = ""
        self._port = 0
        self._watcher: Watcher | None = None
        self._cluster: Cluster | None = None
        self._server: PostgresServer | None = None
        # `stop` may come from another thread while `ensure_running` waits for a long recovery.
        self._turn = threading.Lock()
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The pid of the server; None when it does not run."""
        return self._server.identity.pid if self._server and self._server.is_alive else None

    @property
    def address(self) -> dict[str, object]:
        """Where the server is, as DIR/postgres.json says it."""
        return {"host": HOST, "port": self._port, "user": USER, "password": self._password, "name": NAME}

    def own(self) -> None:
        """This process owns the folder; raises AlreadyOwned when a living process does."""
        self.lock.acquire()

    def start(self, watcher: Watcher) -> None:
        """The server answers and DIR/postgres.json says where; the watcher stops it should this process be killed.

        Raises BinariesNotFound or PostgresFailed with what to do.
        """
        self._watcher = watcher
        self._remember()
        self._cluster = self._open_cluster()
        self.stop_leftover()
        if not self._password:
            self._password = secrets.token_urlsafe(24)
            self._cluster.set_password(self._password)
        self._cut_log()
        self._launch(self._cluster, watcher)
        self._ensure_database()

    def ensure_running(self) -> bool:
        """The server runs; True when it had died and was started again, under the same address where possible."""
        if self.pid is not None:
            return False
        assert self._cluster is not None, "start comes first"
        assert self._watcher is not None, "start comes first"
        log.error("PostgreSQL died; starting it again")
        self._forget_server()
        self.stop_leftover()
        self._launch(self._cluster, self._watcher)
        return True

    def stop(self, *, fast_s: float = 10.0, immediate_s: float = 3.0) -> None:
        """The server has ended (fast shutdown, then immediate, then killed) and the folder has no owner."""
        with self._turn:
            self._stopped = True
            server = self._server
        if server is not None:
            server.stop(fast_s=fast_s, immediate_s=immediate_s)
        self.lock.release()

    def delete(self) -> None:
        """The folder and all data of the stopped server are gone for good."""
        delete_cluster(self.target.directory)

    def stop_leftover(self) -> bool:
        """No server runs that outlived an earlier owner; True when there was one. Only for the owner of the folder."""
        leftover = leftover_server(self.target.directory)
        if leftover is not None:
            log.warning("stopping PostgreSQL (pid %d), which outlived its owner", leftover.pid)
            stop_postgres(leftover)
        forget_dead_server(self.target.directory)
        return leftover is not None

    def _remember(self) -> None:
        known = read_address(self.target) or {}
        self._password = str(known.get("password", ""))
        self._port = int(str(known.get("port", 0)))

    def _open_cluster(self) -> Cluster:
        binaries = find_binaries(self._pgbin)
        if not Cluster.exists(self.target.directory):
            # Written before the cluster exists: a crash in between leaves a password too many, never one too few.
            self._password = secrets.token_urlsafe(24)
            self._publish()
        return Cluster.open(self.target.directory, binaries, self._account, new_password=self._password)

    def _launch(self, cluster: Cluster, watcher: Watcher) -> None:
        said = ""
        for retry_after in _RETRY_AFTER_S:
            self._port = self._port if _is_free(self._port) else _free_port()
            server = self._begin(cluster.server_command(self._port, throwaway=self._throwaway), watcher)
            if server.wait_until_answering(self.address):
                return self._publish()
            said = server.said().strip()
            self._forget_server()
            if not any(fault in said for fault in _PASSING_FAULTS):
                break
            time.sleep(retry_after)
        raise PostgresFailed(f"PostgreSQL did not start; {self.log_file} says:\n{said[-2000:]}")

    def _begin(self, command: list[str], watcher: Watcher) -> PostgresServer:
        with self._turn:
            if self._stopped:
                raise PostgresFailed("PostgreSQL was stopped while it was starting")
            self._server = PostgresServer(command, account=self._account, log_file=self.log_file, watcher=watcher)
            return self._server

    def _forget_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop(fast_s=0.0, immediate_s=1.0)

    def _publish(self) -> None:
        version = self._cluster.binaries.version if self._cluster else ""
        write_json(self.target.address_file, {**self.address, "pid": self.pid, "version": version})

    def _ensure_database(self) -> None:
        with connect(self.address, dbname="postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {NAME}")

    def _cut_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_name("postgres.log.1"))


def wait_until_answering(target: EmbeddedDatabase, *, patience_s: float = 60.0) -> bool:
    """True once the server that somebody else owns answers; False when it has not done so in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        address = read_address(target)
        if address is not None and answers(address):
            return True
        time.sleep(0.1)
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return port > 1023


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
