"""How many runs are open, by status, and how those that ended lately did end. No sandbox runs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count

from insights.counting import counted
from insights.window import DAY, HOUR, MINUTE, Window
from runs.domain.lifecycle import TERMINAL, RunStatus
from runs.domain.requests import SANDBOX
from runs.models import Run

OPEN = tuple(status for status in RunStatus if status not in TERMINAL)
# No index is ordered by the end of a run: what was created longer before the window than this is not looked at.
REACH = 2 * DAY

# Both are counted in one walk through the runs: the last hour by the minute, what was before it by the hour.
_ENDED = """
SELECT date_bin(CASE WHEN ended_at >= %s THEN interval '1 minute' ELSE interval '1 hour' END, ended_at,
                timestamptz '2000-01-01 00:00+00'), ended_at >= %s, status, coalesce(error_code, status), count(*)
  FROM picked WHERE ended_at >= %s GROUP BY 1, 2, 3, 4 ORDER BY 1
"""
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


class Ended(NamedTuple):
    """Runs that ended in one stretch of time in the same way."""

    begins: datetime
    status: str
    code: str
    runs: int


@dataclass(frozen=True, slots=True)
class Recent:
    """What ended since `start`, counted for each `step`."""

    start: datetime
    end: datetime
    step: timedelta
    ended: list[Ended]

    @property
    def total(self) -> int:
        """How many runs ended."""
        return sum(group.runs for group in self.ended)

    @property
    def codes(self) -> list[tuple[str, str, int]]:
        """Status, code and number of each way to end, the most frequent first."""
        sums: dict[tuple[str, str], int] = {}
        for group in self.ended:
            sums[group.status, group.code] = sums.get((group.status, group.code), 0) + group.runs
        return sorted(((*way, runs) for way, runs in sums.items()), key=lambda one: (-one[2], one[1]))


def open_runs(project_id: UUID) -> Mapping[str, int]:
    """How many runs of the project have each of the statuses that are no ending; index runs_open."""
    found = Run.objects.filter(project_id=project_id, ending_seq=None, archived_at=None).exclude(mode=SANDBOX)
    counts = dict(found.order_by().values_list("status").annotate(runs=Count("id")))
    return {status.value: counts.get(status, 0) for status in OPEN}


def has_any_run(project_id: UUID) -> bool:
    """True once the project has a run, of whatever kind."""
    return Run.objects.filter(project_id=project_id).exists()


def hour_and_day(project_id: UUID, now: datetime) -> tuple[Recent, Recent]:
    """What ended within the hour, by the minute, and what ended within the day, by the hour."""
    hour, day = now - HOUR, now - DAY
    window = Window(start=now - REACH, end=now)
    found = counted(_Counted, project_id, window, _ENDED, hour, hour, day)
    by_minute = [Ended(one.begins, one.status, one.code, one.runs) for one in found if one.is_of_the_hour]
    return Recent(hour, now, MINUTE, by_minute), Recent(day, now, HOUR, _by_hour(found))


class _Counted(NamedTuple):
    begins: datetime
    is_of_the_hour: bool
    status: str
    code: str
    runs: int


def _by_hour(found: list[_Counted]) -> list[Ended]:
    sums: Counter[tuple[datetime, str, str]] = Counter()
    for one in found:
        begins = one.begins - (one.begins - _ORIGIN) % HOUR
        sums[begins, one.status, one.code] += one.runs
    return [Ended(*way, runs) for way, runs in sorted(sums.items())]
