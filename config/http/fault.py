"""A fault: an error in the shape in which HTTP shows it, one JSON object for every error on every route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from config.http.json_text import to_json
from runs.log_context import current_request_id

# The closed list; clients may switch on it.
STATUS_OF: dict[str, int] = {
    "VALIDATION_ERROR": 400,
    "MALFORMED_JSON": 400,
    "INVALID_SESSION_ID": 400,
    "INVALID_POLICY_DEFINITION": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RUN_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "INVALID_STATE_TRANSITION": 409,
    "IDEMPOTENCY_KEY_REUSED": 409,
    "SESSION_ALREADY_EXISTS": 409,
    "CURSOR_AHEAD": 409,
    "CONFLICT": 409,
    "ENDPOINT_REMOVED": 410,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "RATE_LIMITED": 429,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "RUNTIME_REJECTED": 502,
    "CALLBACK_FAILED": 502,
    "RUNTIME_UNAVAILABLE": 503,
    "CIRCUIT_BREAKER_OPEN": 503,
    "SERVICE_UNAVAILABLE": 503,
    "RUNTIME_TIMEOUT": 504,
}

# For answers that name no code of ours: the framework's own.
CODE_OF: dict[int, str] = {
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "SERVICE_UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error on its way out: a code of the closed list, one sentence, and what the client may use."""

    code: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0  # 0: the status of the code

    def body(self) -> dict[str, object]:
        """The JSON object of the contract, with the id of the request at hand."""
        status = self.status or STATUS_OF[self.code]
        body: dict[str, object] = {"statusCode": status, "error": reason_of(status), "errorCode": self.code}
        body["message"] = self.message
        if self.details:
            body["details"] = dict(self.details)
        return body | {"requestId": current_request_id()}

    def response(self) -> HttpResponse:
        """The error as a plain Django response."""
        body = self.body()
        return HttpResponse(
            to_json(body),
            status=self.status or STATUS_OF[self.code],
            content_type="application/json",
            headers=self.headers,
        )


UNEXPECTED = Fault("INTERNAL_ERROR", "Something went wrong; the request id finds it in the log.")


def reason_of(status: int) -> str:
    """The standard phrase of a status, as of RFC 7231 where newer ones differ between Python versions."""
    if status == 413:
        return "Payload Too Large"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def code_of(status: int) -> str:
    """The code of an answer that brings none of its own."""
    return CODE_OF.get(status) or ("VALIDATION_ERROR" if status < 500 else "INTERNAL_ERROR")


def fault_of_status(status: int) -> Fault:
    """The best that can be said of a status alone."""
    return Fault(code_of(status), reason_of(status).lower(), status=status)


_OF_THE_OLD_BODY = frozenset({"content-type", "content-length", "content-encoding"})


def as_it_was(old: HttpResponseBase, new: HttpResponse) -> HttpResponse:
    """The new answer with the headers of the old one, such as Allow, and its cookies."""
    for name, value in old.items():
        if name.lower() not in _OF_THE_OLD_BODY:
            new[name] = value
    new.cookies = old.cookies
    return new
