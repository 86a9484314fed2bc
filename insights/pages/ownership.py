"""Who watches a run and how its stream stood, for the panel that shows it: leases are no part of the API."""

from uuid import UUID

import orjson
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from insights.pages.door import console_part
from runs import queries
from runs.domain.documents import iso
from runs.domain.events import EventType, JsonObject
from runs.errors import RunNotFound
from runs.models.project import DEFAULT_PROJECT_ID
from runs.queries import Ownership, ownership_of

MOST = 200
LOOKED_AT = 20_000  # events, the newest: few are of the stream, and no index has them


@console_part
def run_ownership(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The owner of the run as it is now, and the newest changes of its stream."""
    try:
        owned = _document(ownership_of(DEFAULT_PROJECT_ID, run_id))
        return JsonResponse({**owned, "stream": _stream(run_id)})
    except RunNotFound as missing:
        raise Http404("There is no such run.") from missing


def _stream(run_id: UUID) -> JsonObject:
    """What `since` says is the event behind which it was looked for; 0 for all of the log."""
    since = max(0, queries.run_row(DEFAULT_PROJECT_ID, run_id).last_seq - LOOKED_AT)
    found = queries.newest_events(run_id, [EventType.SESSION_STREAM_OPENED], after=since, limit=MOST)
    changes = [{"seq": row.seq, "ts": iso(row.ts), "data": orjson.loads(row.data)} for row in found]
    return {"since": since, "changes": changes}


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
