"""Stand-in until the real one is merged."""

from uuid import UUID

import orjson

TEST_EVENT = "webhook.test"


def test_body(*, event_id: UUID, timestamp: str) -> bytes:
    return orjson.dumps(
        {
            "event": TEST_EVENT,
            "type": TEST_EVENT,
            "runId": None,
            "status": None,
            "timestamp": timestamp,
            "eventId": str(event_id),
            "seq": None,
            "data": {},
        }
    )
