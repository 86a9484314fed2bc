"""Secrets at rest: sealed with the newest key, opened with whichever key sealed them."""

import base64
import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from runs.errors import ControlPlaneError

_PURPOSE = b"signalbox: secrets at rest"


class SecretUnreadable(ControlPlaneError):
    """A stored secret was sealed with a key that is no longer configured."""


def seal(text: str) -> str:
    """`text` encrypted under the newest key; never the same twice."""
    return _ring(_configured_keys()).encrypt(text.encode()).decode()


def unseal(text: str) -> str:
    """What was sealed. Raises SecretUnreadable if none of the keys fits."""
    try:
        return _ring(_configured_keys()).decrypt(text.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable from None


def _configured_keys() -> tuple[str, ...]:
    # SECRET_KEY comes last: what was sealed before SECRETS_KEY was set stays readable.
    separate: str | list[str] | tuple[str, ...] = settings.SECRETS_KEY
    keys = separate.split(",") if isinstance(separate, str) else separate
    return (*(key.strip() for key in keys if key.strip()), settings.SECRET_KEY)


@functools.lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    stretched = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(stretched)
