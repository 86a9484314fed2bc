"""Stand-in until the real one is merged: nobody is told anything."""

from datetime import datetime

from webhooks.models import Delivery, Endpoint
from webhooks.result import Result


def after_attempt(endpoint: Endpoint, delivery: Delivery, result: Result, now: datetime) -> None:
    pass


def disable(endpoint: Endpoint, reason: str, now: datetime) -> None:
    Endpoint.objects.filter(id=endpoint.id).update(active=False, disabled_at=now, disabled_reason=reason)
    Delivery.objects.filter(endpoint=endpoint, status="pending").update(status="cancelled", due_at=None)
