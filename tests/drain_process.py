"""A drain in a process of its own, to be killed, stopped and woken at will."""

import signal
from collections.abc import Mapping
from types import TracebackType

from django.conf import settings
from django.db import connection

from tests.beside import beside

ENDS_IN_S = 60.0
LOOPBACK = {"WEBHOOK_ALLOW_HTTP": "true", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}


class DrainProcess:
    """Drains until nothing is due; `places` are the variables that arm its crash points. Gone when the context is left."""

    def __init__(self, places: Mapping[str, str] | None = None) -> None:
        # Started anew, not forked: a worker of a test session has threads, and a lock of theirs would be held for ever.
        keys = {"SECRET_KEY": settings.SECRET_KEY}  # of this process: it sealed the secrets of the endpoints
        self._command = beside("deliver_webhooks", "--once", environment={**LOOPBACK, **keys, **(places or {})})

    def __enter__(self) -> "DrainProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._command.end()

    def send(self, number: signal.Signals) -> None:
        """The process has been sent the signal."""
        self._command.send(number)

    def is_alive(self) -> bool:
        """True until it has ended, also while it is stopped."""
        return self._command.is_alive

    def ends(self) -> int:
        """The exit status, negative for a signal that ended it."""
        return self._command.wait(within_s=ENDS_IN_S)


def drained(places: Mapping[str, str] | None = None) -> int:
    """How a drain in a process of its own came to its end."""
    with DrainProcess(places) as process:
        return process.ends()


def forget_claims() -> None:
    """The time of all claims is over, as if nobody had drained for so long."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET locked_until = clock_timestamp() WHERE locked_until IS NOT NULL")
