"""`manage.py drill`: kill things on purpose, on a scratch database, and see that every run ends as it should."""

import asyncio
import contextlib
import logging
import secrets
import shutil
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Coroutine, Sequence

import orjson
import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.drill.performance import DrillFailed, perform
from config.drill.report import Outcome, summary
from config.drill.scratch import scratch_database
from config.drill.steps import STEPS, Step
from config.postgres import BinariesNotFound, PostgresFailed, parse_database_url
from config.private_folder import new_private_folder
from config.watcher import Watcher
from runs.management.progress import Progress

INTERRUPTED = 130
SEEDS = 10_000


class Command(BaseCommand):
    """Exits 0 only if everything was as expected; what it started is gone then, and the operator's data was not touched."""

    help = (
        "Start processes of its own on a scratch database, launch runs, kill things, and say for each whether the run "
        "ended as it should. Needs under three minutes. With DATABASE_URL unset the database is a server in a temporary "
        "folder, else a database of its own on that server. Exits 1 if anything failed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--json, --keep, --only, --seed."""
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
        parser.add_argument("--keep", action="store_true", help="keep the logs and the scratch database, and say where")
        names = [step.name for step in STEPS]
        parser.add_argument("--only", action="append", choices=names, metavar="STEP", help=f"one of {', '.join(names)}")
        parser.add_argument("--seed", type=int, help="of every random moment; default: a new one")

    def handle(self, *, json: bool, keep: bool, only: list[str] | None, seed: int | None, **options: object) -> None:
        """The drill was done, and nothing of it is left unless it was to be kept."""
        for name in ("httpx", "signalbox.postgres"):  # requests and restarts are what a drill consists of
            logging.getLogger(name).setLevel(logging.CRITICAL)
        steps = [step for step in STEPS if only is None or step.name in only]
        seed = secrets.randbelow(SEEDS) if seed is None else seed
        began = time.monotonic()
        try:
            outcomes = self._drill(steps, seed, keep=keep, json=json)
        except (BinariesNotFound, PostgresFailed, DrillFailed, psycopg.Error) as fault:
            raise CommandError(str(fault)) from fault
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit(INTERRUPTED)
        seconds = time.monotonic() - began
        passed = all(outcome.passed for outcome in outcomes)
        if json:
            document = {"passed": passed, "seed": seed, "seconds": round(seconds, 1)}
            self.stdout.write(orjson.dumps(document | {"steps": [one.document() for one in outcomes]}).decode())
        else:
            self.stdout.write(f"{summary(outcomes, seconds)}, seed {seed}")
        if not passed:
            sys.exit(1)

    def _drill(self, steps: Sequence[Step], seed: int, *, keep: bool, json: bool) -> list[Outcome]:
        with contextlib.ExitStack() as left:
            folder = new_private_folder()
            if not keep:
                left.callback(shutil.rmtree, folder, ignore_errors=True)
            watcher = Watcher()
            left.callback(watcher.close)
            target = parse_database_url(settings.DATABASE_URL, base_dir=folder)
            scratch = left.enter_context(
                scratch_database(target, folder=folder, pgbin=settings.PGBIN, watcher=watcher, keep=keep)
            )
            progress = left.enter_context(Progress("drill"))
            done: list[Outcome] = []

            def told(outcome: Outcome) -> None:
                done.append(outcome)
                if not json:
                    progress.clear()
                    self.stdout.write("\n".join(outcome.lines(self._colour)))
                progress.at(len(done), len(steps))

            progress.at(0, len(steps))
            outcomes = _until_asked_to_stop(
                perform(steps, scratch=scratch, folder=folder, watcher=watcher, seed=seed, told=told)
            )
            if keep:
                self.stderr.write(f"kept: logs in {folder}, {scratch.kept}")
            return outcomes

    def _colour(self, word: str, passed: bool) -> str:
        return self.style.SUCCESS(word) if passed else self.style.ERROR(word)


def _until_asked_to_stop(work: Coroutine[object, object, list[Outcome]]) -> list[Outcome]:
    """The result of `work`; SIGTERM and SIGHUP end it as Ctrl-C does, through every `finally`."""

    async def run() -> list[Outcome]:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await task

    return asyncio.run(run())
