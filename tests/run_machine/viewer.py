"""Somebody who watches a run, leaves, and comes back from any place they knew."""

from uuid import UUID

from runs.streaming.feed import follow, reading


class Viewer:
    """What one viewer has been shown of a run: the documents after `first`, by number, whatever happened in between."""

    def __init__(self, run_id: UUID, first: int) -> None:
        self.run_id = run_id
        self.first = first
        self.cursor = first
        self.shown: dict[int, bytes] = {}

    @property
    def last(self) -> int:
        """The greatest number it knows."""
        return self.first + len(self.shown)

    def comes_back(self, cursor: int) -> None:
        """It goes on from a place it knew."""
        self.cursor = self.first + cursor % (len(self.shown) + 1)

    async def reads(self, pages: int | None) -> None:
        """It was shown so many pages, or everything up to the present end; then the connection was cut."""
        async with reading(self.run_id, self.cursor) as reader:
            while not (reader.is_current or reader.has_ended) and pages != 0:
                for entry in await reader.next_page():
                    self._is_shown(entry.seq, entry.document)
                pages = None if pages is None else pages - 1

    async def watches_to_the_end(self) -> None:
        """It was shown everything up to the ending of a run that has ended."""
        async for entry in follow(self.run_id, self.cursor):
            self._is_shown(entry.seq, entry.document)

    def _is_shown(self, seq: int, document: bytes) -> None:
        assert seq == self.cursor + 1, f"a hole, or a repeat: {seq} after {self.cursor}"
        assert self.shown.setdefault(seq, document) == document, f"event {seq} is not what it was"
        self.cursor = seq
