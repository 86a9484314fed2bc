"""The list of runs as staff see it: one page after a cursor, newest first, however many runs there are.

Nothing is counted. What no index answers is looked for among the next `LOOKED_AT` runs only, and the page says how far it
looked: each page costs the same, also where one run of a million matches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from insights.standing import OPEN
from runs.domain.requests import SANDBOX
from runs.models import OutboundMessage, Run
from runs.models.run import RunQuerySet

PAGE = 50
LOOKED_AT = 20_000
BIGGEST_STATE = 200_000  # bytes; a larger one is not taken apart for a line of a list
NAMES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Behind the run of this id, created at this time."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuestion:
    """Which runs are wanted; empty text and None mean any."""

    status: str = ""
    mode_name: str = ""
    kind: str = ""  # live or sandbox
    runtime_kind: str = ""
    environment: str = ""
    tag: str = ""
    code: str = ""
    archived: bool = False
    created_from: datetime | None = None
    created_to: datetime | None = None
    search: str = ""


class RunLine(NamedTuple):
    """One run as a line of the list, with the database's time at which it was read."""

    id: UUID
    status: str
    mode: str
    mode_name: str
    runtime_kind: str
    session_id: str | None
    source_kind: str | None
    source_ref: str | None
    tags: list[str]
    last_seq: int
    error_code: str | None
    observer_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None
    event_type: str | None
    event_at: datetime | None
    participants: int | None
    names: list[str] | None
    percentage: float | None
    progress: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class RunPage:
    """Lines in order; where the next page begins, if there is one; how far back was looked, if not to the end."""

    lines: list[RunLine]
    following: Place | None
    looked_back_to: datetime | None


_LINES = """
SELECT run.id, run.status, run.mode, run.mode_name, run.runtime_kind, run.session_id, run.source_kind, run.source_ref,
       run.tags, run.last_seq, run.error_code, run.observer_id, run.created_at, run.started_at, run.ended_at,
       run.archived_at, event.type, event.ts, people.number, people.names,
       (progress.entry ->> 'percentage')::float8, progress.entry ->> 'message', clock_timestamp()
  FROM runs_run AS run
  LEFT JOIN runs_event AS event ON event.run_id = run.id AND event.seq = run.last_seq
  LEFT JOIN LATERAL (SELECT state::json AS state FROM runs_projection
                      WHERE run_id = run.id AND octet_length(state) <= %(biggest)s) AS projection ON true
  LEFT JOIN LATERAL (SELECT count(*) AS number, (array_agg(one ->> 'participantId'))[1:%(names)s] AS names
                       FROM json_array_elements(projection.state -> 'participants') AS one) AS people
         ON projection.state IS NOT NULL
  LEFT JOIN LATERAL (SELECT projection.state #> '{progress,entries,-1}' AS entry) AS progress ON true
 WHERE run.id = ANY(%(ids)s)
 ORDER BY run.created_at DESC, run.id DESC
"""


def run_page(project_id: UUID, asked: RunQuestion, *, after: Place | None = None, limit: int = PAGE) -> RunPage:
    """The runs that were asked for, behind `after`."""
    runs = _created_between(_behind(Run.objects.filter(project_id=project_id), after), asked)
    named = _named(project_id, asked.search)
    floor = None if named or _is_indexed(asked) else _floor(runs)
    matching = _matching(runs, asked, named)
    if floor is not None:
        matching = matching.filter(created_at__gte=floor)
    found = list(matching.order_by("-created_at", "-id").values_list("created_at", "id")[: limit + 1])
    places = [Place(*row) for row in found[:limit]]
    following, looked_back_to = places[-1] if len(found) > limit else None, None
    if following is None and floor is not None:
        following, looked_back_to = Place(floor, _LEAST), floor
    return RunPage(lines_of([place.id for place in places]), following, looked_back_to)


def lines_of(run_ids: Sequence[UUID]) -> list[RunLine]:
    """These runs as they are now, newest first; those that are gone are missing."""
    if not run_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"ids": list(run_ids), "biggest": BIGGEST_STATE, "names": NAMES})
        return [RunLine._make(row) for row in cursor.fetchall()]


_LEAST = UUID(int=0)  # nothing is behind it among runs of the same time


def _behind(runs: RunQuerySet, after: Place | None) -> RunQuerySet:
    if after is None:
        return runs
    # The first condition is where the index begins to be read.
    return runs.filter(created_at__lte=after.created_at).exclude(created_at=after.created_at, id__gte=after.id)


def _created_between(runs: RunQuerySet, asked: RunQuestion) -> RunQuerySet:
    if asked.created_from:
        runs = runs.filter(created_at__gte=asked.created_from)
    if asked.created_to:
        runs = runs.filter(created_at__lte=asked.created_to)
    return runs


def _floor(runs: RunQuerySet) -> datetime | None:
    """When the last of the next `LOOKED_AT` runs was created, None if there are no more; index runs_newest_first."""
    ordered = runs.order_by("-created_at", "-id").values_list("created_at", flat=True)
    return next(iter(ordered[LOOKED_AT : LOOKED_AT + 1]), None)


def _is_indexed(asked: RunQuestion) -> bool:
    """True where few runs are read whatever there is: open ones by runs_open, those with a tag by runs_tags."""
    return asked.status in OPEN or bool(asked.tag)


def _named(project_id: UUID, text: str) -> list[UUID]:
    """The one or two runs whose id, session or message the text is."""
    if not text:
        return []
    own = Run.objects.filter(project_id=project_id)
    # Each by an index of its own: asked in one statement, every run would be read.
    found = list(own.filter(session_id=text).values_list("id", flat=True))
    try:
        named = UUID(text)
    except ValueError:
        return found
    sender = OutboundMessage.objects.filter(message_id=named).values_list("run_id", flat=True).first()
    return found + list(own.filter(id__in=[named, *([sender] if sender else [])]).values_list("id", flat=True))


def _matching(runs: RunQuerySet, asked: RunQuestion, named: list[UUID]) -> RunQuerySet:
    if named:
        return runs.filter(id__in=named)
    runs = runs.exclude(archived_at=None) if asked.archived else runs.filter(archived_at=None)
    if asked.status:
        runs = runs.filter(status=asked.status)
    if asked.status in OPEN:
        runs = runs.filter(ending_seq=None)
    if asked.code:
        runs = runs.filter(error_code=asked.code)
    if asked.tag:
        runs = runs.filter(tags__contains=[asked.tag])
    return _of_kind(runs, asked)


def _of_kind(runs: RunQuerySet, asked: RunQuestion) -> RunQuerySet:
    if asked.kind:
        runs = runs.filter(mode=SANDBOX) if asked.kind == SANDBOX else runs.exclude(mode=SANDBOX)
    if asked.mode_name:
        runs = runs.filter(mode_name=asked.mode_name)
    if asked.runtime_kind:
        runs = runs.filter(runtime_kind=asked.runtime_kind)
    if asked.environment:
        runs = runs.filter(metadata__environment=asked.environment)
    if asked.search:
        text = asked.search
        runs = runs.filter(Q(tags__contains=[text]) | Q(source_ref__icontains=text) | Q(source_kind__iexact=text))
    return runs
