"""Secrets at rest: sealed with the newest key, opened with whichever key sealed them.

Each purpose has keys of its own, derived from the configured ones: what was sealed for one cannot be opened as another's.
"""

import base64
import functools
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from runs.errors import ControlPlaneError

_PURPOSE = "secrets at rest"


class SecretUnreadable(ControlPlaneError):
    """A stored secret was sealed with a key that is no longer configured."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key for one purpose. `id` tells it from others and nothing of what it is."""

    id: str
    secret: bytes  # 32 of them


def seal(text: str) -> str:
    """`text` encrypted under the newest key; never the same twice."""
    return _ring(_configured()).encrypt(text.encode()).decode()


def unseal(text: str) -> str:
    """What was sealed. Raises SecretUnreadable if none of the keys fits."""
    try:
        return _ring(_configured()).decrypt(text.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable from None


def keys_for(purpose: str) -> tuple[Key, ...]:
    """The configured keys, newest first, as they are for `purpose`."""
    return _keys(_configured(), purpose)


def _configured() -> tuple[str, ...]:
    # SECRET_KEY comes last: what was sealed before SECRETS_KEY was set stays readable.
    separate: str | list[str] | tuple[str, ...] = settings.SECRETS_KEY
    keys = separate.split(",") if isinstance(separate, str) else separate
    return (*(key.strip() for key in keys if key.strip()), settings.SECRET_KEY)


@functools.lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, _PURPOSE))) for key in keys])


@functools.lru_cache(maxsize=8)
def _keys(keys: tuple[str, ...], purpose: str) -> tuple[Key, ...]:
    return tuple(Key(id=_derived(key, f"{purpose}, id")[:8].hex(), secret=_derived(key, purpose)) for key in keys)


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"signalbox: {purpose}".encode()).derive(key.encode())
