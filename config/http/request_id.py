"""One id per request: the caller's, if it is sane, else ours; on every response, in every error and log line."""

import re
from contextlib import AbstractContextManager
from uuid import uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.http.middleware import AsyncCapableMiddleware
from runs.log_context import current_request_id, log_context

HEADER = "X-Request-Id"

_SANE = re.compile(r"[!-~]{1,128}")  # visible ASCII: it is echoed into headers and log lines


def request_id_from(given: str | None) -> str:
    """`given`, if it has 1 to 128 visible characters, else a new UUID."""
    return given if given and _SANE.fullmatch(given) else str(uuid4())


class RequestIdMiddleware(AsyncCapableMiddleware):
    """The outermost middleware: everything inside knows the request's id."""

    def around(self, request: HttpRequest) -> AbstractContextManager[None]:
        """Log lines name the request."""
        return log_context(request_id=request_id_from(request.headers.get(HEADER)))

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response carries the id."""
        response[HEADER] = current_request_id()
        return response
