"""A real observer on a host of its own: its settings, its clock, its way to the database, and every way to lose it."""

import contextlib
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

from tests.faults.host_clock import HostClock
from tests.processes import ManageCommand
from tests.service import database_url

BEAT_S, LEASE_S, SWEEP_S = 1, 3, 1
TAKEN_WITHIN_S = LEASE_S + SWEEP_S + 2
# A lease this short needs sessions that let go of a run sooner; options of the address come last, so they win.
_SESSION = "-c%20idle_in_transaction_session_timeout%3D1000%20-c%20statement_timeout%3D2500%20-c%20lock_timeout%3D2000"
SHORT = {
    "OBSERVER_BEAT_S": str(BEAT_S),
    "OBSERVER_LEASE_S": str(LEASE_S),
    "OBSERVER_SWEEP_S": str(SWEEP_S),
    "DB_STATEMENT_TIMEOUT_MS": "2500",
    "STREAM_BACKOFF_MAX_MS": "500",
}
# For faults that last longer than a short lease, and that an observer is to sit out.
PATIENT = {**SHORT, "OBSERVER_BEAT_S": "5", "OBSERVER_LEASE_S": "30"}
EXIT_LOST_LEASE = 70
STARTS_IN_S = 60.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its status, and how many seconds after it was asked to."""

    status: int
    seconds: float


class ObserverHost:
    """`manage.py observe_runs` with a short lease. As a context manager it watches, and is gone afterwards.

    `database` is the address it uses (default: the test's own database), `clock` that of its host, where it is not right.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        database: str | None = None,
        clock: HostClock | None = None,
        settings: Mapping[str, str] = SHORT,
    ) -> None:
        url = database or f"{database_url()}?sslmode=disable"
        self._environment = {
            **settings,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SIGNALBOX_PROCESS": "observer",
            "DATABASE_URL": f"{url}&options={_SESSION}",
            **(clock.environment if clock else {}),
            **(environment or {}),
        }
        self._is_frozen = False

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_watching()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:  # shown with the test that failed
            print(f"observer {self.id} said last:", *self.lines[-40:], sep="\n  ")
        self.ask_to_stop()
        self.leave()

    def ask_to_stop(self) -> None:
        """It has been told to stop, and can hear it."""
        self.thaw()
        self._command.send(signal.SIGTERM)

    def leave(self) -> None:
        """It has ended, by force where it does not by itself."""
        try:
            self._command.wait(within_s=STARTS_IN_S)
        finally:
            self._command.end()

    def start(self) -> None:
        """The process is on its way; `wait_until_watching` says when it has arrived."""
        self._command = ManageCommand("observe_runs", environment=self._environment)

    def wait_until_watching(self) -> None:
        """It has registered and looks for runs."""
        line = self._command.wait_for_line("is watching", within_s=STARTS_IN_S)
        found = re.search(r"observer ([0-9a-f-]{36}) is watching", line)
        assert found is not None, line
        self.id = UUID(found.group(1))

    @property
    def lines(self) -> list[str]:
        """Its log so far."""
        return self._command.lines

    def said(self, part: str) -> bool:
        """True when a line of its log has this part."""
        return self._command.said(part)

    def kill(self) -> None:
        """Gone at once, without a word to anybody."""
        self._command.send(signal.SIGKILL)
        self._command.wait(within_s=STARTS_IN_S)

    def freeze(self) -> None:
        """It does nothing more, with everything it holds in its hands; its connections stay."""
        self._command.send(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        """It goes on where it was, without knowing that it stood still."""
        if self._is_frozen:
            self._command.send(signal.SIGCONT)
            self._is_frozen = False

    def terminate(self) -> Exit:
        """Asked politely by SIGTERM, it has ended."""
        began = time.monotonic()
        self._command.send(signal.SIGTERM)
        status = self._command.wait(within_s=STARTS_IN_S)
        return Exit(status, time.monotonic() - began)

    def ended(self, *, within_s: float) -> int:
        """The exit status of a process that ends by itself."""
        return self._command.wait(within_s=within_s)


@contextlib.contextmanager
def together(*hosts: ObserverHost) -> Iterator[None]:
    """All of them watch, started at once because a start takes a while; all are gone afterwards."""
    started: list[ObserverHost] = []
    try:
        for host in hosts:
            host.start()
            started.append(host)
        for host in hosts:
            host.wait_until_watching()
        yield
    finally:
        for host in started:
            host.ask_to_stop()
        for host in started:
            host.leave()


def at_runtime(address: str, **more: str) -> dict[str, str]:
    """The environment of an observer that finds its runtime at this address, and does not wait long for an answer."""
    return {
        "RUNTIME_ADDRESS": address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
        "RUNTIME_REQUEST_TIMEOUT_MS": "2000",
        "RUNTIME_CIRCUIT_BREAKER_RESET_MS": "500",
        **more,
    }
