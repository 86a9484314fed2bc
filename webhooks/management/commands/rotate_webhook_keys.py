"""Seal the secrets of webhooks under the newest key."""

import sys

import orjson
from django.core.management.base import BaseCommand, CommandParser

from runs.management.operator import operator
from runs.management.progress import Progress
from webhooks.operations.reseal import Resealed, reseal_all


class Command(BaseCommand):
    """Exits 1 if anything could not be read."""

    help = (
        "Seal every secret and all headers of webhooks under the newest key of SECRETS_KEY, so that older ones can be taken "
        "out of it; safe on a live system, and done again it changes nothing. "
        "Exits 1 if something was sealed with a key that is not configured any more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--json."""
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: object, json: bool, **options: object) -> None:
        """Everything that can be read lies under the newest key."""
        with Progress("sealing") as progress:
            report = reseal_all(operator(), told=progress.at)
        if json:
            counts = {name: getattr(report, name) for name in ("resealed", "current", "unreadable")}
            self.stdout.write(orjson.dumps(counts).decode())
        else:
            self._tell(report)
        if report.unreadable:
            sys.exit(1)

    def _tell(self, report: Resealed) -> None:
        self.stdout.write(f"{report.resealed} sealed under the newest key, {report.current} were already.")
        if report.unreadable:
            self.stdout.write(
                f"{report.unreadable} could not be read: the key that sealed them is in SECRETS_KEY no more. "
                "Name it there again, behind the newest, or set those secrets anew."
            )
