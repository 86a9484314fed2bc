"""How many requests a caller may make to a route: THROTTLE_LIMIT in THROTTLE_TTL_MS, over all processes together.

A process reserves requests in slices, by one statement each, and admits them from memory (docs/limits.md says how exact that
is). Without the database nobody is refused: a limit protects the service, and must not be what takes it down.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFault

from runs.models import RateWindow
from runs.models.rate_window import Reserved

log = logging.getLogger("signalbox.limits")

# Parts of the limit: a process that has just begun may need few, one that keeps coming back takes twice as many each time.
SMALLEST_PART, LARGEST_PART = 100, 20
TRUST_S = 1.0  # without the database: so long everybody is admitted before it is asked again
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """Whose requests to what are counted together."""

    caller: str
    route: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether one request was admitted, and how its caller stands with the route as far as this process knows."""

    is_admitted: bool
    limit: int
    remaining: int
    reset_s: int

    @property
    def headers(self) -> dict[str, str]:
        """What every answer tells its caller."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }
        return headers if self.is_admitted else headers | {"Retry-After": str(self.reset_s)}


class Reserve(Protocol):
    """Takes a slice of a window for this process (RateWindow.objects.reserve)."""

    def __call__(self, caller: str, route: str, *, wanted: int, limit: int, seconds: float) -> Reserved: ...


@dataclass(slots=True)
class Held:
    """What this process holds of one window."""

    requests: int = 0
    left_to_others: int = 0
    ends_at: float = 0.0  # by our own clock, and not after the window does by the database's
    wanted: int = 0
    reserving: Lock = field(default_factory=Lock)


class Throttle:
    """The slices of one process. Safe between threads; only `take` touches rows."""

    def __init__(self, reserve: Reserve, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reserve = reserve
        self._clock = clock
        self._held: dict[Key, Held] = {}
        self._trusting_until = -math.inf
        self._lock = Lock()

    def take_held(self, key: Key) -> Allowance | None:
        """One request, admitted or refused, from what is known here; None where a slice must be reserved first."""
        with self._lock:
            held, now = self._held.get(key), self._clock()
            if held is not None and held.ends_at > now and (held.requests or not held.left_to_others):
                return self._one_of(held, now)
            return self._trusted() if now < self._trusting_until else None

    def take(self, key: Key) -> Allowance:
        """One request, admitted or refused; a slice is reserved if need be, by one thread for all that wait for it."""
        held = self._held_for(key)
        with held.reserving:
            return self.take_held(key) or self._take_anew(key, held)

    def _take_anew(self, key: Key, held: Held) -> Allowance:
        asked_at, limit, ttl_s = self._clock(), settings.THROTTLE_LIMIT, settings.THROTTLE_TTL_MS / 1000
        wanted = _next_slice(held.wanted if held.ends_at > asked_at else 0, limit)
        try:
            reserved = self._reserve(key.caller, key.route, wanted=wanted, limit=limit, seconds=ttl_s)
        except (DatabaseFault, psycopg.Error) as error:
            return self._begin_to_trust(error)
        with self._lock:
            held.requests, held.left_to_others = reserved.requests, reserved.left
            held.ends_at, held.wanted = asked_at + reserved.seconds, wanted
            return self._one_of(held, self._clock())

    def _held_for(self, key: Key) -> Held:
        with self._lock:
            while key not in self._held and len(self._held) >= MOST_KEPT:
                del self._held[
                    next(iter(self._held))
                ]  # what it had reserved is lost to its caller, until the window is over
            return self._held.setdefault(key, Held())

    def _one_of(self, held: Held, now: float) -> Allowance:
        is_admitted = held.requests > 0
        held.requests -= is_admitted
        reset_s = max(1, math.ceil(held.ends_at - now))
        return Allowance(is_admitted, settings.THROTTLE_LIMIT, held.requests + held.left_to_others, reset_s)

    def _begin_to_trust(self, error: Exception) -> Allowance:
        log.warning("requests are not limited while the database does not count them: %s", error)
        with self._lock:
            self._trusting_until = self._clock() + TRUST_S
        return self._trusted()

    def _trusted(self) -> Allowance:
        limit = settings.THROTTLE_LIMIT
        return Allowance(True, limit, limit, max(1, math.ceil(settings.THROTTLE_TTL_MS / 1000)))


def _next_slice(last: int, limit: int) -> int:
    smallest, largest = max(1, limit // SMALLEST_PART), max(1, limit // LARGEST_PART)
    return min(largest, last * 2) if last else smallest


def _reserve(caller: str, route: str, *, wanted: int, limit: int, seconds: float) -> Reserved:
    return RateWindow.objects.reserve(caller, route, wanted=wanted, limit=limit, seconds=seconds)


throttle = Throttle(_reserve)
