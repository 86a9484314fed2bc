"""The handshake of a WebSocket as an HTTP request, so that one piece of code may judge both."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse

from runs.errors import FieldFault, ValidationFailed

_HTTP_SCHEME = {"ws": "http", "wss": "https"}


def request_of(scope: Mapping[str, Any]) -> HttpRequest:
    """The request that opened a WebSocket, with session and user; these are read when somebody asks for them.

    Raises ValidationFailed where HTTP would answer 400: for a Host that is not ours or an address that cannot be read.
    """
    http = {**scope, "method": "GET", "scheme": _HTTP_SCHEME[scope.get("scheme", "ws")]}
    request = ASGIRequest(http, BytesIO())
    try:
        request.get_host()
        request.GET  # noqa: B018 - it is read now
    except SuspiciousOperation as error:
        raise ValidationFailed([FieldFault("request", "must name this service and be readable")]) from error
    SessionMiddleware(_nothing).process_request(request)
    AuthenticationMiddleware(_nothing).process_request(request)
    return request


def _nothing(request: HttpRequest) -> HttpResponse:
    """Stands where a chain of middlewares goes on."""
    return HttpResponse()
