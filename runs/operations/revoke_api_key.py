"""Revoke a key: whoever has it is let in no more."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.audit import Actor, note
from runs.errors import NotFound
from runs.models import ApiKey

REVOKED = "apikey.revoked"


def revoke_api_key(*, key_id: UUID, actor: Actor, request_id: str | None = None) -> ApiKey:
    """The key opens nothing any more, within 5 s also where it was used lately; revoked again, it stays as it is.

    Raises NotFound.
    """
    with transaction.atomic():
        row = (
            ApiKey.objects.select_related("project")
            .select_for_update(of=("self",), no_key=True)
            .filter(id=key_id)
            .first()
        )
        if row is None:
            raise NotFound("there is no such key")
        if row.revoked_at is None:
            ApiKey.objects.filter(id=key_id).update(revoked_at=Now())
            note(
                project_id=row.project.id,
                actor=actor,
                action=REVOKED,
                resource="api_key",
                resource_id=str(row.id),
                details={"name": row.name},
                request_id=request_id,
            )
            row.refresh_from_db()
    return row
