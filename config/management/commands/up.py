"""Everything with one command: database, web, observer, queue."""

import asyncio
import errno
import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.children import ChildSpec, say
from config.first_key import ensure_development_key
from config.owner_lock import AlreadyOwned, OwnerLock
from config.postgres import (
    BinariesNotFound,
    EmbeddedDatabase,
    EmbeddedPostgres,
    ExternalDatabase,
    PostgresFailed,
    parse_database_url,
    wait_until_answering,
)
from config.supervisor import HttpAddress, PreparationFailed, Supervisor
from config.watcher import Watcher

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"


class Command(BaseCommand):
    """Runs until SIGINT or SIGTERM; says `ready http://HOST:PORT` once everything answers."""

    help = "Start everything: the embedded PostgreSQL (if DATABASE_URL is unset), web, observer and queue."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--host, --port and --data; their defaults are the settings."""
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="0 = any free one (default: %(default)s)")
        parser.add_argument("--data", type=Path, default=settings.SIGNALBOX_DATA, help="folder for all files")

    def handle(self, *, host: str, port: int, data: Path, **options: object) -> None:
        """The service ran and has ended; raises CommandError with what to do when it cannot start."""
        data = data.expanduser().absolute()
        lock, watcher = OwnerLock(data / "lock"), Watcher()
        try:
            _own(lock, host, port)
            address = HttpAddress(host, _free_port(host, port))
            with _database(_target(data), watcher, lock) as database:
                _say_first_key(data)
                asyncio.run(_supervisor(data, address, database, watcher).run())
        except (BinariesNotFound, PostgresFailed, PreparationFailed) as fault:
            raise CommandError(str(fault)) from fault
        finally:
            watcher.close()
            lock.release()


def _own(lock: OwnerLock, host: str, port: int) -> None:
    try:
        lock.acquire()
    except AlreadyOwned as fault:
        _free_port(host, port, hint=f" ({fault})")
        raise CommandError(f"Signalbox already runs: {fault}; stop it, or name another folder with --data") from fault


def _free_port(host: str, port: int, *, hint: str = "") -> int:
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            return int(probe.getsockname()[1])
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is already in use{hint}: stop what uses it, or choose another with --port"
        else:
            reason = f"cannot listen on {host} port {port}: {fault.strerror}"
        raise CommandError(reason) from fault


def _target(data: Path) -> ExternalDatabase | EmbeddedDatabase:
    return parse_database_url(settings.DATABASE_URL, base_dir=data)


@contextmanager
def _database(
    target: ExternalDatabase | EmbeddedDatabase, watcher: Watcher, lock: OwnerLock
) -> Iterator[EmbeddedPostgres | None]:
    """The database answers; yields the server if it is ours to look after."""
    postgres = EmbeddedPostgres(target, pgbin=settings.PGBIN) if isinstance(target, EmbeddedDatabase) else None
    if postgres is not None and not _owned(postgres):
        postgres = None
    watcher.start(hold=[lock.descriptor, *([postgres.lock.descriptor] if postgres else [])])
    if postgres is None:
        yield None
        return
    try:
        postgres.start(watcher)
        yield postgres
    finally:
        postgres.stop()


def _owned(postgres: EmbeddedPostgres) -> bool:
    try:
        postgres.own()
    except AlreadyOwned as fault:
        if not wait_until_answering(postgres.target):
            raise PostgresFailed(f"{fault}, but no PostgreSQL answers there") from fault
        say(f"PostgreSQL is already running: {fault}; using it")
        return False
    return True


def _say_first_key(data: Path) -> None:
    # The settings add the key of their own data folder under this name; --data may mean another folder.
    configured = [key for key in settings.AUTH_API_KEYS if not key.startswith("development=")]
    if settings.SIGNALBOX_ENV != "development" or configured:
        return
    key, is_new = ensure_development_key(data)
    if is_new:
        say(f"API key for development (kept in {data / 'secrets.json'}): {key}")


def _preparation(manage: Callable[..., ChildSpec]) -> list[ChildSpec]:
    """What must succeed first. What would stop the web process in production stops everything, and is not tried again."""
    migrate = manage("migrate", "migrate", "--noinput")
    return [migrate, manage("web", "check")] if settings.PRODUCTION else [migrate]


def _supervisor(data: Path, address: HttpAddress, database: EmbeddedPostgres | None, watcher: Watcher) -> Supervisor:
    def manage(name: str, *arguments: str) -> ChildSpec:
        environment = os.environ | {
            "SIGNALBOX_DATA": str(data),
            "SIGNALBOX_PROCESS": name,
            "HOST": address.host,
            "PORT": str(address.port),
            "PYTHONUNBUFFERED": "1",
        }
        return ChildSpec(name, [sys.executable, str(MANAGE), *arguments], environment)

    return Supervisor(
        data=data,
        address=address,
        preparation=_preparation(manage),
        children=[
            manage("web", "serve_web", "--host", address.host, "--port", str(address.port)),
            manage("observer", "observe_runs"),
            manage("queue", "qcluster"),
        ],
        database=database,
        watcher=watcher,
    )
