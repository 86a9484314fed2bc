"""Is everything that was promised true of the whole database?"""

import sys
from collections import defaultdict
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandParser

from runs.management.arguments import run_id
from runs.management.progress import Progress
from runs.models import Run
from runs.queries.invariants import Violation, run_pages, violations
from runs.queries.snapshot import one_snapshot

SHOWN_RUNS = 5


class Command(BaseCommand):
    """Exits 1 on any violation."""

    help = (
        "Check the invariants over the whole database: dense numbers, one ending, epochs, projections that equal the fold of "
        "their log, cursors, late data. Reads only, without locks, beside a running service. Exits 1 on any violation."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--run, --json."""
        parser.add_argument("--run", type=run_id, metavar="ID", help="this run alone")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: object, run: UUID | None, json: bool, **options: object) -> None:
        """Every run was checked."""
        total, checked, found = Run.objects.count() if run is None else 1, 0, list[Violation]()
        with Progress("checking") as progress:
            for page in run_pages(run):
                with one_snapshot():  # a run that is being written to meanwhile is no false alarm
                    found += violations(page)
                checked += len(page)
                progress.at(min(checked, total), total)
        if json:
            broken = [{"invariant": one.id, "words": one.words, "runId": str(one.run_id)} for one in found]
            self.stdout.write(orjson.dumps({"runs": checked, "violations": broken}).decode())
        else:
            self._tell(checked, found)
        if found:
            sys.exit(1)

    def _tell(self, checked: int, found: list[Violation]) -> None:
        by_invariant: dict[tuple[str, str], list[UUID]] = defaultdict(list)
        for one in found:
            by_invariant[one.id, one.words].append(one.run_id)
        for (name, words), runs in by_invariant.items():
            shown = ", ".join(str(one) for one in runs[:SHOWN_RUNS])
            more = f" and {len(runs) - SHOWN_RUNS} more" if len(runs) > SHOWN_RUNS else ""
            self.stdout.write(f"{name} broken by {len(runs)} runs: not true that {words}: {shown}{more}")
        self.stdout.write(f"{checked} runs checked, {len(found)} violations.")
