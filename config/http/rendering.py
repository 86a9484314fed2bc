"""JSON out: orjson, with times as the contract writes them and fragments that are passed through as they are."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal

import orjson
from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

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


class JsonRenderer(BaseRenderer):
    """application/json, always UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None  # the result is bytes already
    render_style = "binary"

    def render(
        self,
        data: object,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, object] | None = None,
    ) -> bytes:
        """The bytes of `data`; nothing at all for None, as in a 204."""
        return b"" if data is None else to_json(data)


class AlwaysFirst(BaseContentNegotiation):
    """The view's first renderer answers whatever `Accept` says: clients send all kinds of it and all expect JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser of the body's declared type; None makes it 415."""
        declared = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == declared), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer and its media type."""
        first = next(iter(renderers))
        return first, first.media_type or ""
