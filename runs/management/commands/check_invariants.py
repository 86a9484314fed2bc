"""`manage.py check_invariants`: is everything that was promised true of the whole database?"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand

from runs.management.arguments import add_report_arguments, unknown_run
from runs.management.progress import Progress
from runs.queries.invariants import GUARDS, Invariant, Violation, broken_in, invariants, lost_guards
from runs.queries.pages import count_all_runs, run_pages
from runs.queries.snapshot import snapshot

SHOWN = 5


@dataclass(slots=True)
class Broken:
    """An invariant that does not hold: how often, and the first few runs that break it, or what the database lacks."""

    invariant: Invariant
    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, by: str) -> None:
        """One more breaks it."""
        self.count += 1
        if self.count <= SHOWN:
            self.shown.append(by)

    def lines(self) -> list[str]:
        """What a person reads of it."""
        extent = "missing" if self.invariant in GUARDS else f"broken by {_runs(self.count)}"
        return [f"{self.invariant.id} {self.invariant.words}: {extent}", *(f"    {one}" for one in self.shown)]

    def document(self) -> dict[str, object]:
        """What a program reads of it."""
        by = "missing" if self.invariant in GUARDS else "runIds"
        return {"id": self.invariant.id, "words": self.invariant.words, "count": self.count, by: self.shown}


class Findings:
    """What is broken, and how many runs were looked at."""

    def __init__(self) -> None:
        self.runs = 0
        self._broken: dict[Invariant, Broken] = {}

    def add(self, violations: Iterable[Violation]) -> None:
        """These are broken, too."""
        for invariant, by in violations:
            self._broken.setdefault(invariant, Broken(invariant)).add(by)

    def broken(self) -> list[Broken]:
        """What is broken, in the order in which it is checked."""
        return [self._broken[invariant] for invariant in invariants() if invariant in self._broken]


class Command(BaseCommand):
    """Reads alone, locks nothing, and needs the database alone; exits 1 if anything is broken."""

    help = (
        "Check what must hold of every run: numbering, endings, epochs, projections, cursors, messages, late data. "
        "Changes nothing and locks nothing; safe on a live system. "
        "Exit code: 0 all holds, 1 something is broken, 4 unknown run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--run and --json."""
        add_report_arguments(parser)

    def handle(self, *args: object, run: UUID | None, json: bool, **options: object) -> None:
        """The whole database, or one run, was checked, and the report is printed."""
        found = _check(run)
        if run is not None and not found.runs:
            raise unknown_run(run)
        broken = found.broken()
        if json:
            report = {"runs": found.runs, "violations": [one.document() for one in broken]}
            self.stdout.write(orjson.dumps(report).decode())
        else:
            for line in (line for one in broken for line in one.lines()):
                self.stdout.write(line)
            if not broken:
                self.stdout.write(f"{_runs(found.runs)} checked: every invariant holds.")
        if broken:
            sys.exit(1)


def _check(only: UUID | None) -> Findings:
    """Everything was looked at, a page of runs in one snapshot at a time."""
    found, total = Findings(), count_all_runs(only)
    found.add(lost_guards())
    with Progress("checking") as progress:
        for page in run_pages(only):
            progress.at(min(found.runs, total), total)
            with snapshot():
                found.add(broken_in(page))
            found.runs += len(page)
    return found


def _runs(count: int) -> str:
    return f"{count} run{'s' if count != 1 else ''}"
