"""The one time format."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """ISO-8601 in UTC with exactly three decimals and a Z; what is finer than a millisecond is cut off."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def iso_or_none(moment: datetime | None) -> str | None:
    """As `iso`; None stays None."""
    return None if moment is None else iso(moment)
