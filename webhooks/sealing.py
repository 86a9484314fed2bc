"""Stand-in until the real one is merged: same interface, no encryption."""

from dataclasses import dataclass
from uuid import UUID

from runs.keyring import SecretUnreadable


@dataclass(frozen=True, slots=True)
class Sealed:
    text: str
    key_id: str


def seal(text: str, *, endpoint_id: UUID) -> Sealed:
    return Sealed(f"{endpoint_id}.{text}", "stand-in")


def unseal(text: str, *, endpoint_id: UUID) -> str:
    owner, _, rest = text.partition(".")
    if owner != str(endpoint_id):
        raise SecretUnreadable
    return rest
