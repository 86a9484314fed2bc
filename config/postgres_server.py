"""One running server process: begun behind the gate, ready when it answers, stopped in three steps."""

import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from config.gate import GO, gated
from config.postgres_account import Account
from config.postgres_cluster import PostgresFailed
from config.process_identity import ProcessIdentity
from config.watcher import Watcher, stop_postgres

START_TIMEOUT_S = 600.0
_SAY_AGAIN_S = 10.0

log = logging.getLogger("signalbox.postgres")


def connect(address: Mapping[str, object], *, dbname: str | None = None) -> psycopg.Connection:
    """An autocommit connection to the server at an address as DIR/postgres.json holds it."""
    return psycopg.connect(
        host=str(address["host"]),
        port=int(str(address["port"])),
        user=str(address["user"]),
        password=str(address.get("password", "")),
        dbname=dbname or str(address["name"]),
        connect_timeout=2,
        autocommit=True,
    )


def answers(address: Mapping[str, object], *, dbname: str | None = None) -> bool:
    """True when a query succeeds: a pid file or an open port alone proves nothing."""
    try:
        with connect(address, dbname=dbname) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


class PostgresServer:
    """A server that this process started."""

    def __init__(self, command: Sequence[str], *, account: Account, log_file: Path, watcher: Watcher) -> None:
        self._log_file = log_file
        self._watcher = watcher
        with log_file.open("ab") as out:
            self._said_before = out.tell()
            self._process = subprocess.Popen(  # noqa: S603
                gated(command),
                cwd="/",
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                # Its own session: Ctrl-C in the terminal is for the owner, which stops the server last.
                start_new_session=True,
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
            )
        found = ProcessIdentity.of(self._process.pid)
        if found is None:  # somebody has killed it at the gate
            raise PostgresFailed(f"the server ended before it began, with status {self._process.wait()}")
        self.identity = found
        watcher.watch(found, "postgres")
        self._open_gate()

    @property
    def is_alive(self) -> bool:
        """True while the process runs; a zombie is dead."""
        return self._process.poll() is None

    def wait_until_answering(self, address: Mapping[str, object]) -> bool:
        """True once a query succeeds; False when the process has ended. Recovery after a crash may take minutes."""
        began = said = time.monotonic()
        while self.is_alive and time.monotonic() - began < START_TIMEOUT_S:
            if answers(address, dbname="postgres"):
                return True
            if time.monotonic() - said > _SAY_AGAIN_S:
                said = time.monotonic()
                log.info("PostgreSQL is still starting; %s tells how far it is", self._log_file)
            time.sleep(0.03)
        return False

    def said(self) -> str:
        """What the server wrote into its log."""
        with self._log_file.open("rb") as log_file:
            log_file.seek(self._said_before)
            return log_file.read().decode(errors="replace")

    def stop(self, *, fast_s: float, immediate_s: float) -> None:
        """The process has ended."""
        stop_postgres(self.identity, fast_s=fast_s, immediate_s=immediate_s)
        self._process.wait()
        self._watcher.forget(self.identity)

    def _open_gate(self) -> None:
        assert self._process.stdin is not None, "opened with a pipe"
        with contextlib.suppress(BrokenPipeError), self._process.stdin as gate:
            gate.write(GO)
