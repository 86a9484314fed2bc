"""How many runs are open, by status, and how those that ended lately did end. No sandbox runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
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

_ENDED = """
SELECT date_bin(%s, ended_at, timestamptz '2000-01-01 00:00+00'), status, coalesce(error_code, status), count(*)
  FROM picked WHERE ended_at >= %s GROUP BY 1, 2, 3 ORDER BY 1
"""


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


def last_hour(project_id: UUID, now: datetime) -> Recent:
    """What ended within the hour, by the minute."""
    return _recent(project_id, now, HOUR, MINUTE)


def last_day(project_id: UUID, now: datetime) -> Recent:
    """What ended within the day, by the hour."""
    return _recent(project_id, now, DAY, HOUR)


def _recent(project_id: UUID, now: datetime, length: timedelta, step: timedelta) -> Recent:
    window = Window(start=now - REACH, end=now)
    start = now - length
    return Recent(start, now, step, counted(Ended, project_id, window, _ENDED, step, start))
