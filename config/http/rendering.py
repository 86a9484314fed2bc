"""JSON out of the REST framework: always JSON, whatever `Accept` says."""

from collections.abc import Iterable, Mapping

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config.http.json_text import to_json


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
