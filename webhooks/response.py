"""Response: what a receiver asks for with its answer."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from webhooks.result import Wish

FARTHEST_S = 366 * 24 * 3600.0
"""Whoever says a longer time means never; how long we really wait is for webhooks.backoff to say."""

_SECONDS = re.compile(r"[0-9]+", re.ASCII)


def wish_of(status: int, headers: Mapping[str, str]) -> Wish | None:
    """What the receiver wants of us from now on; `headers` in lower case."""
    said = headers.get("webhook-delivery", "").strip().lower()
    if said == "disable":
        return "disable"
    if status == 410:
        return "gone"
    is_success = 200 <= status <= 299
    return "abort-message" if said == "abort-message" and not is_success else None


def retry_after_s(said: str | None, *, at: float) -> float | None:
    """The seconds from `at` on that `Retry-After` asks for; None where it asks for nothing that could be followed."""
    text = (said or "").strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else _until(text, at)
    return None if seconds is None or seconds < 0 else min(seconds, FARTHEST_S)


def _until(date: str, at: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - at
    except (ValueError, OverflowError):
        return None
