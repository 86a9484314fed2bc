"""Trace context of a caller (W3C `traceparent`)."""

import re

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII
)
_LENGTH = 55  # of version 00; a later version may append to it


def parsed_traceparent(header: str | None) -> tuple[str, str] | None:
    """The header without what later versions append, and its trace id; None where it is absent or not valid."""
    text = (header or "").strip()
    found = _TRACEPARENT.fullmatch(text)
    if found is None or (text.startswith("00") and len(text) != _LENGTH):
        return None
    return text[:_LENGTH], found[1]
