"""Watch runs: launch what is queued, record what runtimes say, take over what nobody owns."""

import asyncio
import logging
import os
import signal
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

from runs.observer.supervisor import Observer
from runs.operations.adopt import adopt_session
from runs.reporter import reporting


class Command(BaseCommand):
    """Runs one observer until SIGTERM or SIGINT; its runs are then handed back at once."""

    help = (
        "Watch runs: launch what is queued, record what runtimes say, take over what nobody owns. Stop it at any time."
    )

    def handle(self, *args: object, **options: object) -> None:
        """Blocks until a signal arrives, and ends the process."""
        with reporting():
            asyncio.run(_observe())
        logging.shutdown()
        sys.stdout.flush()
        # Everything is handed back. A thread that still waits for the database would hold the process up, fenced as it is.
        os._exit(0)


async def _observe() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Observer(adopt=adopt_session if settings.SESSION_DISCOVERY_ENABLED else None).run(stop)
