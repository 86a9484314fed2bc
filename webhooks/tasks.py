"""Thin entries for the queue. A task means "look whether there is work of this kind"; it may be lost, doubled or late.

One drain at a time in the whole deployment, however many kicks there are (`DRAINS`): it sends hundreds at once, so a second
one would gain little, and the other worker of a queue stays free for what else it has to do, the safety net above all. A
kick that finds no free slot ends at once. A drain gives its slot back before it waits for the last receivers.
"""

import asyncio
import logging
from datetime import timedelta
from typing import cast
from uuid import UUID

from django.conf import settings
from django_q.tasks import async_task

from runs.models.identity import uuid7
from runs.queue_stop import is_queue_stopping
from webhooks.clock import Clock, database_clock
from webhooks.dispatcher import drain, is_due_soon
from webhooks.models import DrainSlot

log = logging.getLogger("signalbox.webhooks")

DRAINS = 1
DRAIN_S = 20.0
# Whoever waits for the last receivers must be done when the queue kills the task.
RESERVE_S = 5.0
# A slot whose holder died is free after this; a living one says so long before.
HOLD = timedelta(seconds=15)
SAYS_SO_AFTER = timedelta(seconds=4)
# A drain stays while something is due within this, though it may be another one that sends it: one task follows the other
# without a pause, and a task that found nothing to do yet would only start the next.
HORIZON_S = 60.0

DELIVER = "webhooks.tasks.deliver"


def deliver() -> str:
    """What is due has been sent, as far as one task gets; another one follows if anything is due within a minute."""
    slot = Slot(database_clock)
    if not slot.take():
        return "another drain is at it"
    try:
        done = asyncio.run(
            drain(for_s=seconds(), horizon_s=HORIZON_S, still=slot.is_to_go_on, when_claimed=slot.hand_on)
        )
    finally:
        slot.give_back()
    if done.is_due_soon and not slot.is_handed_on:
        kick()
    return f"fanned out: {done.fanned_out}, sent: {done.sent}, failed: {done.failed}, faults: {done.faults}"


def kick() -> None:
    """The queue looks soon whether anything is to be delivered."""
    async_task(DELIVER)


def seconds() -> float:
    """How long one task may claim: what it has claimed last must be sent and recorded before the queue's own limit."""
    limit = cast(int, settings.Q_CLUSTER["timeout"])
    return min(DRAIN_S, limit - settings.WEBHOOK_TIMEOUT_S - RESERVE_S)


class Slot:
    """The place of one drain, as long as it says often enough that it lives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holder: UUID = uuid7()
        self._kept_at = clock()
        self.is_handed_on = False

    def take(self) -> bool:
        """True if the slot is ours."""
        return DrainSlot.objects.take(self._holder, slots=DRAINS, now=self._kept_at, hold=HOLD) is not None

    def keep(self) -> bool:
        """The slot is ours for longer; False if we were silent for too long, and another drain may have it."""
        now = self._clock()
        if now - self._kept_at < SAYS_SO_AFTER:
            return True
        self._kept_at = now
        return DrainSlot.objects.keep(self._holder, now=now, hold=HOLD)

    def is_to_go_on(self) -> bool:
        """False if the slot is lost, or when the queue is to end: what is due then waits for the next one."""
        return not is_queue_stopping() and self.keep()

    def hand_on(self) -> None:
        """The slot is free. What came while it was not has a task: a kick of that time found no slot and has ended."""
        self.give_back()
        if is_due_soon(self._clock):
            kick()
            self.is_handed_on = True

    def give_back(self) -> None:
        """The slot is free."""
        DrainSlot.objects.give_back(self._holder)
