"""Fold stored projections anew, or say which have drifted from their log."""

import sys
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.errors import RunNotFound
from runs.management.arguments import run_id
from runs.management.progress import Progress
from runs.models import Run
from runs.operations.rebuild import rebuild_projection
from runs.queries.drift import Drift, drift_of
from runs.queries.invariants import run_pages
from runs.queries.snapshot import one_snapshot


class Command(BaseCommand):
    """With --check it writes nothing, and exits 1 if any projection has drifted."""

    help = (
        "Fold the stored projection of every run (or of one) anew from its log, under the run's lock, beside a running "
        "service. --check changes nothing, says which projections differ from their log, and where, and exits 1 if any does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--run, --check, --json."""
        parser.add_argument("--run", type=run_id, metavar="ID", help="this run alone")
        parser.add_argument("--check", action="store_true", help="write nothing; say what has drifted")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: object, run: UUID | None, check: bool, json: bool, **options: object) -> None:
        """Every projection was compared with its log, and without --check is equal to it now."""
        total, done, drifted = Run.objects.count() if run is None else 1, 0, list[Drift]()
        try:
            with Progress("checking" if check else "rebuilding") as progress:
                for page in run_pages(run):
                    for one in page:
                        with one_snapshot():
                            drifted += [drift] if (drift := drift_of(one)) is not None else []
                        if not check:
                            rebuild_projection(one)
                        done += 1
                        progress.at(min(done, total), total)
        except RunNotFound:
            raise CommandError(f"There is no run {run}.") from None
        self._tell(done, drifted, check=check, json=json)
        if check and drifted:
            sys.exit(1)

    def _tell(self, done: int, drifted: list[Drift], *, check: bool, json: bool) -> None:
        if json:
            report = {"runs": done, "rebuilt": 0 if check else done, "drifted": [one.document() for one in drifted]}
            self.stdout.write(orjson.dumps(report).decode())
            return
        for one in drifted:
            self.stdout.write(
                f"{one.run_id} differs at {one.path}; stored at seq {one.stored_seq}, log at {one.last_seq}"
            )
        self.stdout.write(f"{done} projections {'checked' if check else 'rebuilt'}, {len(drifted)} had drifted.")
