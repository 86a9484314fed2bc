"""Text that makes itself known where it is taken for markup, and values full of it."""

import json
from collections.abc import Mapping

TRAP = "/canary-was-fetched"
# Breaks out of attributes and of scripts; the elements at its end are looked for on each page.
CANARY = (
    f"\"'></script><img src={TRAP} onerror=window.harmed=1><script src={TRAP}></script>"
    "<svg onload=window.harmed=1>{{7*7}}<xss>"
)
SHORT = "\"'><xss>"
ELEMENTS = "xss, svg[onload], [onerror]"
SCRIPT_ADDRESS = f"javascript:window.harmed=1//{CANARY}"
FOREIGN_ADDRESS = f"https://foreign.example/{CANARY}"


def canary(most: int | None = None) -> str:
    """As much harm as fits."""
    return CANARY if most is None or most >= len(CANARY) else SHORT if most >= len(SHORT) else "<xss>"[:most]


def poisoned(value: object, *, keys: bool = True) -> object:
    """The JSON value with each text in it being the canary, and one member more of that name."""
    if isinstance(value, Mapping):
        inner = {name: poisoned(one, keys=keys) for name, one in value.items()}
        return {**inner, CANARY: CANARY} if keys else inner
    if isinstance(value, list):
        return [poisoned(one, keys=keys) for one in value] or [CANARY]
    return CANARY if isinstance(value, str) else value


def poisoned_text(text: str) -> str:
    """The same for JSON that is stored as text; what is no JSON becomes the canary."""
    try:
        return json.dumps(poisoned(json.loads(text)))
    except ValueError:
        return CANARY
