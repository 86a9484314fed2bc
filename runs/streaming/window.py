"""The last events of one log that are kept at hand, bounded in number and in bytes."""

from collections import deque

from runs.streaming.log import Entries, LogEntry

WINDOW_EVENTS = 256
WINDOW_BYTES = 1 << 20
FORMS = 3
PROCESS_BYTES = 64 << 20


class Budget:
    """What all windows of a process hold together, in bytes."""

    def __init__(self, limit: int = PROCESS_BYTES) -> None:
        self.held = 0
        self._limit = limit

    @property
    def is_exceeded(self) -> bool:
        """True while whoever adds has to let go of something first."""
        return self.held > self._limit


class Window:
    """A gapless piece of a log that ends with what was added last. What is no longer in it is read from the rows."""

    def __init__(self, budget: Budget) -> None:
        self._entries: deque[LogEntry] = deque()
        # What follows a cursor is the same for all who have the same, which is nearly everybody.
        self._latest: tuple[int, Entries] | None = None
        self._bytes = 0
        self._budget = budget

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: LogEntry) -> None:
        """The entry is the last one; the oldest have gone until every bound is kept."""
        self._latest = None
        self._entries.append(entry)
        self._count(_size(entry))
        while self._is_too_large():
            self._count(-_size(self._entries.popleft()))

    def after(self, cursor: int) -> Entries | None:
        """Everything after the cursor, in order; None where the window no longer, or not yet, reaches."""
        if self._latest is not None and self._latest[0] == cursor:
            return self._latest[1]
        if not self._entries:
            return None
        wanted = self._entries[-1].seq - cursor
        if not 0 <= wanted <= len(self._entries):
            return None
        found = Entries(self._entries[place] for place in range(-wanted, 0))
        self._latest = (cursor, found)
        return found

    def clear(self) -> None:
        """It holds nothing, and its bytes are free for others."""
        self._latest = None
        self._entries.clear()
        self._count(-self._bytes)

    def _is_too_large(self) -> bool:
        if not self._entries:
            return False
        is_full = len(self._entries) > WINDOW_EVENTS or self._bytes > WINDOW_BYTES
        return is_full or self._budget.is_exceeded

    def _count(self, size: int) -> None:
        self._bytes += size
        self._budget.held += size


def _size(entry: LogEntry) -> int:
    # Beside the document a frame holds the two forms that it was sent in.
    return FORMS * len(entry.document)
