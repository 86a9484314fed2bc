"""What the description of the routes says of the queries of insights."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

Described = Callable[[Callable[..., Any]], Callable[..., Any]]

_WINDOW = (
    OpenApiParameter("window", str, enum=["1h", "6h", "24h", "7d", "30d"], default="24h", description="up to `to`"),
    OpenApiParameter("range", str, enum=["24h", "7d", "30d"], description="older name of `window`"),
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="overrides `window`; in the window"),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="now, if absent; not in the window"),
    OpenApiParameter("environment", str),
    OpenApiParameter("scenarioRef", str),
)
_LISTS = (
    OpenApiParameter("includeCanonical", bool, default=True),
    OpenApiParameter("includeRaw", bool, default=False, description="with what came late"),
)
_FORM = (
    OpenApiParameter("eventLimit", int, default=10_000, description="1 to 50 000, of each list"),
    OpenApiParameter("format", str, enum=["json", "jsonl"], default="json"),
)


def _of(*parameters: OpenApiParameter) -> Described:
    return extend_schema(parameters=list(parameters), responses={200: OpenApiTypes.OBJECT})


window = _of(*_WINDOW)
export = _of(*_LISTS, *_FORM)
export_stream = _of(*_LISTS)
