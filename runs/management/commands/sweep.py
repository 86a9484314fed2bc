"""End what is past its deadline, settle what nobody settled, clean up: what every observer does every few seconds."""

import asyncio
import signal
import sys
from collections import Counter

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from runs.ending import Questions
from runs.observer.sweep import FAILED, Sweep
from runs.reporter import reporting
from runs.runtimes.registry import Runtimes


class Command(BaseCommand):
    """Sweeps without owning any run. `--once` is the net below the observers."""

    help = (
        "Declare silent observers lost, end runs that are past a deadline (their runtime is asked first), settle overdue "
        "messages, carry out clean-ups. Takes no run over. Observers do this by themselves; the queue starts "
        "`sweep --once` every minute in case none is left. Exits 1 if a row could not be swept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--once, --json."""
        parser.add_argument("--once", action="store_true", help="one sweep, then exit (default: until a signal comes)")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON, one line a sweep")

    def handle(self, *args: object, once: bool, json: bool, **options: object) -> None:
        """Whatever was due has been done."""
        with reporting():
            done = asyncio.run(self._sweep(once=once, json=json))
        if done[FAILED]:
            sys.exit(1)

    async def _sweep(self, *, once: bool, json: bool) -> Counter[str]:
        runtimes = Runtimes()
        sweep, total, stop = Sweep(runtimes, Questions()), Counter[str](), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                done = await sweep.once()
                total += done
                self._tell(done, json=json)
                if once:
                    break
                await asyncio.wait({stopping}, timeout=settings.OBSERVER_SWEEP_S)
        finally:
            stopping.cancel()
            await runtimes.close()
        return total

    def _tell(self, done: Counter[str], *, json: bool) -> None:
        if json:
            self.stdout.write(orjson.dumps(dict(done), option=orjson.OPT_SORT_KEYS).decode())
        else:
            words = ", ".join(f"{name}: {number}" for name, number in sorted(done.items()))
            self.stdout.write(words or "nothing was due")
