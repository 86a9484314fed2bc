"""A circuit breaker around any runtime, so that one that is away is not called over and over.

    CLOSED --- threshold transport failures in a row ---> OPEN --- reset time over: one probe ---> HALF_OPEN
    HALF_OPEN --- the probe was answered ---> CLOSED      HALF_OPEN --- the probe failed ---> OPEN

A refusal is an answer: only RuntimeUnavailable and RuntimeTimedOut count, but not NoRuntime: where a setting is missing,
waiting helps nobody, and "suspended" would hide what is wrong. Opening a stream counts like a call; its later breaking
does not, or one restart of a runtime would count once per live run.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeVar

from runs.crashpoint import calling
from runs.errors import BreakerOpen, NoRuntime, RuntimeFault, RuntimeTimedOut, RuntimeUnavailable
from runs.metrics import BREAKER_FAILURES, BREAKER_SUCCESSES, BREAKERS

T = TypeVar("T")
BreakerState = Literal["CLOSED", "OPEN", "HALF_OPEN"]
LEVELS: Mapping[BreakerState, float] = {"CLOSED": 0.0, "HALF_OPEN": 1.0, "OPEN": 2.0}
OnChange = Callable[[BreakerState, str], None]


class Breaker:
    """Counts consecutive transport failures of one runtime in one event loop.

    `state` is readable at any time; `on_change` is told each new state and why. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        *,
        threshold: int,
        reset_ms: int,
        clock: Callable[[], float] = time.monotonic,
        on_change: OnChange | None = None,
    ) -> None:
        self.failures_total = 0
        self.successes_total = 0
        self._threshold = threshold
        self._reset = reset_ms / 1000
        self._clock = clock
        self._on_change = on_change
        self._state: BreakerState = "CLOSED"
        self._in_a_row = 0
        self._since = 0.0  # when it opened, or the present probe began
        self._tripped_at = 0.0
        self._probe = 0  # number of the latest probe; ordinary calls are 0
        BREAKERS.put(self, LEVELS[self._state])

    @property
    def state(self) -> BreakerState:
        """CLOSED lets calls through, OPEN none, HALF_OPEN waits for the answer of its one probe."""
        return self._state

    @property
    def tripped_for(self) -> float:
        """How many seconds ago it left CLOSED the last time."""
        return self._clock() - self._tripped_at

    async def call(self, attempt: Callable[[], Awaitable[T]], *, name: str = "runtime.call") -> T:
        """The result of one guarded call; BreakerOpen if it is not admitted. `name` is that of its crash points."""
        with self.attempt(), calling(name):
            return await attempt()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Admits the block or raises BreakerOpen, and learns from how the block ends."""
        probe = self._admit()
        try:
            yield
        except NoRuntime:
            self._abandoned(probe)
            raise
        except (RuntimeUnavailable, RuntimeTimedOut) as fault:
            self._failed(probe, fault)
            raise
        except RuntimeFault:
            self._answered(probe)
            raise
        except BaseException:
            self._abandoned(probe)
            raise
        self._answered(probe)

    def reset(self, reason: str = "reset by hand") -> None:
        """The breaker is closed and has forgotten every failure."""
        self._in_a_row = 0
        if self._state != "CLOSED":
            self._move("CLOSED", reason)

    def _admit(self) -> int:
        if self._state == "CLOSED":
            return 0
        waited = self._clock() - self._since
        # A probe that gave no answer for the whole reset time gives its place to the next: a silent stream may never.
        if waited < self._reset:
            raise BreakerOpen(details={"retryAfterMs": round((self._reset - waited) * 1000)})
        self._probe += 1
        self._since = self._clock()
        if self._state == "OPEN":
            self._move("HALF_OPEN", "reset time over")
        return self._probe

    def _answered(self, probe: int) -> None:
        self.successes_total += 1
        BREAKER_SUCCESSES.add()
        if self._state == "CLOSED" or self._is_current(probe):
            self.reset("the probe was answered")

    def _failed(self, probe: int, fault: RuntimeFault) -> None:
        self.failures_total += 1
        BREAKER_FAILURES.add()
        if self._state == "CLOSED":
            self._in_a_row += 1
        if self._is_current(probe) or (self._state == "CLOSED" and self._in_a_row >= self._threshold):
            self._since = self._clock()
            self._move("OPEN", fault.message)

    def _abandoned(self, probe: int) -> None:
        """A cancelled call says nothing about the runtime; if it was the probe, the next call is one."""
        if self._is_current(probe):
            self._since -= self._reset
            self._move("OPEN", "the probe was given up")

    def _is_current(self, probe: int) -> bool:
        return self._state == "HALF_OPEN" and probe == self._probe

    def _move(self, state: BreakerState, reason: str) -> None:
        if self._state == "CLOSED":
            self._tripped_at = self._clock()
        self._state = state
        BREAKERS.put(self, LEVELS[state])
        if self._on_change is not None:
            self._on_change(state, reason)
