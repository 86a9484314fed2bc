"""A drain in a process of its own: forked, so that it starts at once, and to be killed, stopped and woken at will."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Mapping
from types import TracebackType

from django.db import connection, connections

from runs import crashpoint
from webhooks.dispatcher import drain

ENDS_IN_S = 60.0
FOR_S = 50.0


class DrainProcess:
    """Drains until nothing is due; `places` are the variables that arm its crash points. Gone when the context is left."""

    def __init__(self, places: Mapping[str, str] | None = None) -> None:
        connections.close_all()  # no process may share one
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_drain, args=(dict(places or {}),), daemon=True)

    def __enter__(self) -> "DrainProcess":
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join(ENDS_IN_S)

    def send(self, number: signal.Signals) -> None:
        """The process has been sent the signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def is_alive(self) -> bool:
        """True until it has ended, also while it is stopped."""
        return self._process.is_alive()

    def ends(self) -> int:
        """The exit status, negative for a signal that ended it."""
        self._process.join(ENDS_IN_S)
        assert self._process.exitcode is not None, "the drain did not end"
        return self._process.exitcode


def drained(places: Mapping[str, str] | None = None) -> int:
    """How a drain in a process of its own came to its end."""
    with DrainProcess(places) as process:
        return process.ends()


def forget_claims() -> None:
    """The time of all claims is over, as if nobody had drained for so long."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET locked_until = clock_timestamp() WHERE locked_until IS NOT NULL")


def _drain(places: Mapping[str, str]) -> None:
    crashpoint._POINTS = crashpoint.CrashPoints(places)
    done = asyncio.run(drain(for_s=FOR_S, horizon_s=0))
    # Without the parent's clean-up, which is the parent's.
    os._exit(1 if done.faults else 0)
