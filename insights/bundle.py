"""A run as it is exported: what is known of it at one moment, and its lists, which are read while they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import connection

from insights import bundle_artifacts
from insights.bundle_head import head_of
from runs import queries
from runs.domain.documents import event_document, iso, late_document, raw_document
from runs.domain.events import JsonObject
from runs.errors import RunNotFound
from runs.models import Run
from runs.queries.log_pages import event_page, raw_page
from runs.queries.shown import redactor
from runs.queries.snapshot import snapshot
from runs.runtimes.registry import adapter_class

_LATE_ROWS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an export shall hold; `limit` is the most of each list, None without one."""

    canonical: bool = True
    raw: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One list of a bundle: its name there, the `type` of its lines, and how many entries it has.

    `read` returns the documents that follow the first so many, a page of them; the log may have grown beyond `count`. It
    touches rows.
    """

    name: str
    line_type: str
    count: int
    read: Callable[[int], list[JsonObject]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A run to export. `head` and the lengths of the parts are of one moment; logs only grow, so all of it is.

    `artifacts` belong to the head.
    """

    run_id: UUID
    head: JsonObject
    artifacts: Part
    parts: tuple[Part, ...]
    truncated: bool
    exported_at: str


def open_bundle(project_id: UUID, run_id: UUID, wanted: Wanted) -> Bundle:
    """The run as it is now. Raises RunNotFound."""
    with snapshot():
        run = Run.objects.select_related("session").filter(id=run_id, project_id=project_id).first()
        if run is None:
            raise RunNotFound
        late = queries.count_late(project_id, run_id)
        whole = _parts(project_id, run, wanted, late=late)
        return Bundle(
            run_id=run_id,
            head=head_of(project_id, run, late=late),
            artifacts=_artifacts(run.id),
            parts=tuple(_limited(part, wanted.limit) for part in whole),
            truncated=wanted.limit is not None and any(part.count > wanted.limit for part in whole),
            exported_at=_now(),
        )


def require_runs(project_id: UUID, run_ids: tuple[UUID, ...]) -> None:
    """Raises RunNotFound, naming those of these runs that the project does not have."""
    found = set(Run.objects.filter(id__in=run_ids, project_id=project_id).values_list("id", flat=True))
    if missing := [str(run_id) for run_id in run_ids if run_id not in found]:
        raise RunNotFound(details={"missing": missing})


def _parts(project_id: UUID, run: Run, wanted: Wanted, *, late: int) -> list[Part]:
    events, raw = run.last_seq if wanted.canonical else 0, run.last_raw_seq if wanted.raw else 0
    source_name = adapter_class(run.runtime_kind).source_name
    parts = [
        # Both are numbered 1, 2, 3 ...: the number of the last entry is how many there are.
        Part("canonicalEvents", "canonical_event", events, partial(_events, run.id)),
        Part("rawEvents", "raw_event", raw, partial(_raw, run.id, source_name, run.trace_id)),
    ]
    if wanted.raw:
        parts.append(Part("lateObservations", "late_observation", late, partial(_late, project_id, run.id)))
    return parts


def _artifacts(run_id: UUID) -> Part:
    listed = bundle_artifacts.listed(run_id)
    return Part("artifacts", "artifact", len(listed), partial(bundle_artifacts.page, listed))


def _limited(part: Part, limit: int | None) -> Part:
    count = part.count if limit is None else min(part.count, limit)
    return Part(part.name, part.line_type, count, part.read)


def _events(run_id: UUID, done: int) -> list[JsonObject]:
    return [event_document(row) for row in event_page(run_id, done)]


def _raw(run_id: UUID, source_name: str, trace_id: str | None, done: int) -> list[JsonObject]:
    rows = raw_page(run_id, done)
    return [raw_document(row, redactor(), source_name=source_name, trace_id=trace_id) for row in rows]


def _late(project_id: UUID, run_id: UUID, done: int) -> list[JsonObject]:
    rows = queries.late_of(project_id, run_id, limit=_LATE_ROWS, offset=done)
    return [late_document(row, redactor()) for row in rows]


def _now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return iso(cursor.fetchone()[0])
