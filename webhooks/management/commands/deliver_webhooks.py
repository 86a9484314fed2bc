"""Deliver webhooks without a queue: what its task does, in the foreground."""

import asyncio
import math
import signal
import sys

from django.core.management.base import BaseCommand, CommandParser

from runs.reporter import reporting
from webhooks.dispatcher import Drained, drain


class Command(BaseCommand):
    """Drains until a signal comes. `--once` until nothing is due."""

    help = (
        "Deliver webhooks: make deliveries of what runs have told, send what is due, plan what failed. The queue does this "
        "by itself; use this where none runs. It may run beside the queue and beside itself. Stop it at any time: it waits "
        "for the receivers it has called already. Exits 1 if something of ours could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--once."""
        parser.add_argument("--once", action="store_true", help="until nothing is due (default: until a signal comes)")

    def handle(self, *args: object, once: bool, **options: object) -> None:
        """Whatever was due has been tried."""
        with reporting():
            done = asyncio.run(_drain(once=once))
        self.stdout.write(in_words(done))
        if done.faults:
            sys.exit(1)


def in_words(done: Drained) -> str:
    """What was done, in one line."""
    if not (done.fanned_out or done.sent or done.faults):
        return "nothing was due"
    parts = {"fanned out": done.fanned_out, "delivered": done.sent - done.failed, "failed": done.failed}
    return ", ".join(f"{name}: {number}" for name, number in (parts | {"faults": done.faults}).items() if number)


async def _drain(*, once: bool) -> Drained:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await drain(for_s=math.inf, horizon_s=0 if once else math.inf, still=lambda: not stop.is_set())
