"""Create: an endpoint hears of runs from now on."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from runs.audit import LONGEST_NAME
from runs.errors import Conflict, NotFound, ValidationFailed
from runs.models import Project
from runs.models.identity import uuid7
from webhooks.models import Endpoint
from webhooks.operations.caller import Caller
from webhooks.operations.columns import columns_of
from webhooks.operations.own_headers import sealed_headers
from webhooks.operations.rotation import set_first_secret
from webhooks.operations.secret_text import new_secret
from webhooks.operations.terms import Terms, faults_in
from webhooks.queries import shown_endpoint

CREATED = "webhook.created"
MOST_ENDPOINTS = 100  # of a project: the fan-out looks at each of them for every event


@dataclass(frozen=True, slots=True)
class Saved:
    """An endpoint as it is now, and its secret if this call has set it: it is told this once."""

    endpoint: Endpoint
    secret: str | None = field(repr=False)


def create_endpoint(terms: Terms, caller: Caller, *, endpoint_id: UUID | None = None) -> Saved:
    """There is an endpoint, with the secret of the terms or a new one.

    One that has been made under `endpoint_id` already is left as it is, and its secret is not told again.
    Raises ValidationFailed with every fault there is, Conflict where the project has as many as it may.
    """
    if faults := list(faults_in(terms)):
        raise ValidationFailed(faults)
    secret = terms.secret or new_secret()
    with transaction.atomic():
        _lock_project(caller)
        if endpoint_id is not None and Endpoint.objects.filter(project_id=caller.project_id, id=endpoint_id).exists():
            return Saved(shown_endpoint(caller.project_id, endpoint_id), None)
        _require_room(caller)
        endpoint = Endpoint(
            id=endpoint_id or uuid7(), project_id=caller.project_id, created_by=caller.actor.name[:LONGEST_NAME]
        )
        for column, value in {**columns_of(terms), **sealed_headers(endpoint, terms.headers or {})}.items():
            setattr(endpoint, column, value)
        endpoint.save(force_insert=True)
        set_first_secret(endpoint, secret)
        # Not the whole address: it may hold a token.
        caller.note(CREATED, endpoint.id, {"host": urlsplit(endpoint.url).netloc, "events": endpoint.events})
        return Saved(shown_endpoint(caller.project_id, endpoint.id), secret)


def _lock_project(caller: Caller) -> None:
    # The lock keeps two callers from taking the last place; runs are created beside it.
    if not Project.objects.select_for_update(no_key=True).filter(id=caller.project_id).exists():
        raise NotFound("there is no such project")


def _require_room(caller: Caller) -> None:
    if Endpoint.objects.of(caller.project_id).count() >= MOST_ENDPOINTS:
        raise Conflict(f"a project may have {MOST_ENDPOINTS} webhooks", details={"maxWebhooks": MOST_ENDPOINTS})
