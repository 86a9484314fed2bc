"""Which runs a dashboard is about, and the stretches of time its charts are made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from runs.models import Run
from runs.queries.runs import RunFilter, matching_runs

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_MINUTES_UP_TO = timedelta(hours=6)
_HOURS_UP_TO = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The runs created from `start` on and before `end`, of one scenario or environment where named; no sandbox runs."""

    start: datetime
    end: datetime
    scenario_ref: str = ""
    environment: str = ""

    @property
    def step(self) -> timedelta:
        """How long a bucket of its charts is."""
        length = self.end - self.start
        if length <= _MINUTES_UP_TO:
            return MINUTE
        return HOUR if length <= _HOURS_UP_TO else DAY

    def buckets(self) -> list[datetime]:
        """When each bucket begins, in order and without a gap; the first holds `start`, the last ends with or after `end`."""
        begins = self._first()
        return [begins + self.step * number for number in range(-((begins - self.end) // self.step))]

    def runs(self, project_id: UUID) -> QuerySet[Run]:
        """The runs of the project it is about, archived ones among them, in no order."""
        wanted = RunFilter(scenario_ref=self.scenario_ref, environment=self.environment, include_archived=True)
        return matching_runs(project_id, wanted).filter(created_at__gte=self.start, created_at__lt=self.end)

    def _first(self) -> datetime:
        first = self.start.replace(second=0, microsecond=0)
        if self.step == MINUTE:
            return first
        return first.replace(minute=0) if self.step == HOUR else first.replace(minute=0, hour=0)
