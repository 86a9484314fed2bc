"""How long a child that died waits before it is started again."""

FIRST_S = 0.5
LONGEST_S = 30.0
FORGIVEN_AFTER_S = 30.0


class Backoff:
    """0.5 s, doubling to 30 s; a child that lived for 30 s begins again at 0.5 s."""

    def __init__(self) -> None:
        self._next = FIRST_S

    def after_life_of(self, seconds: float) -> float:
        """The pause in seconds before the next start, given how long the child has just lived."""
        if seconds >= FORGIVEN_AFTER_S:
            self._next = FIRST_S
        pause, self._next = self._next, min(self._next * 2, LONGEST_S)
        return pause
