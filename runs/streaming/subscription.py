"""What a subscriber asks of a stream: the same parameters for SSE and WebSocket."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from runs.errors import FieldFault, ValidationFailed

_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile(r"[0-9]{1,18}")  # what a bigint surely holds


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where to begin (None: with what happens next) and which frames to send beside the events, and how often."""

    after: int | None = None
    include_snapshot: bool = True
    heartbeat_ms: int = 15_000
    snapshot_ms: int = 2_000


def subscription_from(query: Mapping[str, str], last_event_id: str | None = None) -> Subscription:
    """The subscription a query string asks for; the greater of `afterSeq` and `last_event_id` is the cursor.

    Raises ValidationFailed with every fault.
    """
    reader = Parameters(query)
    cursors = [reader.seq("afterSeq", query.get("afterSeq")), reader.seq("Last-Event-ID", last_event_id or None)]
    subscription = Subscription(
        after=max((cursor for cursor in cursors if cursor is not None), default=None),
        include_snapshot=reader.truth("includeSnapshot", default=True),
        heartbeat_ms=reader.bounded("heartbeatMs", settings.STREAM_SSE_HEARTBEAT_MS, 1_000, 300_000),
        snapshot_ms=reader.bounded("snapshotMs", settings.STREAM_SNAPSHOT_INTERVAL_MS, 500, 60_000, or_zero=True),
    )
    reader.done()
    return subscription


class Parameters:
    """Reads single parameters and gathers what is wrong with them."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.faults: list[FieldFault] = []

    def done(self) -> None:
        """Raises ValidationFailed with every fault found so far."""
        if self.faults:
            raise ValidationFailed(self.faults)

    def seq(self, name: str, given: str | None) -> int | None:
        """The number of an event, or 0; None if absent."""
        if given is None or _NUMBER.fullmatch(given):
            return None if given is None else int(given)
        self.faults.append(FieldFault(name, "must be an integer greater than or equal to 0"))
        return None

    def bounded(self, name: str, default: int, low: int, high: int, *, or_zero: bool = False) -> int:
        """A whole number from `low` to `high`."""
        given = self._query.get(name)
        if given is None:
            return default
        value = int(given) if _NUMBER.fullmatch(given) else -1
        if low <= value <= high or (or_zero and value == 0):
            return value
        zero = "0 or " if or_zero else ""
        self.faults.append(FieldFault(name, f"must be {zero}an integer from {low} to {high}"))
        return default

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """One of `allowed`; None if absent."""
        given = self._query.get(name)
        if given is not None and given not in allowed:
            self.faults.append(FieldFault(name, f"must be one of {', '.join(allowed)}"))
        return given

    def text(self, name: str) -> str:
        """Any text that PostgreSQL could hold; empty if absent."""
        given = self._query.get(name, "")
        if "\0" in given:
            self.faults.append(FieldFault(name, "must not contain NUL"))
        return given

    def words(self, name: str) -> tuple[str, ...]:
        """Words between commas; empty ones are left out."""
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip())

    def truth(self, name: str, *, default: bool) -> bool:
        """true, false, 1 or 0 in any case."""
        given = self._query.get(name)
        if given is None:
            return default
        value = _TRUTH.get(given.lower())
        if value is None:
            self.faults.append(FieldFault(name, "must be true, false, 1 or 0"))
        return bool(value)
