"""Slots: how many launches and re-attaches an observer has in flight, for each kind of runtime on its own."""

import asyncio

from django.conf import settings


class Slots:
    """One set of slots for each kind of runtime: one that is slow must not hold up the runs of another."""

    def __init__(self) -> None:
        self._of_kind: dict[str, asyncio.Semaphore] = {}

    def of(self, kind: str) -> asyncio.Semaphore:
        """The slots of this kind, always the same ones."""
        return self._of_kind.setdefault(kind, asyncio.Semaphore(settings.OBSERVER_LAUNCH_CONCURRENCY))
