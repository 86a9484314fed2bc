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


def iso_in_sql(column: str) -> str:
    """SQL that makes of a column what `iso` makes of a time: in C, where very many are read."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
