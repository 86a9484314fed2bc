"""The runs that failed last: for whoever comes to ask why. No sandbox runs."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from insights.standing import REACH
from insights.window import Window
from runs.domain.lifecycle import RunStatus
from runs.models import Run

MOST = 5
LOOKED_AT = 100  # of the newest that failed: none is ordered by its end, and a long one may have ended just now


class Failed(NamedTuple):
    """One run that failed, with the code that says why."""

    id: UUID
    code: str | None
    ended_at: datetime
    source_ref: str | None
    mode_name: str


def failed_lately(project_id: UUID, now: datetime, *, most: int = MOST) -> list[Failed]:
    """The last to end first."""
    rows = Run.objects.filter(id__in=_newest(project_id, now), archived_at=None).order_by("-ended_at", "-id")
    shown = rows.values_list("id", "error_code", "ended_at", "source_ref", "mode_name")[:most]
    return [Failed(run, code, ended, ref, mode) for run, code, ended, ref, mode in shown if ended is not None]


def _newest(project_id: UUID, now: datetime) -> list[UUID]:
    """Those to choose from, out of index runs_newest_first alone: of a million runs a day few may have failed."""
    window = Window(start=now - REACH, end=now)
    failed = window.runs(project_id).filter(status=RunStatus.FAILED).order_by("-created_at", "-id")
    return list(failed.values_list("id", flat=True)[:LOOKED_AT])
