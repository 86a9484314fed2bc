"""Entries found by a key, in order of arrival, the oldest out first."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
E = TypeVar("E")


class Shelf(Generic[K, E]):
    """A stored list as an index while a fold works on it.

    Entries are replaced, never changed, so the list it was opened from and all its entries stay as they were. The index
    is built on first use: most batches touch few of a projection's lists.
    """

    __slots__ = ("_cap", "_index", "_key", "_stored")

    def __init__(self, stored: list[E], key: Callable[[E], K], cap: int) -> None:
        self._stored = stored
        self._key = key
        self._cap = cap
        self._index: dict[K, E] | None = None

    def _opened(self) -> dict[K, E]:
        if self._index is None:
            key = self._key
            self._index = {key(entry): entry for entry in self._stored}
        return self._index

    def get(self, key: K) -> E | None:
        """The entry of this key, or None."""
        return self._opened().get(key)

    def put(self, entry: E) -> E | None:
        """The entry is there, in the place of one with its key or else last; what had to go for it is returned."""
        index = self._opened()
        index[self._key(entry)] = entry
        return index.pop(next(iter(index))) if len(index) > self._cap else None

    def put_last(self, entry: E) -> E | None:
        """The entry is there and is the newest; what had to go for it is returned."""
        self._opened().pop(self._key(entry), None)
        return self.put(entry)

    def drop(self, key: K) -> E | None:
        """No entry has this key; the one that had it is returned."""
        return self._opened().pop(key, None)

    def listed(self) -> list[E]:
        """All entries in order, as they are stored."""
        return self._stored if self._index is None else list(self._index.values())
