"""Endpoints and deliveries as they are answered; what is absent is null. Never a secret, but in the answer that sets it."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from runs.domain.documents import iso
from runs.domain.documents.clock import iso_or_none
from runs.domain.events import JsonObject
from runs.domain.redaction import MASK
from webhooks.models import Attempt, Delivery, Endpoint, EndpointSecret
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.create_endpoint import Saved
from webhooks.operations.replay_deliveries import Replayed
from webhooks.queries.endpoints import living_secrets


def saved_document(saved: Saved) -> JsonObject:
    """The answer to the call that has set the secret, if it has."""
    row = endpoint_document(saved.endpoint)
    return row if saved.secret is None else {**row, "secret": saved.secret}


def endpoint_document(endpoint: Endpoint) -> JsonObject:
    """The row of an endpoint."""
    present, former = _present_and_former(living_secrets(endpoint))
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "active": endpoint.active,
        "description": endpoint.description or None,
        "secretHint": f"…{present.hint}" if present else None,
        "createdAt": iso(endpoint.created_at),
        "updatedAt": iso(endpoint.updated_at),
        "filters": _filters(endpoint),
        "headers": dict.fromkeys(endpoint.header_names, MASK),
        "ratePerSecond": endpoint.rate_per_second,
        "concurrency": endpoint.concurrency,
        "paused": endpoint.paused_at is not None,
        "disabledAt": iso_or_none(endpoint.disabled_at),
        "disabledReason": endpoint.disabled_reason or None,
        "formerSecretExpiresAt": iso_or_none(former.expires_at) if former else None,
        "health": _health(endpoint),
    }


def delivery_document(delivery: Delivery) -> JsonObject:
    """The row of a delivery. A test event speaks of no run."""
    is_pending = delivery.status == DeliveryStatus.PENDING
    return {
        "id": str(delivery.id),
        "webhookId": str(delivery.endpoint_id),
        "event": delivery.event_type,
        "runId": str(delivery.run_id) if delivery.run_id else None,
        "seq": delivery.seq,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "nextAttemptAt": iso_or_none(delivery.due_at) if is_pending else None,
        "lastAttemptAt": iso_or_none(delivery.last_attempt_at),
        "responseStatus": delivery.response_status,
        "errorMessage": delivery.error_message or None,
        "createdAt": iso(delivery.created_at),
        "deliveredAt": iso_or_none(delivery.delivered_at),
    }


def whole_delivery_document(delivery: Delivery, attempts: Iterable[Attempt]) -> JsonObject:
    """The row, what is sent, byte for byte, and how each try went."""
    return {
        **delivery_document(delivery),
        "payload": orjson.Fragment(bytes(delivery.body)),
        "attemptLog": [_attempt_document(attempt) for attempt in attempts],
    }


def replayed_document(done: Replayed) -> JsonObject:
    """The answer of POST /webhooks/{id}/replay."""
    return {"count": done.count, "matched": done.matched, "dryRun": done.key is None, "key": done.key}


def _attempt_document(attempt: Attempt) -> JsonObject:
    return {
        "number": attempt.number,
        "startedAt": iso(attempt.started_at),
        "durationMs": attempt.duration_ms,
        "responseStatus": attempt.response_status,
        "errorMessage": attempt.error_message or None,
        "manual": attempt.is_manual,
        "responseExcerpt": attempt.excerpt or None,
    }


def _present_and_former(secrets: list[EndpointSecret]) -> tuple[EndpointSecret | None, EndpointSecret | None]:
    present = next((secret for secret in secrets if secret.expires_at is None), None)
    return present, next((secret for secret in secrets if secret.expires_at is not None), None)


def _filters(endpoint: Endpoint) -> JsonObject:
    """Those that are set."""
    filters: JsonObject = {
        "tags": endpoint.tags,
        "modeName": endpoint.mode_name,
        "environment": endpoint.environment,
        "runId": str(endpoint.run_id) if endpoint.run_id else None,
    }
    return {name: value for name, value in filters.items() if value}


def _health(endpoint: Endpoint) -> JsonObject:
    moments: dict[str, datetime | None] = {
        "lastSuccessAt": endpoint.last_success_at,
        "lastFailureAt": endpoint.last_failure_at,
        "failingSince": endpoint.failing_since,
    }
    return {name: iso_or_none(moment) for name, moment in moments.items()} | {"failures": endpoint.failures}
