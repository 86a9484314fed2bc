"""Rotation: an endpoint signs with another secret, and for a while with the former one beside it."""

from datetime import timedelta

from django.db.models.functions import Now

from runs.keyring import SecretUnreadable
from webhooks import sealing
from webhooks.models import Endpoint, EndpointSecret
from webhooks.operations.secret_text import hint_of

# As callers know them.
SECRET, OVERLAP = "secret", "secretOverlap"


def set_first_secret(endpoint: Endpoint, secret: str) -> None:
    """The endpoint, which has none, signs with the secret."""
    sealed = sealing.seal(secret, endpoint_id=endpoint.id)
    EndpointSecret.objects.create(
        endpoint=endpoint, sealed=sealed.text, key_id=sealed.key_id, hint=hint_of(secret), created_at=Now()
    )


def rotate(endpoint: Endpoint, secret: str, *, overlap: timedelta | None, usual: timedelta) -> str | None:
    """The endpoint, which the caller has locked, signs with the secret. Which of both was changed by that: SECRET, OVERLAP.

    At most two live: what was former already is gone. The same secret once more is a call that was repeated, and costs the
    former one nothing but time that the caller takes from it.
    """
    present = EndpointSecret.objects.filter(endpoint=endpoint, expires_at=None).first()
    text = None if present is None else _readable(endpoint, present)
    if text == secret:
        return OVERLAP if overlap is not None and _shorten(endpoint, overlap) else None
    EndpointSecret.objects.filter(endpoint=endpoint).exclude(expires_at=None).delete()
    if present is not None:
        # One that cannot be read signs nothing.
        _retire(present, timedelta(0) if text is None else usual if overlap is None else overlap)
    set_first_secret(endpoint, secret)
    return SECRET


def _retire(present: EndpointSecret, overlap: timedelta) -> None:
    if overlap:
        EndpointSecret.objects.filter(id=present.id).update(expires_at=Now() + overlap)
    else:
        present.delete()


def _shorten(endpoint: Endpoint, overlap: timedelta) -> bool:
    former = EndpointSecret.objects.filter(endpoint=endpoint, expires_at__gt=Now() + overlap)
    return bool(former.update(expires_at=Now() + overlap) if overlap else former.delete()[0])


def _readable(endpoint: Endpoint, secret: EndpointSecret) -> str | None:
    try:
        return sealing.unseal(secret.sealed, endpoint_id=endpoint.id)
    except SecretUnreadable:
        return None
