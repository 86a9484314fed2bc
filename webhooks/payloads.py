"""The body of a delivery: written once, so that every attempt sends and signs the same bytes (docs/outbox.md)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from runs.domain.documents import iso
from runs.domain.events import JsonObject
from runs.domain.text import shortened
from webhooks.wanted import SIX

# What is longer goes out thin: without its data, with the address of the event.
THIN_FROM_BYTES = 20_000
# Of the error of a failed run so much is said even then. In JSON a character may take six times the room.
ERROR_BYTES = 2_000

TEST_EVENT = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event, and the status that its run had with it. `data` is its JSON text; None: too long to go out anyway."""

    run_id: UUID
    event_id: UUID
    seq: int
    ts: datetime
    status: str
    data: str | None
    error: str | None = None


def body_of(name: str, fact: Fact) -> bytes:
    """What a receiver is sent of the event under this name.

    The six events of a run say only what went wrong, if anything did; all others carry the data of their event.
    """
    head: JsonObject = {
        "event": name,
        "type": name,
        "runId": str(fact.run_id),
        "status": fact.status,
        "timestamp": iso(fact.ts),
        "eventId": str(fact.event_id),
        "seq": fact.seq,
    }
    if name in SIX:
        whole = orjson.dumps({**head, "data": _error(fact.error)})
    elif fact.data is not None:
        whole = orjson.dumps({**head, "data": orjson.Fragment(fact.data)})
    else:
        whole = None
    return whole if whole is not None and len(whole) <= THIN_FROM_BYTES else _thin(name, head, fact)


def test_body(*, event_id: UUID, at: datetime) -> bytes:
    """What a receiver is sent to see whether it hears: the members of every body, about no run."""
    return orjson.dumps(
        {
            "event": TEST_EVENT,
            "type": TEST_EVENT,
            "runId": None,
            "status": None,
            "timestamp": iso(at),
            "eventId": str(event_id),
            "seq": 0,
            "data": {},
        }
    )


def _thin(name: str, head: JsonObject, fact: Fact) -> bytes:
    error = shortened(fact.error, ERROR_BYTES) if fact.error and name in SIX else None
    return orjson.dumps({**head, "data": _error(error), "dataUrl": _address_of(fact)})


def _error(error: str | None) -> JsonObject:
    return {"error": error} if error else {}


def _address_of(fact: Fact) -> str:
    """A page of the log that holds the event alone, on whichever host the receiver knows Signalbox by."""
    return f"/runs/{fact.run_id}/events?afterSeq={fact.seq - 1}&limit=1"
