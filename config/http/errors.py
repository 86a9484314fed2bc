"""From exceptions to answers: the one place that knows which error is which HTTP answer.

What nobody foresaw is logged under the request's id and shown as INTERNAL_ERROR without a word about its cause.
"""

import logging
import math
import sys
from collections.abc import Mapping

import psycopg
from django.conf import settings
from django.core import exceptions as django_errors
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404
from rest_framework import exceptions as framework_errors
from rest_framework.request import Request
from rest_framework.response import Response

from config.http.authentication import BAD_CSRF_TOKEN
from config.http.denials import note_denial
from config.http.fault import STATUS_OF, UNEXPECTED, Fault, code_of
from runs.errors import ControlPlaneError, RuntimeFault

logger = logging.getLogger(__name__)

MISSING_CREDENTIAL = "Missing Authorization header"
DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
OUT_OF_TIME = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)
DATABASE_NOT_REACHED = Fault("SERVICE_UNAVAILABLE", "the database cannot be reached", headers={"Retry-After": "1"})
DATABASE_TOO_SLOW = Fault(
    "SERVICE_UNAVAILABLE",
    "the database did not answer in time",
    details={"reason": "timeout"},
    headers={"Retry-After": "1"},
)


def fault_of(error: BaseException) -> Fault | None:
    """What a client is told of `error`; None if nobody foresaw it."""
    match error:
        case ControlPlaneError():
            return _of_control_plane(error)
        case framework_errors.APIException():
            return _of_framework(error)
        case Http404() | django_errors.PermissionDenied() | django_errors.SuspiciousOperation():
            return _of_django(error)
        case django_errors.BadRequest() | MultiPartParserError() | UnreadablePostError():
            return Fault("VALIDATION_ERROR", "the request cannot be read")
        case _ if isinstance(error, DATABASE_AWAY):
            logger.warning("the database did not serve a request: %s", error)
            slow = isinstance(error, OUT_OF_TIME) or isinstance(error.__cause__, OUT_OF_TIME)
            return DATABASE_TOO_SLOW if slow else DATABASE_NOT_REACHED
    return None


def exception_handler(error: Exception, context: Mapping[str, object]) -> Response:
    """The answer of every REST framework view to every exception."""
    fault = fault_of(error)
    if fault is None:
        logger.error("unexpected %s", type(error).__name__, exc_info=error)
        fault = UNEXPECTED
    if isinstance(request := context.get("request"), Request):
        note_denial(request, fault)
    return Response(fault.body(), status=fault.status or STATUS_OF[fault.code], headers=dict(fault.headers))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    return (fault_of(exception) or Fault("VALIDATION_ERROR", "the request is not valid")).response()


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return (fault_of(exception) or Fault("FORBIDDEN", "this is not allowed")).response()


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return (fault_of(exception) or Fault("NOT_FOUND", "there is no such route")).response()


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: the database is away, or nobody foresaw this; Django logs the exception after us."""
    error = sys.exc_info()[1]
    return ((fault_of(error) if error else None) or UNEXPECTED).response()


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW."""
    return Fault("FORBIDDEN", BAD_CSRF_TOKEN, {"reason": "csrf"}).response()


def _of_control_plane(error: ControlPlaneError) -> Fault | None:
    if STATUS_OF.get(error.code, 500) == 500:
        return None
    details = dict(error.details)
    if isinstance(error, RuntimeFault) and error.runtime_code:
        details.setdefault("runtimeCode", error.runtime_code)
    return Fault(error.code, error.message, details, _headers_of(error.code) | _wait_in(details))


def _wait_in(details: Mapping[str, object]) -> dict[str, str]:
    """How long to wait, where whoever refused knows it: the body and the header say the same."""
    match details.get("retryAfterMs"):
        case int(milliseconds):
            return {"Retry-After": _seconds(milliseconds)}
    return {}


def _headers_of(code: str) -> dict[str, str]:
    match code:
        case "UNAUTHENTICATED":
            return {"WWW-Authenticate": "Bearer"}
        case "RATE_LIMITED":
            return {"Retry-After": _seconds(settings.THROTTLE_TTL_MS)}
        case "CIRCUIT_BREAKER_OPEN":
            return {"Retry-After": _seconds(settings.RUNTIME_CIRCUIT_BREAKER_RESET_MS)}
    return {}


def _seconds(milliseconds: int) -> str:
    return str(max(1, math.ceil(milliseconds / 1000)))


def _of_framework(error: framework_errors.APIException) -> Fault:
    match error:
        case framework_errors.ValidationError():
            return _of_invalid(error.detail)
        case framework_errors.ParseError():
            return Fault("MALFORMED_JSON", str(error.detail))
        case framework_errors.NotAuthenticated():
            return Fault("UNAUTHENTICATED", MISSING_CREDENTIAL, headers=_headers_of("UNAUTHENTICATED"))
        case framework_errors.Throttled():
            wait = getattr(error, "wait", None)  # seconds; its type stubs do not know it
            headers = {"Retry-After": str(math.ceil(wait))} if wait else _headers_of("RATE_LIMITED")
            return Fault("RATE_LIMITED", "Too many requests.", headers=headers)
        case framework_errors.UnsupportedMediaType():
            return Fault("UNSUPPORTED_MEDIA_TYPE", "the body must be declared as application/json")
    code = code_of(error.status_code)
    return Fault(code, str(error.detail), headers=_headers_of(code))


def _of_invalid(detail: object) -> Fault:
    errors = [{"path": path, "message": message} for path, message in _flat(detail, "")]
    first = errors[0] if errors else {"path": "", "message": "the request is not valid"}
    sentence = f"{first['path']}: {first['message']}" if first["path"] else first["message"]
    return Fault("VALIDATION_ERROR", sentence, {"errors": errors})


def _flat(detail: object, path: str) -> list[tuple[str, str]]:
    """A serializer's nested faults as pairs of path and message."""
    if isinstance(detail, Mapping):
        steps = [(_step(path, str(key)), child) for key, child in detail.items()]
        return [fault for step, child in steps for fault in _flat(child, step)]
    if not isinstance(detail, list | tuple):
        return [(path, str(detail))]
    # A list is either the messages of one field or one entry per element, empty where an element is fine.
    elements = any(isinstance(child, Mapping | list) for child in detail)
    steps = [(f"{path}[{index}]" if elements else path, child) for index, child in enumerate(detail)]
    return [fault for step, child in steps for fault in _flat(child, step)]


def _step(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else key


def _of_django(error: Exception) -> Fault:
    match error:
        case Resolver404():
            return Fault("NOT_FOUND", "there is no such route")
        case Http404():
            return Fault("NOT_FOUND", str(error) or "not found")
        case django_errors.PermissionDenied():
            return Fault("FORBIDDEN", str(error) or "this is not allowed")
        case django_errors.RequestDataTooBig():
            return Fault("PAYLOAD_TOO_LARGE", f"the body may have {settings.MAX_BODY_BYTES} bytes")
        case django_errors.DisallowedHost():
            return Fault("VALIDATION_ERROR", "the Host header names no host of this service")
    return Fault("VALIDATION_ERROR", "the request is not acceptable")
