"""Signing: what a receiver knows a request of ours by. Standard Webhooks `v1`, and the older pair of headers beside it."""

import base64
import hashlib
import hmac

from webhooks.parcel import Parcel

PREFIX = "whsec_"


def headers(parcel: Parcel, *, at: int) -> dict[str, str]:
    """All that tells who sends this attempt and when: `at` is in seconds since 1970.

    Each living secret signs, so that a receiver which has only one of them accepts it while they change.
    """
    signatures = (signature(secret, parcel.message_id, at, parcel.body) for secret in parcel.secrets)
    return {
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
        "webhook-attempt": str(parcel.attempt),
        "X-MACP-Event": parcel.event_type,
        # The secret's text is its key, and no time is signed: it cannot tell a request from its repetition.
        "X-MACP-Signature": hmac.new(parcel.secrets[0].encode(), parcel.body, hashlib.sha256).hexdigest(),
    }


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """One entry of `webhook-signature`, over id, time and exactly these bytes."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def key_of(secret: str) -> bytes:
    """What signs as `v1`: the bytes whose base64 follows `whsec_`; of any other text the text itself, as UTF-8.

    A secret that begins so, but does not go on in base64, is such a text: somebody brought it along.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    encoded = secret.removeprefix(PREFIX).rstrip("=")
    try:
        # Padding may be missing: receivers' libraries do without it, too.
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return secret.encode()
    return key or secret.encode()
