"""Who watches a run, for the panel that shows it: leases are no part of the API."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from insights.pages.door import console_part
from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.errors import RunNotFound
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries import Ownership, ownership_of


@console_part
def run_ownership(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The owner of the run as it is now."""
    try:
        return JsonResponse(_document(ownership_of(DEFAULT_PROJECT_ID, run_id)))
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing


def _document(found: Ownership) -> JsonObject:
    return {
        "leaseEpoch": found.lease_epoch,
        "recoveryAttempts": found.recovery_attempts,
        "hasEnded": found.has_ended,
        "observer": found.owner
        and {
            "id": str(found.owner.id),
            "host": found.owner.host,
            "processId": found.owner.process_id,
            "beatAt": iso(found.owner.beat_at),
            "isLost": found.owner.lost_at is not None,
            "isBeating": found.owner.is_beating,
        },
    }
