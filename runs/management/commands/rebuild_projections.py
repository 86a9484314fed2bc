"""`manage.py rebuild_projections`: every stored projection is made anew from its log, or compared with it."""

import contextlib
import itertools
import sys
from argparse import ArgumentParser
from uuid import UUID

import orjson
import psycopg
from django.core.management.base import BaseCommand
from django.db import OperationalError

from runs.errors import RunNotFound
from runs.management.arguments import add_report_arguments, unknown_run
from runs.management.progress import Progress
from runs.operations.rebuild import rebuild_projection
from runs.queries.drift import Drift, count_outdated, drifts_in
from runs.queries.pages import count_all_runs, run_pages
from runs.queries.snapshot import snapshot

Line = dict[str, object]


class Report:
    """How many runs fared how, and a line for each that is worth one."""

    def __init__(self, *counted: str, bad: str) -> None:
        self.counts = dict.fromkeys(counted, 0)
        self.lines: list[Line] = []
        self._bad = bad

    @property
    def is_bad(self) -> bool:
        """True if the exit code must say so."""
        return self.counts[self._bad] > 0


class Command(BaseCommand):
    """Safe beside live writers; exits 1 if anything has drifted with --check, or could not be rebuilt without."""

    help = (
        "Make every stored projection anew from its log, of ended runs too; safe on a live system. "
        "With --check change nothing and say which have drifted. "
        "Exit code: 0 all well, 1 some have drifted (--check) or could not be rebuilt, 4 unknown run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--run, --json and --check."""
        add_report_arguments(parser)
        parser.add_argument("--check", action="store_true", help="say what has drifted; change nothing")

    def handle(self, *args: object, run: UUID | None, json: bool, check: bool, **options: object) -> None:
        """The projections are the folds of their logs, or were compared with them, and the report is printed."""
        report = _compare(run) if check else _rebuild(run)
        if run is not None and not any(report.counts.values()):
            raise unknown_run(run)
        if json:
            self.stdout.write(orjson.dumps({**report.counts, "runs": report.lines}).decode())
        else:
            self._tell(report)
        if report.is_bad:
            sys.exit(1)

    def _tell(self, report: Report) -> None:
        for line in report.lines:
            self.stdout.write(f"{line['runId']}  {_words(line)}")
        self.stdout.write(", ".join(f"{count} {name}" for name, count in report.counts.items()) + ".")


def _words(line: Line) -> str:
    if "path" in line:
        return f"{line['path']} differs; stored up to event {line['storedSeq'] or 0}, folded up to {line['foldedSeq']}"
    return str(line["error"]) if "error" in line else f"changed; rebuilt up to event {line['latestSeq']}"


def _compare(only: UUID | None) -> Report:
    """What has drifted; a page of runs is read in one snapshot, so that no half of a writer's is taken for drift."""
    report, total = Report("checked", "drifted", "outdated", bad="drifted"), count_all_runs(only)
    with Progress("comparing") as progress:
        for page in run_pages(only):
            progress.at(min(report.counts["checked"], total), total)
            with snapshot():
                drifts = list(drifts_in(page))
                report.counts["outdated"] += count_outdated(page)
            report.counts["checked"] += len(page)
            report.counts["drifted"] += len(drifts)
            report.lines += map(_drift, drifts)
    return report


def _drift(drift: Drift) -> Line:
    return {
        "runId": str(drift.run_id),
        "path": drift.path,
        "storedSeq": drift.stored_seq,
        "foldedSeq": drift.folded_seq,
    }


def _rebuild(only: UUID | None) -> Report:
    report, total = Report("rebuilt", "changed", "failed", bad="failed"), count_all_runs(only)
    with Progress("rebuilding") as progress:
        for number, run_id in enumerate(itertools.chain.from_iterable(run_pages(only))):
            progress.at(min(number, total), total)
            with contextlib.suppress(RunNotFound):  # deleted since the page was read
                _rebuild_one(run_id, report)
    return report


def _rebuild_one(run_id: UUID, report: Report) -> None:
    try:
        rebuilt = rebuild_projection(run_id=run_id)
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        report.counts["failed"] += 1
        report.lines.append({"runId": str(run_id), "error": "somebody else holds the lock of the run"})
        return
    report.counts["rebuilt"] += 1
    if rebuilt.has_changed:
        report.counts["changed"] += 1
        report.lines.append({"runId": str(run_id), "latestSeq": rebuilt.latest_seq})
