"""How routes are described in OpenAPI (`/docs`): their query, their body, and the answer if all goes well."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

View = TypeVar("View", bound=Callable[..., object])
Schema = Mapping[str, object]
# The schema of a JSON answer, or a schema for each media type.
Answer = Mapping[str, object]

ERRORS = "x-error-codes"
IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 255
# Set on a method that answers a repeated request as it did before (runs/api/once.py).
ANSWERED_ONCE = "signalbox_answered_once"
NOTHING_ELSE: Mapping[int, str] = MappingProxyType({})

_JSON = "application/json"


def route(
    *,
    query: Sequence[OpenApiParameter] = (),
    body: Schema | None = None,
    status: int = 200,
    answer: Answer | None = None,
    also: Mapping[int, str] = NOTHING_ELSE,
    errors: Sequence[str] = (),
) -> Callable[[View], View]:
    """Above a method of a view: it takes this query and this body, and answers with this status and this answer.

    `also` are other statuses of success, without a body; `errors` are codes of the closed list that this route may answer
    beside those that every route may (config/documents/faults.py). What stands below with `once` takes a key, too.
    """
    given: dict[str, Any] = {"responses": _responses(status, answer, also)}
    given["request"] = None if body is None else {_JSON: dict(body)}

    def described(view: View) -> View:
        more, codes = (_KEY, _OF_KEYS) if hasattr(view, ANSWERED_ONCE) else ((), ())
        schema = extend_schema(**given, parameters=[*query, *more], extensions={ERRORS: [*errors, *codes]})
        return schema(view)

    return described


def _responses(status: int, answer: Answer | None, also: Mapping[int, str]) -> dict[Any, Any]:
    others = {other: OpenApiResponse(description=why) for other, why in also.items()}
    if status == 204:
        return {status: OpenApiResponse(description="Done; no body."), **others}
    kinds = answer or {_JSON: {"type": "object", "additionalProperties": True}}
    if not any("/" in kind for kind in kinds):
        kinds = {_JSON: kinds}
    return {**{(status, kind): dict(cast(Schema, schema)) for kind, schema in kinds.items()}, **others}


def text(name: str, description: str) -> OpenApiParameter:
    """A parameter of the query that is any text."""
    return OpenApiParameter(name, OpenApiTypes.STR, description=description)


def moment(name: str, description: str) -> OpenApiParameter:
    """A time in ISO-8601 with an offset."""
    return OpenApiParameter(name, OpenApiTypes.DATETIME, description=description)


def run_id(name: str, description: str) -> OpenApiParameter:
    """The id of a run."""
    return OpenApiParameter(name, OpenApiTypes.UUID, description=description)


def word(name: str, allowed: Sequence[str], *, default: str | None = None, description: str = "") -> OpenApiParameter:
    """One of these words."""
    return OpenApiParameter(name, str, enum=list(allowed), default=default, description=description)


def truth(name: str, *, default: bool, description: str = "") -> OpenApiParameter:
    """true, false, 1 or 0."""
    return OpenApiParameter(name, bool, default=default, description=description)


def number(name: str, *, least: float, most: float, default: float) -> OpenApiParameter:
    """A decimal number with its bounds."""
    return OpenApiParameter(name, {"type": "number", "minimum": least, "maximum": most}, default=default)


def header(name: str, description: str) -> OpenApiParameter:
    """A header of the request."""
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


_KEY = (
    OpenApiParameter(
        IDEMPOTENCY_KEY,
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        OpenApiParameter.HEADER,
        description="a request that is repeated under it within 24 h is answered as before, and not carried out again",
    ),
)
_OF_KEYS = ("IDEMPOTENCY_KEY_REUSED", "CONFLICT")


def integer(
    name: str, *, least: int, default: int | None = None, most: int | None = None, description: str = ""
) -> OpenApiParameter:
    """A whole number with its bounds."""
    bounds: dict[str, object] = {"type": "integer", "minimum": least}
    if most is not None:
        bounds["maximum"] = most
    return OpenApiParameter(name, bounds, default=default, description=description)


def page(*, default: int, most: int) -> tuple[OpenApiParameter, OpenApiParameter]:
    """`limit` and `offset`."""
    return integer("limit", least=1, most=most, default=default), integer("offset", least=0, default=0)
