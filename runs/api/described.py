"""How routes are described in OpenAPI (`/docs`): their query, their body, and the answer if all goes well."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

View = TypeVar("View", bound=Callable[..., object])
Schema = Mapping[str, object]

_JSON = "application/json"


def route(
    *, query: Sequence[OpenApiParameter] = (), body: Schema | None = None, status: int = 200
) -> Callable[[View], View]:
    """Above a method of a view: it takes this query and this body, and answers with this status."""
    answer = None if status == 204 else OpenApiTypes.OBJECT
    given: dict[str, Any] = {"parameters": list(query), "responses": {status: answer}}
    given["request"] = None if body is None else {_JSON: dict(body)}
    return extend_schema(**given)


def text(name: str, description: str) -> OpenApiParameter:
    """A parameter of the query that is any text."""
    return OpenApiParameter(name, OpenApiTypes.STR, description=description)


def moment(name: str, description: str) -> OpenApiParameter:
    """A time in ISO-8601 with an offset."""
    return OpenApiParameter(name, OpenApiTypes.DATETIME, description=description)


def run_id(name: str, description: str) -> OpenApiParameter:
    """The id of a run."""
    return OpenApiParameter(name, OpenApiTypes.UUID, description=description)


def integer(name: str, *, least: int, default: int, most: int | None = None, description: str = "") -> OpenApiParameter:
    """A whole number with its bounds."""
    bounds: dict[str, object] = {"type": "integer", "minimum": least}
    if most is not None:
        bounds["maximum"] = most
    return OpenApiParameter(name, bounds, default=default, description=description)


def page(*, default: int, most: int) -> tuple[OpenApiParameter, OpenApiParameter]:
    """`limit` and `offset`."""
    return integer("limit", least=1, most=most, default=default), integer("offset", least=0, default=0)


def members(required: Sequence[str] = (), **properties: Schema) -> Schema:
    """A body of these members and no others."""
    schema: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def texts(*, most: int, longest: int) -> Schema:
    """A list of texts."""
    return {"type": "array", "maxItems": most, "items": {"type": "string", "minLength": 1, "maxLength": longest}}


FREE: Schema = {"type": "object", "additionalProperties": True}
