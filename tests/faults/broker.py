"""A task broker that keeps none of its promises. Which it breaks, TASK_FAULTS says: some of the words below, or `mix:SEED`.

    drop     no task is ever handed out
    double   each is handed out twice, at once
    delay    each is handed out late
    reorder  they wait until no further one comes, and the last is handed out first
    mix      each is dropped, or handed out once or twice, now or later and so in another order: by chance, from a seed

As any broker it loses what it holds with its process.
"""

import os
import random
import sys
import time

from django_q.brokers.orm import ORM

Package = tuple[int, str]
DELAY_SECONDS = 2.0
CHANCE = "mix:"


class FaultyBroker(ORM):
    """The queue's usual table, with a hand between it and the workers."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        words = os.environ["TASK_FAULTS"]
        self._faults = frozenset() if words.startswith(CHANCE) else frozenset(words.split(","))
        self._chance = random.Random(words) if words.startswith(CHANCE) else None
        self._held: list[tuple[float, Package]] = []  # with the time from which each may be handed out

    def dequeue(self) -> list[Package]:
        """The tasks whose time has come, if any."""
        fresh: list[Package] = super().dequeue() or []
        for package in fresh:
            moments = self._moments()
            if not moments:
                self.delete(package[0])
            # In one piece: workers write to the same pipe.
            sys.stdout.write(f"broker: task {package[0]} is handed out {len(moments)} times\n")
            self._held += [(time.monotonic() + moment, package) for moment in moments]
        ready = sorted(one for one in self._held if one[0] <= time.monotonic())
        if "reorder" in self._faults:
            if fresh or len(ready) < len(self._held):
                return []
            ready.sort(key=lambda one: one[1], reverse=True)
        self._held = [one for one in self._held if one not in ready]
        return [package for _, package in ready]

    def _moments(self) -> list[float]:
        """In how many seconds a task is handed out, once for each time."""
        if self._chance is not None:
            return [self._chance.uniform(0, DELAY_SECONDS) for _ in range(self._chance.choice([0, 1, 2]))]
        times = 0 if "drop" in self._faults else 2 if "double" in self._faults else 1
        return [DELAY_SECONDS if "delay" in self._faults else 0.0] * times
