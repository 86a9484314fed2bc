"""A stream ticket is made: a one-time right that a browser can put into an address."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from runs.errors import RunNotFound
from runs.models import Run, Ticket
from runs.models.ticket import digest_of
from runs.queries import require_run

SECRET_BYTES = 32
OPENS = ["runs:read"]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who asks for a ticket, what they showed, and from which origin if a page asks."""

    name: str
    credential: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket; its secret is told this once."""

    secret: str
    run_id: UUID | None
    expires_at: datetime


def issue_ticket(*, project_id: UUID, run_id: UUID | None, issuer: Issuer) -> Issued:
    """A ticket exists that opens one stream of the run once, or the stream of summaries where none is named.

    It is not audited: it gives nobody more than they have. Raises RunNotFound, also for a run of another project.
    """
    if run_id is not None:
        require_run(project_id, run_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    try:
        with transaction.atomic():
            expires_at = _store(secret, project_id, run_id, issuer)
    except IntegrityError as error:
        # Its foreign key is checked as late as at the commit: the run was deleted since it was looked for.
        if run_id is None or Run.objects.filter(id=run_id).exists():
            raise
        raise RunNotFound from error
    return Issued(secret, run_id, expires_at)


def _store(secret: str, project_id: UUID, run_id: UUID | None, issuer: Issuer) -> datetime:
    """The ticket is stored; until when it is valid, by the database's clock."""
    ticket = Ticket.objects.create(
        project_id=project_id,
        run_id=run_id,
        secret_sha256=digest_of(secret),
        holder=issuer.name,
        credential=issuer.credential,
        origin=issuer.origin,
        scopes=OPENS,
        expires_at=Now() + timedelta(seconds=settings.STREAM_TICKET_TTL_S),
    )
    ticket.refresh_from_db(fields=["expires_at"])
    return ticket.expires_at
