"""When the next line is due, so that a paced session keeps its rate however long each line takes."""


class Metronome:
    """Beats every `interval` seconds from its first beat; 0 is always due."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._due: float | None = None

    def until_due(self, now: float) -> float:
        """Seconds until the next line is due; 0 or less: now. The first line of all is due at once."""
        return 0.0 if self._due is None or not self._interval else self._due - now

    def beat(self, now: float) -> None:
        """A line was said: the next is due one interval after this one *was due*, so that delays do not add up."""
        self._due = (now if self._due is None else self._due) + self._interval

    def rest(self, now: float) -> None:
        """The session stands still: when it goes on, what it missed is not made up for."""
        self._due = now + self._interval
