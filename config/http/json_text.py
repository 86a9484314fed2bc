"""JSON out: orjson, with times as the contract writes them and fragments that are passed through as they are."""

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal

import orjson
from django.utils.functional import Promise

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


def iso_time(moment: datetime) -> str:
    """`moment` as ISO-8601 UTC with milliseconds: 2026-01-31T09:30:00.000Z. Raises ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def to_json(value: object) -> bytes:
    """`value` as UTF-8 JSON; an `orjson.Fragment` inside keeps its very bytes."""
    return orjson.dumps(value, default=_representable, option=_OPTIONS)


def _representable(value: object) -> object:
    match value:
        case datetime():
            return iso_time(value)
        case Decimal():
            return float(value)
        case Promise():
            return str(value)
        case Mapping():
            return dict(value)
        case Set() | Sequence():
            return list(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
