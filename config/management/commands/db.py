"""The embedded PostgreSQL by itself: start it in the foreground, stop it, ask for it, reach it with psql."""

import signal
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.owner_lock import AlreadyOwned, OwnerLock
from config.postgres import (
    BinariesNotFound,
    EmbeddedDatabase,
    EmbeddedPostgres,
    ExternalDatabase,
    PostgresFailed,
    answers,
    parse_database_url,
    read_address,
    wait_until_answering,
)
from config.process_identity import ProcessIdentity
from config.watcher import Watcher

LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 20.0


class Command(BaseCommand):
    """start | stop | status | shell."""

    help = "The embedded PostgreSQL: start (in the foreground), stop, status, shell (prints the address for psql)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, and for which data folder."""
        parser.add_argument("action", choices=["start", "stop", "status", "shell"])
        parser.add_argument("--data", type=Path, default=settings.SIGNALBOX_DATA, help="folder for all files")
        parser.add_argument("--show", action="store_true", help="shell: print the password instead of a mask")

    def handle(self, *, action: str, data: Path, show: bool, **options: object) -> None:
        """The action is done; raises CommandError with the reason when it is not."""
        target = parse_database_url(settings.DATABASE_URL, base_dir=data)
        if isinstance(target, ExternalDatabase):
            raise CommandError("DATABASE_URL names a server that somebody else runs; use its own tools")
        try:
            match action:
                case "start":
                    self._start(EmbeddedPostgres(target, pgbin=settings.PGBIN))
                case "stop":
                    self._stop(EmbeddedPostgres(target), OwnerLock(data / "lock"))
                case "status":
                    self.stdout.write(f"running: {psql_address(_answering(target))}")
                case _:
                    self.stdout.write(psql_address(_answering(target), show_password=show))
        except (AlreadyOwned, BinariesNotFound, PostgresFailed) as fault:
            raise CommandError(str(fault)) from fault

    def _start(self, postgres: EmbeddedPostgres) -> None:
        try:
            postgres.own()
        except AlreadyOwned as fault:
            if not wait_until_answering(postgres.target):
                raise
            self.stdout.write(f"already running: {fault}; {psql_address(_answering(postgres.target))}")
            return
        watcher = Watcher()
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            watcher.start(hold=[postgres.lock.descriptor])
            postgres.start(watcher)
            self.stdout.write(f"ready {psql_address(postgres.address)}")
            self.stdout.flush()
            _keep_alive(postgres, watcher)
        except KeyboardInterrupt:
            self.stdout.write("stopping")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            postgres.stop()
            watcher.close()

    def _stop(self, postgres: EmbeddedPostgres, service: OwnerLock) -> None:
        owner = postgres.lock.owner()
        if owner is not None and owner == service.owner():
            raise CommandError(f"this PostgreSQL belongs to `manage.py up` (process {owner.pid}); stop that")
        if owner is not None:
            owner.send(signal.SIGTERM)
            _wait_for_end(owner)
        postgres.own()
        was_running = postgres.stop_leftover() or owner is not None
        postgres.stop()
        self.stdout.write("stopped" if was_running else "not running")


def psql_address(address: Mapping[str, object], *, show_password: bool = False) -> str:
    """The postgresql:// address; the password is masked unless asked for."""
    password = quote(str(address["password"]), safe="") if show_password else "***"
    return f"postgresql://{address['user']}:{password}@{address['host']}:{address['port']}/{address['name']}"


def _answering(target: EmbeddedDatabase) -> Mapping[str, object]:
    address = read_address(target)
    if address is None or not answers(address):
        raise CommandError(f"no PostgreSQL answers for {target.directory}; start it with `manage.py db start`")
    return address


def _keep_alive(postgres: EmbeddedPostgres, watcher: Watcher) -> NoReturn:
    while True:
        watcher.ensure()
        postgres.ensure_running()
        time.sleep(LOOK_EVERY_S)


def _wait_for_end(owner: ProcessIdentity) -> None:
    deadline = time.monotonic() + STOP_WITHIN_S
    while owner.is_alive and time.monotonic() < deadline:
        time.sleep(0.05)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
