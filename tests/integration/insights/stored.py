"""What an export must hold, read from the rows."""

from base64 import b64decode
from datetime import datetime
from typing import Any

from runs.domain.documents import EventRow, iso
from runs.models import Event, RawObservation, Run


def stored_events(run: Run) -> list[EventRow]:
    """The rows of the run's events; times as they are shown."""
    stored = Event.objects.filter(run_id=run.id).order_by("seq").values_list(*EventRow._fields)
    return [EventRow._make(row)._replace(ts=_cut(row[3]), created_at=_cut(row[14])) for row in stored]


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def stored_raw(run: Run, source_name: str = "scripted-runtime") -> list[dict[str, object]]:
    """The raw observations of the run as an export shows them, but for the payload, which are the very bytes."""
    return [
        {
            "id": str(one.id),
            "runId": str(run.id),
            "seq": one.seq,
            "ts": iso(one.created_at),
            "kind": one.kind,
            "sourceName": source_name,
            "traceId": run.trace_id,
            "spanId": None,
            "createdAt": iso(one.created_at),
            "payload": bytes(one.body),
        }
        for one in RawObservation.objects.filter(run_id=run.id).order_by("seq")
    ]


def in_bytes(raw: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Exported raw observations with their payloads decoded."""
    return [{**one, "payload": b64decode(one["payload"])} for one in raw]
