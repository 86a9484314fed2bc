"""Errors in the documents: the one shape, the closed list of codes, and which of them a route may answer."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from config.http.fault import STATUS_OF
from runs.api.schemas.shapes import FREE, TEXT, Schema, ref, shape, word

ALWAYS = ("VALIDATION_ERROR", "UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
WITH_A_BODY = ("MALFORMED_JSON", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
OF_A_RUN = ("RUN_NOT_FOUND",)

SCHEMAS: dict[str, Schema] = {
    "ErrorCode": {**word(STATUS_OF), "description": "The list is closed; clients may switch on it."},
    "Error": shape(
        {
            "statusCode": {"type": "integer", "enum": sorted(set(STATUS_OF.values()))},
            "error": {**TEXT, "description": "The reason phrase of the status."},
            "errorCode": ref("ErrorCode"),
            "message": {**TEXT, "description": "One sentence."},
            "requestId": {**TEXT, "description": "As in the header X-Request-Id."},
        },
        details={**FREE, "description": "Faults of a request are in `errors`, each with `path` and `message`."},
    ),
}


def responses_of(codes: Iterable[str]) -> dict[str, Schema]:
    """For each status a reference to the response that names these codes."""
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name, _ in _grouped(codes)}


def named_responses(codes: Iterable[str]) -> dict[str, Schema]:
    """The responses that `responses_of` refers to."""
    return {name: _response(int(status), its) for status, name, its in _grouped(codes)}


def _grouped(codes: Iterable[str]) -> list[tuple[str, str, list[str]]]:
    by_status: dict[int, list[str]] = {}
    for code in STATUS_OF:  # its order, whatever the order of `codes`
        if code in set(codes):
            by_status.setdefault(STATUS_OF[code], []).append(code)
    return [(str(status), "_or_".join(its), its) for status, its in sorted(by_status.items())]


def _response(status: int, codes: list[str]) -> Schema:
    example: Mapping[str, object] = {
        "statusCode": status,
        "error": HTTPStatus(status).phrase,
        "errorCode": codes[0],
        "message": "one sentence",
        "requestId": "5b0e6f0a-5d0e-4a53-9b7f-0f4d1c1f3a11",
    }
    schema = {"allOf": [ref("Error"), {"properties": {"errorCode": {"enum": codes}}}]}
    return {
        "description": ", ".join(codes),
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
        "content": {"application/json": {"schema": schema, "example": example}},
    }
