"""Take up runs that nobody living owns, and say how that went."""

import asyncio
import sys
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandParser

from runs.management.arguments import run_id
from runs.management.progress import Progress
from runs.observer.recover import ownerless, recover
from runs.reporter import reporting


class Command(BaseCommand):
    """Exits 1 if any run failed."""

    help = (
        "Take up the runs that nobody living owns: each is launched or attached to once and then left to whoever watches "
        "next. Observers do this by themselves; use it where none is running, or to see what would happen. "
        "Exits 1 if any run failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--run, --dry-run, --json."""
        parser.add_argument("--run", type=run_id, metavar="ID", help="this run alone")
        parser.add_argument("--dry-run", action="store_true", help="say which runs would be taken up; change nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: object, run: UUID | None, dry_run: bool, json: bool, **options: object) -> None:
        """The runs were taken up and are free again."""
        if dry_run:
            found = [{"runId": str(run_id)} for run_id in ownerless(run)]
            report: dict[str, object] = {
                "claimed": 0,
                "recovered": 0,
                "failed": 0,
                "skipped": len(found),
                "runs": found,
            }
        else:
            with reporting(), Progress("recovering") as progress:
                report = asyncio.run(recover(only=run, told=progress.at))
        if json:
            self.stdout.write(orjson.dumps(report).decode())
        else:
            self._tell(report, dry_run=dry_run)
        if report["failed"]:
            sys.exit(1)

    def _tell(self, report: dict[str, object], *, dry_run: bool) -> None:
        runs = report["runs"]
        assert isinstance(runs, list)
        for run in runs:
            self.stdout.write("  ".join(str(run[name]) for name in ("runId", "mode", "code") if run.get(name)))
        if dry_run:
            self.stdout.write(f"{len(runs)} runs would be taken up.")
        else:
            counts = ", ".join(f"{report[name]} {name}" for name in ("claimed", "recovered", "failed", "skipped"))
            self.stdout.write(f"{counts}.")
