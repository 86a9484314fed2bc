"""A clock that a test winds, for streams that pace themselves."""

from dataclasses import dataclass


@dataclass
class Watch:
    """Whoever waits is there at once; at `stops_at` the process is asked to end."""

    stops_at: float = float("inf")
    time: float = 1_000.0

    def now(self) -> float:
        """What the watch shows."""
        return self.time

    async def wait(self, seconds: float) -> bool:
        """The watch has moved on; False when it has come to `stops_at`."""
        assert seconds >= 0
        self.time = min(self.time + seconds, self.stops_at)
        return self.time < self.stops_at
