"""`manage.py watch_run ID`: a run as it happens, in the terminal."""

import asyncio
import contextlib
import os
import shutil
import sys
from argparse import ArgumentParser
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from runs import bridge
from runs.errors import RunNotFound
from runs.streaming.feed import follow
from runs.streaming.frames import frames
from runs.streaming.standing import standing_of
from runs.streaming.subscription import Subscription
from runs.streaming.terminal import Screen, wants_colours
from runs.streaming.viewing import EXIT_CODES, StreamFailed, View
from runs.streaming.words import plain

BROKEN_OFF, UNKNOWN_RUN, INTERRUPTED = 3, 4, 130
SNAPSHOT_MS = 500  # a status line that follows the eye


class Command(BaseCommand):
    """Shows every event of a run and how it ended; needs the database alone."""

    help = (
        "Show a run from its first event to its ending. "
        "Exit code: 0 completed, 1 failed, 2 cancelled, 3 broken off, 4 unknown run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the run's id and the form of output."""
        parser.add_argument("run_id", metavar="ID", help="the run's id")
        parser.add_argument("--json", action="store_true", help="print the events as JSON, one a line")

    def handle(self, *, run_id: str, json: bool, **options: object) -> None:
        """The run was shown to its ending; the exit code says which."""
        try:
            found = UUID(run_id)
        except ValueError:
            raise _unknown(run_id) from None
        try:
            status = asyncio.run(self._print_events(found) if json else self._show(found))
        except RunNotFound:
            raise _unknown(run_id) from None
        except StreamFailed as failure:
            raise CommandError(f"broken off: {failure}", returncode=BROKEN_OFF) from None
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(BROKEN_OFF)
        sys.exit(EXIT_CODES[status])

    async def _show(self, run_id: UUID) -> str:
        screen = self._screen()
        view = View(screen)
        try:
            while view.status is None:  # a stream also ends at its age
                subscription = Subscription(after=view.cursor, snapshot_ms=SNAPSHOT_MS)
                standing = await bridge.rows(standing_of, run_id)
                async with contextlib.aclosing(frames(run_id, subscription, standing)) as bursts:
                    await view.show(bursts)
        finally:
            screen.clear()
        return view.status

    async def _print_events(self, run_id: UUID) -> str:
        status = ""
        async with contextlib.aclosing(follow(run_id)) as entries:
            async for entry in entries:
                self._write(entry.document.decode() + "\n")
                status = entry.type.removeprefix("run.")
        return status

    def _screen(self) -> Screen:
        is_terminal = self.stdout.isatty()
        return Screen(
            self._write,
            live=is_terminal,
            colours=wants_colours(is_terminal, os.environ),
            width=lambda: shutil.get_terminal_size().columns,
        )

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


def _unknown(run_id: str) -> CommandError:
    return CommandError(f"there is no run {plain(run_id)}", returncode=UNKNOWN_RUN)
