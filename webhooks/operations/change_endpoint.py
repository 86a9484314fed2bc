"""Change: an endpoint is told otherwise, is switched off and on, waits and goes on, signs with another secret."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from runs.domain.events import JsonObject
from runs.errors import ValidationFailed
from runs.hub import call_queue
from runs.keyring import SecretUnreadable
from webhooks.counting import count_given_up
from webhooks.models import Delivery, Endpoint
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.caller import Caller
from webhooks.operations.columns import WORDS, changed_columns
from webhooks.operations.create_endpoint import Saved
from webhooks.operations.own_headers import sealed_headers, unsealed_headers
from webhooks.operations.rotation import SECRET, rotate
from webhooks.operations.terms import OVERLAPS, USUAL_OVERLAP, Terms, faults_in
from webhooks.queries import shown_endpoint

CHANGED = "webhook.changed"

# What was learnt about a receiver says nothing of another one, and nothing of one that was switched on again.
_FRESH_START: dict[str, object] = {"failing_since": None, "failures": 0, "broken_until": None, "paced_until": None}


def change_endpoint(endpoint_id: UUID, terms: Terms, caller: Caller) -> Saved:
    """The endpoint is what the terms say, and otherwise as it was. Where that changes nothing, nothing is audited.

    What waits is cancelled where it is switched off; where its URL is changed, it goes to the new one. Raises
    ValidationFailed with every fault there is, and NotFound.
    """
    if faults := list(faults_in(terms)):
        raise ValidationFailed(faults)
    with transaction.atomic():
        switches_off = terms.active is False
        endpoint = Endpoint.objects.lock(caller.project_id, endpoint_id, from_new_deliveries=switches_off)
        details = _change(endpoint, terms)
        if details:
            caller.note(CHANGED, endpoint_id, details)
        is_new = SECRET in cast(list[str], details.get("changed", []))
        return Saved(shown_endpoint(caller.project_id, endpoint_id), terms.secret if is_new else None)


def pause_endpoint(endpoint_id: UUID, caller: Caller) -> Saved:
    """What comes for the endpoint waits. Raises NotFound."""
    return change_endpoint(endpoint_id, Terms(paused=True), caller)


def resume_endpoint(endpoint_id: UUID, caller: Caller) -> Saved:
    """What waited because of a pause is due. Raises NotFound."""
    return change_endpoint(endpoint_id, Terms(paused=False), caller)


def _change(endpoint: Endpoint, terms: Terms) -> JsonObject:
    """What is to be told of the change; empty if there was none."""
    columns = {**changed_columns(endpoint, terms), **_pause(endpoint, terms), **_headers(endpoint, terms)}
    words = {WORDS[name] for name in columns}
    details: JsonObject = {name: columns[name] for name in ("active",) if name in columns}
    if (rotated := _rotate(endpoint, terms)) is not None:
        words.add(rotated)
    if not words:
        return {}
    Endpoint.objects.filter(id=endpoint.id).update(**columns, **_what_follows(columns), updated_at=Now())
    if columns.get("active") is False:
        details["cancelled"] = cancelled = Delivery.objects.filter(endpoint=endpoint).cancel_waiting()
        count_given_up(DeliveryStatus.CANCELLED, cancelled)
    else:
        call_queue()  # what waited for the end of a pause, or for another address, may be due now
    return {"changed": sorted(words), **details}


def _what_follows(columns: Mapping[str, object]) -> dict[str, object]:
    is_enabled = columns.get("active") is True
    fresh = _FRESH_START if is_enabled or "url" in columns else {}
    return {**fresh, "disabled_at": None, "disabled_reason": ""} if is_enabled else fresh


def _pause(endpoint: Endpoint, terms: Terms) -> dict[str, object]:
    if terms.paused is None or terms.paused == (endpoint.paused_at is not None):
        return {}
    return {"paused_at": Now() if terms.paused else None}


def _headers(endpoint: Endpoint, terms: Terms) -> dict[str, object]:
    """Their columns; none where they are as they were. Sealed text differs each time, so what is inside is compared."""
    if terms.headers is None:
        return {}
    try:
        is_same = list(unsealed_headers(endpoint).items()) == list(terms.headers.items())
    except SecretUnreadable:
        is_same = False
    return {} if is_same else sealed_headers(endpoint, terms.headers)


def _rotate(endpoint: Endpoint, terms: Terms) -> str | None:
    if terms.secret is None:
        return None
    overlap = None if terms.secret_overlap is None else OVERLAPS[terms.secret_overlap]
    return rotate(endpoint, terms.secret, overlap=overlap, usual=OVERLAPS[USUAL_OVERLAP])
