"""Create: an endpoint hears of runs from now on."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.db import transaction

from runs.audit import LONGEST_NAME
from runs.errors import Conflict, NotFound, ValidationFailed
from runs.models import Project
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


def create_endpoint(terms: Terms, caller: Caller) -> Saved:
    """There is an endpoint, with the secret of the terms or a new one.

    Raises ValidationFailed with every fault there is, Conflict where the project has as many as it may.
    """
    if faults := list(faults_in(terms)):
        raise ValidationFailed(faults)
    secret = terms.secret or new_secret()
    with transaction.atomic():
        _require_room(caller)
        endpoint = Endpoint(project_id=caller.project_id, created_by=caller.actor.name[:LONGEST_NAME])
        for name, value in {**columns_of(terms), **sealed_headers(endpoint, terms.headers or {})}.items():
            setattr(endpoint, name, value)
        endpoint.save(force_insert=True)
        set_first_secret(endpoint, secret)
        # Not the whole address: it may hold a token.
        caller.note(CREATED, endpoint.id, {"host": urlsplit(endpoint.url).netloc, "events": endpoint.events})
        return Saved(shown_endpoint(caller.project_id, endpoint.id), secret)


def _require_room(caller: Caller) -> None:
    # The lock keeps two callers from taking the last place; runs are created beside it.
    if not Project.objects.select_for_update(no_key=True).filter(id=caller.project_id).exists():
        raise NotFound("there is no such project")
    if Endpoint.objects.of(caller.project_id).count() >= MOST_ENDPOINTS:
        raise Conflict(f"a project may have {MOST_ENDPOINTS} webhooks", details={"maxWebhooks": MOST_ENDPOINTS})
