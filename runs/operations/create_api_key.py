"""Create a key: a program can enter a project with what its scopes name."""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runs.audit import Actor, note
from runs.domain.documents import iso
from runs.domain.key_text import environment_of, new_key_text
from runs.domain.scopes import SCOPES
from runs.errors import FieldFault, NotFound, ValidationFailed
from runs.models import ApiKey, Project
from runs.models.api_key import LONGEST_ACTOR, LONGEST_NAME

CREATED = "apikey.created"

_NAME = re.compile(rf"[^\W_]([\w .@/:-]{{0,{LONGEST_NAME - 2}}}[\w.@/:-])?")  # it is shown in logs and tables


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key; `text`, which its owner sends, is told this once."""

    row: ApiKey
    text: str = field(repr=False)


def create_api_key(
    *,
    project_id: UUID,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    actor: Actor,
    request_id: str | None = None,
) -> CreatedKey:
    """A key exists, and who made it is in the audit list; its secret is kept nowhere.

    Raises ValidationFailed with every fault there is, NotFound if there is no such project.
    """
    if faults := list(key_faults(name, scopes)):
        raise ValidationFailed(faults)
    made = new_key_text(environment_of(production=settings.PRODUCTION))
    with transaction.atomic():
        if not Project.objects.filter(id=project_id).exists():
            raise NotFound("there is no such project")
        row = ApiKey.objects.create(
            project_id=project_id,
            name=name,
            prefix=made.prefix,
            secret_sha256=hashlib.sha256(made.text.encode()).digest(),
            scopes=[scope for scope in SCOPES if scope in scopes],
            expires_at=expires_at,
            created_by=actor.name[:LONGEST_ACTOR],
        )
        _require_future(row)
        _note(project_id, row, actor, request_id)
    row.refresh_from_db()
    return CreatedKey(row, made.text)


def key_faults(name: str, scopes: Collection[str]) -> Iterator[FieldFault]:
    """What is wrong with a key that shall be called so and open that."""
    if not _NAME.fullmatch(name):
        yield FieldFault("name", f"must have 1 to {LONGEST_NAME} letters, digits, blanks and . _ - @ / :")
    if not scopes:
        yield FieldFault("scopes", "must name at least one scope")
    for scope in sorted(set(scopes) - set(SCOPES)):
        yield FieldFault("scopes", f"{scope!r} is none of {', '.join(SCOPES)}")


def _require_future(row: ApiKey) -> None:
    # Asked of the database: its clock is the one that counts when the key is shown.
    if not ApiKey.objects.valid().filter(id=row.id).exists():
        raise ValidationFailed([FieldFault("expiresAt", "must lie in the future")])


def _note(project_id: UUID, row: ApiKey, actor: Actor, request_id: str | None) -> None:
    expires = {"expiresAt": iso(row.expires_at)} if row.expires_at else {}
    note(
        project_id=project_id,
        actor=actor,
        action=CREATED,
        resource="api_key",
        resource_id=str(row.id),
        details={"name": row.name, "scopes": row.scopes, **expires},
        request_id=request_id,
    )
