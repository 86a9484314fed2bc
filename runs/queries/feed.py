"""The feed across runs: every event of a project once, in order of time, however many write meanwhile.

Events are numbered run by run. Over many runs only their times order them, and a time says nothing of when its event became
visible: it is read under the lock of the run, the commit comes later, and another run's later event may be committed
sooner. A reader that goes on behind the last event it saw would miss the earlier one. So it is shown nothing from where
such an event may still appear: see `settled_before`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from runs.domain.documents import EventRow
from runs.models import Event, Run
from runs.queries.events import EventFilter, matching_events
from runs.queries.runs import plays_scenario

COUNTED_TO = 100_000

# Whoever records has locked a run's row, and so holds this lock on the table from before the time of its events is read
# until they are visible; and no event is dated before the transaction that records it began. So of all that is not visible
# now nothing is dated before the oldest transaction that holds such a lock, or else before this very moment: the clock is
# read first, then the locks. Whoever only deletes or inserts runs holds another lock, and nobody waits for that.
# Locks are seen of every role, when a transaction began only of one's own: a foreign one may have begun long ago, but
# timeouts end what takes a minute. Times of events are whole milliseconds, rounded down, and so is this.
_SETTLED = """
SELECT date_trunc('milliseconds', least(now.at, min(writer.began_at)))
  FROM (SELECT clock_timestamp() AS at) AS now
  LEFT JOIN LATERAL (
      SELECT CASE WHEN open.backend_type IS NULL OR open.state = 'disabled' THEN now.at - interval '60 seconds'
                  ELSE open.xact_start END AS began_at
        FROM pg_locks AS held CROSS JOIN LATERAL pg_stat_get_activity(held.pid) AS open
       WHERE held.locktype = 'relation' AND held.relation = 'runs_run'::regclass AND held.mode = 'RowShareLock'
         AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND held.granted AND held.pid <> pg_backend_pid()) AS writer ON true
 GROUP BY now.at
"""


class Position(NamedTuple):
    """The place of an event in the feed."""

    ts: datetime
    run_id: UUID
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFilter:
    """Which events the feed shows: of runs of this scenario (empty: of all), and of each only those after `after_seq`."""

    events: EventFilter
    scenario_ref: str = ""
    after_seq: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are, or that there are more than anybody counts."""

    total: int
    is_capped: bool


def settled_before() -> datetime:
    """A moment before which no event will ever appear that cannot be seen by a statement that begins after this one.

    Not inside a transaction: its later statements would see the sessions of others as this one did.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED)
        moment: datetime = cursor.fetchone()[0]
        return moment


def feed_page(
    project_id: UUID, wanted: FeedFilter, *, after: Position | None, before: datetime, limit: int
) -> list[EventRow]:
    """The next `limit` events of the feed behind `after` that are dated before `before`."""
    events = _matching(project_id, wanted, before)
    if after is not None:
        # As one comparison of rows, which is where a scan of the index `events_feed` begins.
        behind = RawSQL(
            "(runs_event.ts, runs_event.run_id, runs_event.seq) > (%s, %s, %s)", after, output_field=BooleanField()
        )
        events = events.filter(behind)
    rows = events.order_by("ts", "run_id", "seq").values_list(*EventRow._fields)
    return [EventRow._make(row) for row in rows[:limit]]


def count_feed(project_id: UUID, wanted: FeedFilter, *, before: datetime) -> Counted:
    """How many events the feed has before `before`, wherever a page begins; counted up to COUNTED_TO."""
    counted = _matching(project_id, wanted, before)[: COUNTED_TO + 1].count()
    return Counted(min(counted, COUNTED_TO), counted > COUNTED_TO)


def is_of_scenario(run_id: UUID, scenario_ref: str) -> bool:
    """True if the run is of this scenario, or any will do."""
    return not scenario_ref or Run.objects.filter(plays_scenario(scenario_ref), id=run_id).exists()


def position_of(rows: Sequence[EventRow]) -> Position:
    """The place of the last of these events."""
    last = rows[-1]
    return Position(last.ts, last.run_id, last.seq)


def _matching(project_id: UUID, wanted: FeedFilter, before: datetime) -> QuerySet[Event]:
    events = matching_events(Event.objects.filter(project_id=project_id, ts__lt=before), wanted.events)
    if wanted.after_seq:
        events = events.filter(seq__gt=wanted.after_seq)
    if wanted.scenario_ref:
        runs = Run.objects.filter(plays_scenario(wanted.scenario_ref), project_id=project_id)
        events = events.filter(run_id__in=runs.values("id"))
    return events
