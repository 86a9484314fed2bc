"""A clock that a test winds, for streams that pace themselves."""

from dataclasses import dataclass


@dataclass
class Watch:
    """Whoever waits is there at once; at `stops_at` the process is asked to end."""

    stops_at: float = float("inf")
    time: float = 1_000.0
    _stood_still: int = 0

    def now(self) -> float:
        """What the watch shows."""
        return self.time

    async def wait(self, seconds: float) -> bool:
        """The watch has moved on; False when it has come to `stops_at`."""
        assert seconds >= 0
        self._stood_still = 0 if seconds else self._stood_still + 1
        assert self._stood_still < 1_000, "it waits again and again for a moment that has passed"
        self.time = min(self.time + seconds, self.stops_at)
        return self.time < self.stops_at
