"""Keys that are stored, as a test needs them; each with a secret of its own, for keys are remembered for seconds."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from runs.domain.key_text import DEV, new_key_text
from runs.models import ApiKey, Project
from runs.models.project import DEFAULT_PROJECT_ID


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key in the database, and the secret nobody else knows."""

    id: UUID
    secret: str

    @property
    def header(self) -> str:
        """What its owner sends."""
        return f"Bearer {self.secret}"

    def revoke(self) -> None:
        """It opens nothing any more."""
        ApiKey.objects.filter(id=self.id).update(revoked_at=Now())

    def expire(self) -> None:
        """Its time was over a moment ago."""
        ApiKey.objects.filter(id=self.id).update(expires_at=Now() - timedelta(milliseconds=1))


def stored_key(*scopes: str, project_id: UUID = DEFAULT_PROJECT_ID, name: str = "robot") -> StoredKey:
    """A key of the project with these scopes (without any: runs:read)."""
    Project.objects.get_or_create(id=project_id, defaults={"name": str(project_id), "slug": str(project_id)})
    made = new_key_text(DEV)
    key = ApiKey.objects.create(
        name=name,
        project_id=project_id,
        prefix=made.prefix,
        secret_sha256=hashlib.sha256(made.text.encode()).digest(),
        scopes=list(scopes or ("runs:read",)),
    )
    return StoredKey(key.id, made.text)
