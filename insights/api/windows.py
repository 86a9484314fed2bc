"""The window that a query of a dashboard names."""

from datetime import UTC, datetime, timedelta

from insights.window import Window
from runs.api.query import Query

LENGTHS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
FORMER = ("24h", "7d", "30d")
USUAL = "24h"
EARLIEST = datetime(1970, 2, 1, tzinfo=UTC)  # so that every window ends there
LONGEST = timedelta(days=5 * 366)


def window_from(query: Query, now: datetime) -> Window:
    """`from` and `to`, or the time before `to`, or before now. Raises ValidationFailed with every fault there is."""
    former = query.choice("range", FORMER)
    named = query.choice("window", tuple(LENGTHS)) or former or USUAL
    start, end = query.moment("from"), query.moment("to") or now
    scenario_ref, environment = query.text("scenarioRef"), query.text("environment")
    if end < EARLIEST:
        query.fault("to", "must be later than January 1970")
    elif start is not None and start >= end:
        query.fault("from", "must be before to")
    elif start is not None and end - start > LONGEST:
        query.fault("from", f"must be at most {LONGEST.days} days before to")
    query.done()
    return Window(start=start or end - LENGTHS[named], end=end, scenario_ref=scenario_ref, environment=environment)
