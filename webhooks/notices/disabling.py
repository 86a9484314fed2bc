"""An endpoint is switched off for its failures."""

from datetime import datetime

from runs.audit import Actor, note
from runs.domain.events import JsonObject
from webhooks.counting import count_given_up
from webhooks.models import Delivery, Endpoint
from webhooks.models.delivery import DeliveryStatus
from webhooks.models.notice import NoticeKind
from webhooks.notices.telling import project_of, tell

SYSTEM = Actor(name="signalbox", kind="system")
LONGEST_REASON = 200


def disable(endpoint: Endpoint, reason: str, now: datetime) -> None:
    """The endpoint hears nothing more, what waited for it is cancelled (and can be replayed), and operators are told.

    Whoever disables one that is inactive already changes nothing and tells nothing.
    """
    # Not locked from new deliveries: a drain would wait for whoever writes them. They are leftovers, which drains cancel.
    off: JsonObject = {"active": False, "disabled_at": now, "disabled_reason": reason[:LONGEST_REASON]}
    if not Endpoint.objects.filter(id=endpoint.id, active=True, deleted_at=None).update(updated_at=now, **off):
        return
    _set(endpoint, off)
    cancelled = Delivery.objects.filter(endpoint=endpoint).cancel_waiting()
    count_given_up(DeliveryStatus.CANCELLED, cancelled)
    details: JsonObject = {"reason": endpoint.disabled_reason, "cancelled": cancelled}
    note(
        project_id=project_of(endpoint),
        actor=SYSTEM,
        action="webhook.disabled",
        resource="webhook",
        resource_id=str(endpoint.id),
        details=details,
    )
    message = f"{endpoint} was disabled: {endpoint.disabled_reason}; {cancelled} waiting deliveries cancelled"
    tell(endpoint, NoticeKind.DISABLED, message, details, now)


def _set(endpoint: Endpoint, columns: JsonObject) -> None:
    for column, value in columns.items():
        setattr(endpoint, column, value)
