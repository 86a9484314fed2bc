"""Crash points: named places at which a test may kill this process, before and after every commit and external call.

`CRASH_AT=name[:nth]` kills the process with SIGKILL when it passes the place for the n-th time (default: the first).
`CRASH_TRACE=file` appends the name of every place it passes: a recording run tells which places there are, so new steps
are covered by themselves. Without either variable a place costs one comparison. Production refuses to start with them.
"""

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping

from django.db import transaction

CRASH_AT = "CRASH_AT"
CRASH_TRACE = "CRASH_TRACE"


class CrashPoints:
    """The places of one process, as its environment arms them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._name, _, nth = environment.get(CRASH_AT, "").partition(":")
        self._nth = int(nth or 1)
        self._trace = environment.get(CRASH_TRACE, "")
        self._passed: Counter[str] = Counter()
        self.is_armed = bool(self._name or self._trace)

    def at(self, name: str) -> None:
        """The place is on record; the process is gone if it was to die here."""
        self._passed[name] += 1
        if self._trace:
            with open(self._trace, "a", encoding="ascii") as trace:  # one short write: whole, whoever else appends
                trace.write(f"{name}\n")
        if name == self._name and self._passed[name] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


_POINTS = CrashPoints(os.environ)


def crashpoint(name: str) -> None:
    """The place `name` has been passed."""
    if _POINTS.is_armed:
        _POINTS.at(name)


def committing(step: str) -> None:
    """Call last in a transaction: its places are `step.before_commit` and, once it has committed, `step.after_commit`."""
    if _POINTS.is_armed:
        _POINTS.at(f"{step}.before_commit")
        transaction.on_commit(lambda: _POINTS.at(f"{step}.after_commit"))


@contextlib.contextmanager
def autocommitting(step: str) -> Iterator[None]:
    """Around one statement that commits by itself: its places are `step.before_commit` and `step.after_commit`."""
    crashpoint(f"{step}.before_commit")
    yield
    crashpoint(f"{step}.after_commit")


@contextlib.contextmanager
def calling(step: str) -> Iterator[None]:
    """Around an external call: its places are `step.before_call` and, once it was answered, `step.after_call`."""
    crashpoint(f"{step}.before_call")
    yield
    crashpoint(f"{step}.after_call")
