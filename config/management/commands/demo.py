"""`manage.py demo`: the whole service, one decision made in it, and where to look further."""

import asyncio
import logging
import os
import shutil
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Coroutine
from pathlib import Path

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo.client import STEP_MS, Refused, launch, watch
from config.demo.service import Service, ServiceFailed, free_port, service_running, staff_login
from config.first_key import ensure_development_key
from runs.streaming.terminal import Screen, wants_colours
from runs.streaming.viewing import StreamFailed, View

STAFF = "demo"
HOST = "127.0.0.1"
INTERRUPTED = 130
SILENCE_S = 40  # a heartbeat comes every 15


class Command(BaseCommand):
    """Everything it shows came over HTTP; everything it started ends with it."""

    help = "Start everything, run one decision between scripted agents, show it live, and stay up until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where, and whether to stay."""
        parser.add_argument("--data", type=Path, default=settings.SIGNALBOX_DATA, help="folder for all files")
        parser.add_argument("--port", type=int, default=settings.PORT, help="if it is taken: any free one")
        parser.add_argument("--once", action="store_true", help="stop after the run; exit 0 only if it completed")

    def handle(self, *, data: Path, port: int, once: bool, **options: object) -> None:
        """The demo was shown and everything it started has ended."""
        if settings.PRODUCTION:
            raise CommandError("the demo makes a key and a staff login of its own: it needs SIGNALBOX_ENV=development")
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the screen belongs to the run
        try:
            status = asyncio.run(_until_asked_to_stop(self._demo(data.expanduser().absolute(), port, once)))
        except (ServiceFailed, Refused, StreamFailed, httpx.HTTPError) as fault:
            raise CommandError(str(fault) or type(fault).__name__) from fault
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit(INTERRUPTED if self._is_running else 0)
        if status != "completed":
            raise CommandError(f"the run of the demo ended as {status}")

    _is_running = True  # false once the run was shown and only Ctrl-C is waited for

    async def _demo(self, data: Path, port: int, once: bool) -> str:
        key, _ = ensure_development_key(data)
        self.stdout.write(f"Starting Signalbox in {data} ...")
        async with service_running(data, free_port(HOST, port)) as service:
            client = httpx.AsyncClient(
                base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=SILENCE_S, trust_env=False
            )
            async with client:
                run_id = await launch(client)
                self.stdout.write(f"Run {run_id}: three agents decide, a step every {STEP_MS} ms.\n\n", ending="")
                status = await self._show(client, run_id)
            await self._say_where(service, data, run_id, key)
            if not once:
                self._is_running = False
                self.stdout.write("\nRunning until Ctrl-C.")
                await service.ended()
        return status

    async def _show(self, client: httpx.AsyncClient, run_id: str) -> str:
        is_terminal = self.stdout.isatty()
        screen = Screen(
            self._write,
            live=is_terminal,
            colours=wants_colours(is_terminal, os.environ),
            width=lambda: shutil.get_terminal_size().columns,
        )
        try:
            return await watch(client, run_id, View(screen))
        finally:
            screen.clear()

    async def _say_where(self, service: Service, data: Path, run_id: str, key: str) -> None:
        password = await staff_login(data, STAFF)
        run = f"{service.url}/runs/{run_id}"
        self.stdout.write(
            "\n".join(
                [
                    "",
                    f"stream  curl -N -H 'Authorization: Bearer {key}' '{run}/stream?afterSeq=0'",
                    f"state   curl -H 'Authorization: Bearer {key}' {run}/state",
                    f"events  curl -H 'Authorization: Bearer {key}' {run}/events",
                    f"console {service.url}/admin/console/runs/{run_id}",
                    f"        log in as {STAFF} with {password} (shown this once)",
                ]
            )
        )

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


async def _until_asked_to_stop(work: Coroutine[object, object, str]) -> str:
    """The result of `work`; SIGTERM and SIGHUP end it as Ctrl-C does, through every `finally`."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
