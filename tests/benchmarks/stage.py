"""Where a benchmark plays: a throw-away database, and whole processes beside it that are gone when it ends.

Importing it sets Django up, with settings that lead to no database until `throwaway_database` has started one; whoever
imports models imports this file first.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

import django
import httpx
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from tests.database import ThrowawayServer
from tests.runtime_process import StandInRuntime, free_port

ROOT = Path(__file__).resolve().parents[2]
API_KEY = "bench"
PATIENCE_SECONDS = 300
START_SECONDS = 30
STOP_SECONDS = 30

os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    DATABASE_URL="postgres://nobody@127.0.0.1:1/none",
    SECRET_KEY="a key of the benchmark alone",
    SIGNALBOX_PROCESS="benchmark",
    LOG_LEVEL="warning",
    AUTH_API_KEYS=f"bench={API_KEY}",
    THROTTLE_LIMIT="1000000000",  # counted, as in production, but never reached
)
django.setup()


@dataclass(frozen=True, slots=True)
class Stage:
    """A migrated, empty database that this process and its children use."""

    dsn: str
    postgres_pid: int
    database: psycopg.Connection[tuple[object, ...]]

    def row(self, question: str, *values: object) -> tuple[object, ...]:
        """The first row of the answer."""
        row = self.database.execute(question.encode(), values).fetchone()
        assert row is not None
        return row

    def number(self, question: str, *values: object) -> float:
        """The one number that answers the question."""
        return float(str(self.row(question, *values)[0]))

    def wait_until(self, question: str, *values: object, seconds: float = PATIENCE_SECONDS, step: float = 0.05) -> None:
        """The database has answered true; the benchmark ends if it does not in time."""
        deadline = time.monotonic() + seconds
        while not self.row(question, *values)[0]:
            if time.monotonic() > deadline:
                raise SystemExit(f"the benchmark did not finish in time: {question}")
            time.sleep(step)


@contextlib.contextmanager
def throwaway_database(*, durable: bool = True) -> Iterator[Stage]:
    """A database of its own, by default with fsync as in production; deleted at the end, also at SIGTERM."""
    signal.signal(signal.SIGTERM, _leave)
    server = ThrowawayServer(durable=durable)
    address = server.start()
    try:
        pid = server.postgres.pid
        assert pid is not None
        settings.DATABASES["default"].update({name.upper(): str(value) for name, value in address.items()})
        call_command("migrate", verbosity=0)
        connections.close_all()  # a session that ends reports its transactions: they are not the benchmark's
        dsn = "postgres://{user}:{password}@{host}:{port}/{name}".format(**address)
        with psycopg.connect(dsn, autocommit=True) as database:
            yield Stage(dsn, pid, database)
    finally:
        connections.close_all()
        server.stop()


@contextlib.contextmanager
def stand_in_runtime(*options: str) -> Iterator[StandInRuntime]:
    """The stand-in of tests/stand_in_runtime with its own command line."""
    runtime = StandInRuntime(*options)
    try:
        yield runtime
    finally:
        runtime.stop()


class Reachable(Protocol):
    """A runtime that listens."""

    @property
    def address(self) -> str: ...


@contextlib.contextmanager
def observer(stage: Stage, runtime: Reachable, **settings: str) -> Iterator[int]:
    """The pid of an observer that watches for runs already; `settings` are variables of its environment."""
    known = stage.number("SELECT count(*) FROM runs_observer")
    environment = _environment(stage, runtime, process="observer") | settings
    with _command("observe_runs", environment=environment) as process:
        stage.wait_until("SELECT count(*) > %s FROM runs_observer", known, seconds=START_SECONDS)
        yield process.pid


@contextlib.contextmanager
def sweep(stage: Stage, runtime: Reachable, **settings: str) -> Iterator[None]:
    """`manage.py sweep --once` runs, and has ended afterwards."""
    environment = _environment(stage, runtime, process="sweep") | settings
    with _command("sweep", "--once", environment=environment) as process:
        yield
        process.wait(PATIENCE_SECONDS)


@contextlib.contextmanager
def web(stage: Stage, runtime: Reachable) -> Iterator[httpx.Client]:
    """A caller with a key, connected to a web process that answers."""
    port = free_port()
    command = ("serve_web", "--host", "127.0.0.1", "--port", str(port))
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with (
        _command(*command, environment=_environment(stage, runtime, process="web")),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as caller,
    ):
        _wait_for_answer(caller)
        yield caller


@contextlib.contextmanager
def served(stage: Stage, *, server: str, **settings: str) -> Iterator[tuple[int, int]]:
    """Port and pid of a web process that answers: ours on Daphne, or uvicorn, which has flow control of its own."""
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": stage.dsn, "SIGNALBOX_PROCESS": "web", **settings}
    where = ("--host", "127.0.0.1", "--port", str(port))
    if server == "daphne":
        command = ("manage.py", "serve_web", *where)
    else:
        quiet = ("--log-level", "warning", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "5")
        quiet += ("--ws", "config.uvicorn_frames:WebSocketFrames")
        command = ("-m", "uvicorn", "config.asgi:application", *where, *quiet)
    with (
        _python(*command, environment=environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as caller,
    ):
        _wait_for_answer(caller)
        yield port, process.pid


@contextlib.contextmanager
def manage(stage: Stage, *arguments: str, process: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py ...` beside this process, on its database; `settings` are variables of its environment."""
    environment = {**os.environ, "DATABASE_URL": stage.dsn, "SIGNALBOX_PROCESS": process, **settings}
    with _command(*arguments, environment=environment) as running:
        yield running


def progress(line: str) -> None:
    """A line for whoever waits; the result alone goes to standard output."""
    print(line, file=sys.stderr, flush=True)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _wait_for_answer(caller: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if caller.get("/healthz").is_success:
                return
        time.sleep(0.1)
    raise SystemExit("the web process does not answer")


def _environment(stage: Stage, runtime: Reachable, *, process: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": stage.dsn,
        "SIGNALBOX_PROCESS": process,
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
    }


@contextlib.contextmanager
def _command(*arguments: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py ...` as a process of its own."""
    with _python("manage.py", *arguments, environment=environment) as process:
        yield process


@contextlib.contextmanager
def _python(*arguments: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of its own: asked to stop at the end, and made to if it does not."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=sys.stderr)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
