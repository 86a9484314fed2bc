"""Reseal: what is sealed lies under the newest key, so that an older one can be taken away."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from runs.audit import Actor
from runs.keyring import SecretUnreadable
from webhooks import sealing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.operations.caller import Caller

RESEALED = "webhook.resealed"


def _nobody(done: int, of: int) -> None:
    """Nobody is told."""


@dataclass(slots=True)
class Resealed:
    """How many texts were sealed anew, were under the newest key already, or could not be read."""

    resealed: int = 0
    current: int = 0
    unreadable: int = 0


def reseal_all(actor: Actor, *, told: Callable[[int, int], None] = _nobody) -> Resealed:
    """Every secret and all headers lie under the newest key, but for those that none of the keys opens.

    One endpoint at a time, each locked while its texts are changed and with an entry in the audit list of its project: safe
    beside whatever else goes on. Done again it changes nothing.
    """
    report = Resealed()
    endpoints = list(Endpoint.objects.order_by("id").values_list("id", "project_id"))
    for number, (endpoint_id, project_id) in enumerate(endpoints):
        told(number, len(endpoints))
        _reseal(endpoint_id, Caller(project_id=project_id, actor=actor), report)
    return report


def _reseal(endpoint_id: UUID, caller: Caller, report: Resealed) -> None:
    before = report.resealed
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(id=endpoint_id).first()
        if endpoint is None:
            return
        for secret in EndpointSecret.objects.filter(endpoint=endpoint):
            if (sealed := _anew(secret.sealed, endpoint_id, report)) is not None:
                EndpointSecret.objects.filter(id=secret.id).update(sealed=sealed.text, key_id=sealed.key_id)
        if endpoint.headers_sealed and (sealed := _anew(endpoint.headers_sealed, endpoint_id, report)) is not None:
            Endpoint.objects.filter(id=endpoint_id).update(headers_sealed=sealed.text)
        if report.resealed > before:
            caller.note(RESEALED, endpoint_id, {"texts": report.resealed - before})


def _anew(text: str, endpoint_id: UUID, report: Resealed) -> sealing.Sealed | None:
    """The same under the newest key; None where there is nothing to do, or nothing that can be done."""
    if sealing.newest_key_id() in text.split("."):  # a sealed text names its key
        report.current += 1
        return None
    try:
        plain = sealing.unseal(text, endpoint_id=endpoint_id)
    except SecretUnreadable:
        report.unreadable += 1
        return None
    report.resealed += 1
    return sealing.seal(plain, endpoint_id=endpoint_id)
