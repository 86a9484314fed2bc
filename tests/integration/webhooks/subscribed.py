"""Webhooks as callers make them, and deliveries as the fan-out and the drain leave them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client

from runs.domain.scopes import SCOPES
from runs.models import AuditEntry
from runs.models.identity import uuid7
from tests.keys import stored_key
from webhooks.models import Attempt, Delivery, Endpoint

JSON = "application/json"
URL = "https://receiver.example/hooks"
BODY = b'{"event":"run.failed","data":{"error":"\xc3\xa4 1.50"}}'
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)

Answer = dict[str, Any]


def subscribed(caller: Client, **members: object) -> Answer:
    """The answer of POST /webhooks."""
    response = caller.post("/webhooks", {"url": URL, **members}, content_type=JSON)
    assert response.status_code == 201, response.content
    answer: Answer = response.json()
    return answer


def patched(caller: Client, webhook_id: str, **members: object) -> Any:
    return caller.patch(f"/webhooks/{webhook_id}", members, content_type=JSON)


def changed(caller: Client, webhook_id: str, **members: object) -> Answer:
    """The answer of a PATCH that goes well."""
    response = patched(caller, webhook_id, **members)
    assert response.status_code == 200, response.content
    answer: Answer = response.json()
    return answer


def posted(caller: Client, address: str, **members: object) -> Any:
    return caller.post(address, members, content_type=JSON)


def faults(response: Any) -> dict[str, str]:
    """What was wrong, by its path."""
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR"), response.content
    return {fault["path"]: fault["message"] for fault in response.json()["details"]["errors"]}


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def delivery(webhook_id: str, status: str = "pending", *, minute: int = 0, **columns: object) -> Delivery:
    """A delivery of this status that was made so many minutes after START."""
    endpoint = Endpoint.objects.get(id=webhook_id)
    return Delivery.objects.create(
        **{
            "endpoint": endpoint,
            "project_id": endpoint.project_id,
            "event_type": "run.failed",
            "event_id": uuid7(),
            "run_id": uuid7(),
            "seq": 41,
            "body": BODY,
            "status": status,
            "created_at": START + timedelta(minutes=minute),
            **columns,
        }
    )


def attempt(row: Delivery, number: int, **columns: object) -> Attempt:
    """One try that failed, if nothing else is said."""
    return Attempt.objects.create(
        **{
            "delivery": row,
            "endpoint_id": row.endpoint_id,
            "number": number,
            "started_at": START + timedelta(seconds=number),
            "duration_ms": 120,
            "is_success": False,
            **columns,
        }
    )


def fresh(row: Delivery) -> Delivery:
    return Delivery.objects.get(id=row.id)


def audited(action: str) -> list[dict[str, Any]]:
    """What the audit list says of this action, the oldest first."""
    return list(AuditEntry.objects.filter(action=action).order_by("id").values("actor", "resource_id", "details"))


def client_of(project_id: UUID) -> Client:
    """A program with a key for everything in this project."""
    header = stored_key(*SCOPES, project_id=project_id).header
    return Client(raise_request_exception=False, headers={"Authorization": header})


def dump() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        rows: list[str] = []
        for name in names:
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)
