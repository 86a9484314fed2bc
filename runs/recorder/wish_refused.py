"""A wish came to nothing: whoever reads in the audit list that it was asked for reads there that it was refused, too."""

from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from runs.domain.documents import iso
from runs.domain.wishes import WishKind
from runs.models import AuditEntry, Run

# An entry bears the time at which its transaction began, which may have waited for the run's lock before the wish was made.
_ASKED_BEFORE = timedelta(minutes=5)


def note_refused(run: Run, kind: WishKind, wanted_at: datetime, error_code: str) -> None:
    """Each who asked for the wish of `wanted_at` has an entry of its refusal once the present transaction commits."""
    wish = iso(wanted_at)
    asked = AuditEntry.objects.filter(
        project_id=cast(UUID, run.project_id),
        created_at__gte=wanted_at - _ASKED_BEFORE,
        resource="run",
        resource_id=str(run.id),
        action=f"run.{kind.done}",
        details__wantedAt=wish,
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(
            project_id=entry.project_id,
            actor=entry.actor,
            actor_type=entry.actor_type,
            actor_id=entry.actor_id,
            address=entry.address,
            action=f"run.{kind.value}_refused",
            resource=entry.resource,
            resource_id=entry.resource_id,
            details={"errorCode": error_code, "wantedAt": wish},
            request_id=entry.request_id,
        )
        for entry in asked.order_by("id")
    )


def note_open_refused(run: Run, error_code: str) -> None:
    """As `note_refused`, of whatever is wanted of the locked run now; nothing to do where nothing is."""
    if run.wanted is not None and run.wanted_at is not None:
        note_refused(run, WishKind(run.wanted), run.wanted_at, error_code)
