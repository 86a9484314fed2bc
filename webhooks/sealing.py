"""Stand-in until the real one is merged: same interface."""

import base64
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from runs.keyring import SecretUnreadable


@dataclass(frozen=True, slots=True)
class Sealed:
    text: str
    key_id: str


def seal(text: str, *, endpoint_id: UUID) -> Sealed:
    nonce = os.urandom(12)
    key_id, key = _keys()[0]
    sealed = AESGCM(key).encrypt(nonce, text.encode(), endpoint_id.bytes)
    return Sealed(f"{key_id}.{base64.b64encode(nonce + sealed).decode()}", key_id)


def unseal(text: str, *, endpoint_id: UUID) -> str:
    key_id, _, rest = text.partition(".")
    raw = base64.b64decode(rest)
    for one, key in _keys():
        if one == key_id:
            try:
                return AESGCM(key).decrypt(raw[:12], raw[12:], endpoint_id.bytes).decode()
            except InvalidTag:
                break
    raise SecretUnreadable


def newest_key_id() -> str:
    return _keys()[0][0]


def _keys() -> list[tuple[str, bytes]]:
    given = settings.SECRETS_KEY
    names = [one.strip() for one in (given.split(",") if isinstance(given, str) else given) if one.strip()]
    return [(_derived(one, b"id")[:4].hex(), _derived(one, b"key")) for one in (*names, settings.SECRET_KEY)]


def _derived(key: str, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key.encode())
