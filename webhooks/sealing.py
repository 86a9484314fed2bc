"""Sealing: secrets of an endpoint as its rows keep them. AES-256-GCM; a seal holds for one endpoint and no other.

A sealed text names the key that it was sealed under, so that one which is gone can be told from one that was tampered with.
"""

import base64
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runs.keyring import Key, SecretUnreadable, keys_for

PURPOSE = "webhook secrets"

_FORM = "g1"  # what the rest of a sealed text is: id of the key, nonce and ciphertext
_NONCE = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored. `text` holds the key's id, too; the column is for finding what an older key has sealed."""

    text: str
    key_id: str


def seal(text: str, *, endpoint_id: UUID) -> Sealed:
    """`text` under the newest key, for this endpoint alone; never the same twice."""
    newest = keys_for(PURPOSE)[0]
    nonce = os.urandom(_NONCE)
    box = nonce + AESGCM(newest.secret).encrypt(nonce, text.encode(), endpoint_id.bytes)
    return Sealed(text=f"{_FORM}.{newest.id}.{base64.b64encode(box).decode()}", key_id=newest.id)


def unseal(text: str, *, endpoint_id: UUID) -> str:
    """What was sealed for this endpoint. Raises SecretUnreadable, which says whether a key is missing."""
    form, _, rest = text.partition(".")
    key_id, _, encoded = rest.partition(".")
    if form != _FORM:
        raise SecretUnreadable("A stored secret of a webhook is not in a form that was ever written.")
    key = _key(key_id)
    try:
        box = base64.b64decode(encoded, validate=True)
        return AESGCM(key.secret).decrypt(box[:_NONCE], box[_NONCE:], endpoint_id.bytes).decode()
    except (InvalidTag, ValueError):
        raise SecretUnreadable("A stored secret of a webhook was changed, or belongs to another endpoint.") from None


def newest_key_id() -> str:
    """The key that seals at present; what bears another id is to be sealed again."""
    return keys_for(PURPOSE)[0].id


def _key(key_id: str) -> Key:
    found = next((key for key in keys_for(PURPOSE) if key.id == key_id), None)
    if found is None:
        raise SecretUnreadable(
            f"A stored secret of a webhook was sealed with a key that is not configured any more (its id is {key_id!r}): "
            "name that key in SECRETS_KEY again, behind the newest."
        )
    return found
