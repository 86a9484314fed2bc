"""Rows of runs as lists show them; say only what matters to the test."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from runs.domain.documents import SummaryRow
from runs.models.project import DEFAULT_PROJECT_ID

MOMENT = datetime(2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC)


def a_summary(number: int = 1, **columns: Any) -> SummaryRow:
    """A live run of the default project; each number is another run."""
    return SummaryRow(
        **{
            "id": UUID(int=number),
            "project_id": DEFAULT_PROJECT_ID,
            "status": "running",
            "mode": "live",
            "mode_name": "macp.mode.decision.v1",
            "runtime_kind": "scripted",
            "session_id": f"s-{number}",
            "source_kind": None,
            "source_ref": None,
            "tags": [],
            "last_seq": 7,
            "error_code": None,
            "created_at": MOMENT,
            "started_at": MOMENT,
            "ended_at": None,
            "archived_at": None,
            "updated_at": MOMENT,
            **columns,
        }
    )
