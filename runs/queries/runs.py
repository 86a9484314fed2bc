"""Reads of runs: one, many, and whether there is one."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from runs.domain.documents import RUN_COLUMNS, RunRow
from runs.domain.lifecycle import TERMINAL
from runs.domain.requests import SANDBOX
from runs.errors import RunNotFound
from runs.models import Run
from runs.models.run import RunQuerySet
from runs.queries.shown import redactor

_ORDERS = {"createdAt": "created_at", "updatedAt": "updated_at"}
_TAG_SEPARATOR = "\x1f"
# Consoles ask for one run and for the newest again and again: making these statements anew would cost more than all else
# of the answers.
_RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs_run WHERE id = %s AND project_id = %s"  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs of a project a list shows; empty text and None mean any."""

    status: str | None = None
    tags: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    mode_name: str = ""
    environment: str = ""
    scenario_ref: str = ""
    search: str = ""
    include_archived: bool = False
    include_sandbox: bool = False

    @property
    def shows_all(self) -> bool:
        """True if nothing is filtered out, or only what was archived or is of the sandbox."""
        return self == RunFilter(include_archived=self.include_archived, include_sandbox=self.include_sandbox)


def run_row(project_id: UUID, run_id: UUID) -> RunRow:
    """The run as it is shown. Raises RunNotFound, also for a run of another project."""
    with connection.cursor() as cursor:
        cursor.execute(_RUN, [run_id, project_id])
        row = cursor.fetchone()
    if row is None:
        raise RunNotFound
    return _row(row)


def require_run(project_id: UUID, run_id: UUID) -> None:
    """Raises RunNotFound unless the project has this run."""
    if not Run.objects.filter(id=run_id, project_id=project_id).exists():
        raise RunNotFound


def list_runs(
    project_id: UUID,
    wanted: RunFilter,
    *,
    sort_by: str = "createdAt",
    descending: bool = True,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[RunRow], int]:
    """One page of the runs `wanted` matches, ordered by `createdAt` or `updatedAt`, ties by id; and how many it matches."""
    if wanted.shows_all:
        return _ready_list(project_id, wanted, (_ORDERS[sort_by], descending), limit, offset)
    sign = "-" if descending else ""
    matching = matching_runs(project_id, wanted)
    ordered = matching.order_by(f"{sign}{_ORDERS[sort_by]}", f"{sign}id")
    shown = [RawSQL(column, ()) for column in RUN_COLUMNS]  # noqa: S611 - our own names
    rows = [_row(row) for row in ordered.values_list(*shown)[offset : offset + limit]]
    is_last = len(rows) < limit and (rows or not offset)
    return rows, offset + len(rows) if is_last else matching.count()


def _ready_list(
    project_id: UUID, wanted: RunFilter, order: tuple[str, bool], limit: int, offset: int
) -> tuple[list[RunRow], int]:
    counted, listed = _list_statements(wanted.include_archived, wanted.include_sandbox, *order)
    with connection.cursor() as cursor:
        cursor.execute(listed, [project_id, project_id, limit, offset])
        rows = cursor.fetchall()
        if rows or not offset:
            return [_row(row[1:]) for row in rows], rows[0][0] if rows else 0
        cursor.execute(counted, [project_id])
        return [], cursor.fetchone()[0]


@functools.cache
def _list_statements(archived: bool, sandbox: bool, column: str, descending: bool) -> tuple[str, str]:
    """The statement that counts runs of a project, and the one that lists a page of them and counts them, too."""
    where = "project_id = %s"
    where += "" if archived else " AND archived_at IS NULL"
    where += "" if sandbox else f" AND mode <> '{SANDBOX}'"
    direction = "DESC" if descending else "ASC"
    counted = f"SELECT count(*) FROM runs_run WHERE {where}"  # noqa: S608 - our own words
    return counted, (
        f"SELECT ({counted}), {', '.join(RUN_COLUMNS)} FROM runs_run WHERE {where}"  # noqa: S608
        f" ORDER BY runs_run.{column} {direction}, runs_run.id {direction} LIMIT %s OFFSET %s"
    )


def _row(columns: Sequence[Any]) -> RunRow:
    row = RunRow._make(columns)
    if row.idempotency_key is None:
        return row
    # It is kept as it was given, as repeated requests are matched by it.
    return row._replace(idempotency_key=redactor().redact_text(row.idempotency_key))


def matching_runs(project_id: UUID, wanted: RunFilter) -> RunQuerySet:
    """The runs of the project that `wanted` matches, in no order."""
    runs = Run.objects.filter(project_id=project_id)
    if not wanted.include_archived:
        runs = runs.filter(archived_at=None)
    if not wanted.include_sandbox:
        runs = runs.exclude(mode=SANDBOX)
    if wanted.status:
        runs = runs.filter(status=wanted.status)
        if wanted.status not in TERMINAL:
            runs = runs.filter(ending_seq=None)  # says the same, and lets index runs_open find the few that are open
    if wanted.tags:
        runs = runs.filter(tags__contains=list(wanted.tags))
    if wanted.mode_name:
        runs = runs.filter(mode_name=wanted.mode_name)
    return _described(_created_between(runs, wanted), wanted)


def _created_between(runs: RunQuerySet, wanted: RunFilter) -> RunQuerySet:
    # Both compare what is shown, which has no microseconds: a run is never after its own createdAt.
    if wanted.created_after:
        runs = runs.filter(created_at__gt=end_of_millisecond(wanted.created_after))
    if wanted.created_before:
        runs = runs.filter(created_at__lt=wanted.created_before)
    return runs


def end_of_millisecond(moment: datetime) -> datetime:
    """The last moment that is shown as `moment`."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000 + 999)


def plays_scenario(reference: str) -> Q:
    """Runs of this scenario: `sourceRef` is equal to it, or `metadata.scenarioRef` contains it in any case."""
    return Q(source_ref=reference) | Q(metadata__scenarioRef__icontains=reference)


def scenario_of() -> Coalesce:
    """As an annotation: the scenario of a run, by whichever member it was named."""
    return Coalesce(KeyTextTransform("scenarioRef", "metadata"), "source_ref", output_field=TextField())


def _described(runs: RunQuerySet, wanted: RunFilter) -> RunQuerySet:
    if wanted.environment:
        runs = runs.filter(metadata__environment=wanted.environment)
    if wanted.scenario_ref:
        runs = runs.filter(plays_scenario(wanted.scenario_ref))
    if wanted.search:
        runs = _searched(runs, wanted.search)
    return runs


def _searched(runs: RunQuerySet, text: str) -> RunQuerySet:
    joined = Func(F("tags"), Value(_TAG_SEPARATOR), function="array_to_string", output_field=TextField())
    return runs.alias(id_text=Cast("id", TextField()), tag_text=joined).filter(
        Q(id_text__icontains=text)
        | Q(metadata__scenarioRef__icontains=text)
        | Q(metadata__environment__icontains=text)
        | Q(tag_text__icontains=text)
    )
