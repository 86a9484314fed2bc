"""How times and durations are told on the pages: short, and exact where a pointer rests."""

from datetime import datetime, timedelta

NOTHING = "–"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def duration(length: timedelta) -> str:
    """The two greatest units, at most: `3 d 4 h`, `12 min 5 s`, `0.4 s`."""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    parts, rest = [], int(seconds)
    for size, unit in _UNITS:
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    parts.append(f"{rest} s")
    return " ".join(parts[:2]).removesuffix(" 0 s")


def since(moment: datetime | None, now: datetime) -> str:
    """How long ago it was."""
    return NOTHING if moment is None else duration(now - moment)


def exact(moment: datetime | None) -> str:
    """The time to the second."""
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
