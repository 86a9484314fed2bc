"""The last messages of a run, read backwards in one statement."""

from uuid import UUID

import orjson
from django.db import connection

from runs.domain.agui.message import MESSAGE_TYPES
from runs.domain.documents import EVENT_COLUMNS, EventRow, event_document
from runs.domain.events import EventType, JsonObject
from runs.domain.normaliser.vocabulary import TOOLS

MESSAGES = 200
SEARCHED = 50_000  # events: whoever said nothing for so long is no part of the conversation any more
MESSAGE_BYTES = 4 << 20  # of event data, so that a few huge messages do not make a huge snapshot

# Served by events_run_seq, backwards. Messages that say what another event tells are left out here already, or a run
# that reports its progress all the time would have no conversation.
_RECENT = f"""
SELECT {", ".join(EVENT_COLUMNS)} FROM (
       SELECT *, sum(octet_length(data)) OVER (ORDER BY seq DESC) - octet_length(data) AS bytes_after FROM (
              SELECT {", ".join(EVENT_COLUMNS)} FROM runs_event
               WHERE run_id = %s AND seq <= %s AND seq > %s AND type = ANY(%s)
                 AND NOT (type = %s AND (raw_type = 'Progress' OR lower(raw_type) = ANY(%s)) IS TRUE)
               ORDER BY seq DESC LIMIT %s
       ) AS event
) AS recent
 WHERE bytes_after < %s
 ORDER BY seq
"""  # noqa: S608 - our own column names


def recent_documents(run_id: UUID, up_to: int) -> list[JsonObject]:
    """The events that hold the last messages up to and with seq `up_to`, in order; at most MESSAGES of them.

    Looks through the last SEARCHED events alone, so that no run is too long to begin with.
    """
    types = [kind.value for kind in MESSAGE_TYPES]
    received = EventType.MESSAGE_RECEIVED.value
    with connection.cursor() as cursor:
        cursor.execute(
            _RECENT, [run_id, up_to, up_to - SEARCHED, types, received, list(TOOLS), MESSAGES, MESSAGE_BYTES]
        )
        rows = cursor.fetchall()
    return [orjson.loads(orjson.dumps(event_document(EventRow._make(row)))) for row in rows]
