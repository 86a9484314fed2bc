"""The runs that failed last: for whoever comes to ask why. No sandbox runs."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from insights.standing import REACH
from insights.window import Window
from runs.domain.lifecycle import RunStatus

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
    """The last to end first; index runs_newest_first."""
    window = Window(start=now - REACH, end=now)
    failed = window.runs(project_id).filter(status=RunStatus.FAILED, archived_at=None).order_by("-created_at", "-id")
    rows = failed.values_list("id", "error_code", "ended_at", "source_ref", "mode_name")[:LOOKED_AT]
    told = [Failed(run, code, ended, ref, mode) for run, code, ended, ref, mode in rows if ended is not None]
    return sorted(told, key=lambda one: one.ended_at, reverse=True)[:most]
