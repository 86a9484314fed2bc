"""docs/openapi.json: every route and method, its answers and its errors."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from config.documents import faults, plain
from config.documents.operation import KEY, SESSION, TICKET
from config.documents.schemas import names_in, schemas_of
from runs.version import VERSION

INFO = {
    "title": "Signalbox",
    "version": VERSION,
    "description": "A control plane for multi-agent runs. Streams are described in docs/asyncapi.json, too.",
}
SECURITY = {
    KEY: {"type": "http", "scheme": "bearer", "description": "An API key; the scopes it needs stand at each route."},
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "A staff session, from our own and allowed pages; unsafe methods need the CSRF token, too.",
    },
    TICKET: {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "For streams alone: a ticket of POST /stream-tickets, good once.",
    },
}
HEADERS = {
    "X-Request-Id": {
        "description": "That of the request, or a new one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {"description": "Requests in a window.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Requests that are left.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "Seconds until the window ends.", "schema": {"type": "integer"}},
}


def openapi() -> dict[str, Any]:
    """The document."""
    generator: Any = SchemaGenerator
    document: dict[str, Any] = generator().get_schema(request=None, public=True)
    return document


def complete(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """A post-processing hook: what the generator cannot know is added."""
    paths = dict(sorted({**result["paths"], **plain.paths()}.items()))
    codes = sorted(set(names_in(paths, "responses")))
    responses = {name: one for code in codes for name, one in faults.named_responses(code.split("_or_")).items()}
    components = {
        "schemas": schemas_of([paths, responses]),
        "responses": responses,
        "headers": HEADERS,
        "securitySchemes": SECURITY,
    }
    return {"openapi": "3.1.0", "info": INFO, "servers": [{"url": "/"}], "paths": paths, "components": components}
