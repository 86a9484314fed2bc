"""Secrets as they are written: `whsec_` and base64, or any text that a caller brings."""

import base64
import secrets

PREFIX = "whsec_"
SHORTEST, LONGEST = 16, 255
KEY_BYTES = 32
SHOWN = 4


def new_secret() -> str:
    """A secret nobody else has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def hint_of(secret: str) -> str:
    """By what its owner knows it again."""
    return secret[-SHOWN:]


def secret_fault(secret: str) -> str | None:
    """What is wrong with a secret that a caller brings, or None. Says nothing of the secret."""
    return None if SHORTEST <= len(secret) <= LONGEST else f"must have {SHORTEST} to {LONGEST} characters"
