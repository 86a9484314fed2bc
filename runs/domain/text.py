"""Text and JSON as the log keeps them: nothing in them that PostgreSQL, orjson or a reader would refuse or change.

Agents write what they like. What is stored must come back equal, or a live fold and a rebuilt one would differ.
"""

import math
import re

import orjson

from runs.domain.events import JsonObject

MAX_DEPTH = 128
"""Levels of nesting that are kept; what holds an event adds a few of its own."""

_REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LEVELS_OF_ORJSON = 254


def clean(text: str) -> str:
    """`text` with NUL and lone surrogates as U+FFFD; the same object where there are none."""
    if text.isascii():
        return text.replace("\0", _REPLACEMENT)
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def shortened(text: str, most_bytes: int) -> str:
    """The beginning of clean `text` that takes no more than `most_bytes` as UTF-8; no character is cut in half."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def storable(value: object) -> tuple[object, bytes]:
    """`value` exactly as the log will give it back, with its JSON text. Any value at all is accepted.

    NaN becomes null, tuples lists, integers beyond 64 bits text; what lies deeper than MAX_DEPTH is left out.
    """
    encoded = _encoded(value)
    if encoded is None or b"\\u0000" in encoded:
        encoded = orjson.dumps(_pruned(value, MAX_DEPTH))
    return orjson.loads(encoded), encoded


def may_be_deep(encoded: bytes) -> bool:
    """False if the JSON text surely nests no deeper than the log can keep."""
    return encoded.count(b"[") + encoded.count(b"{") > MAX_DEPTH


def storable_object(value: JsonObject) -> tuple[JsonObject, bytes]:
    """As `storable`, for a JSON object."""
    decoded, encoded = storable(value)
    return (decoded, encoded) if isinstance(decoded, dict) else ({}, b"{}")


def _encoded(value: object) -> bytes | None:
    """The JSON text, or None where the log could not keep the value as it is."""
    try:
        encoded = orjson.dumps(value)
        if may_be_deep(encoded):
            orjson.dumps(_buried(value))
    except (TypeError, RecursionError):
        return None
    return encoded


def _buried(value: object) -> object:
    # Inside so many lists orjson itself refuses what nests deeper than MAX_DEPTH: no walk in Python.
    for _ in range(_LEVELS_OF_ORJSON - MAX_DEPTH):
        value = [value]
    return value


def _pruned(value: object, depth: int) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): _pruned(item, depth - 1) for name, item in value.items()} if depth else None
    if isinstance(value, list | tuple):
        return [_pruned(item, depth - 1) for item in value] if depth else None
    return _pruned_scalar(value)


def _pruned_scalar(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None


def _digits(number: int) -> str | None:
    try:
        return str(number)
    except ValueError:  # Python refuses to print thousands of digits
        return None
