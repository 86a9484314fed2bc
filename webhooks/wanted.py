"""Stand-in until the real one is merged: same interface."""

from collections.abc import Sequence

from runs.domain.events import EventType

SIX = ("run.started", "run.completed", "run.failed", "run.cancelled", "run.suspended", "run.resumed")


def is_wanted(events: Sequence[str], event_type: str) -> bool:
    return any(
        one in ("*", event_type) or (one.endswith(".*") and event_type.startswith(one[:-1])) for one in events or SIX
    )


def unknown_names(events: Sequence[str]) -> list[str]:
    return [one for one in events if one == "" or not any(is_wanted([one], str(each)) for each in EventType)]
