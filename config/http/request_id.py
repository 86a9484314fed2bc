"""One id per request: the caller's, if it is sane, else ours; on every response, in every error and log line."""

import re
from contextlib import AbstractContextManager
from typing import cast
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.log import log_response

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
        return log_context(request_id=request_id_from(request.META.get("HTTP_X_REQUEST_ID")))

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response carries the id, and what is logged of an error does."""
        response[HEADER] = current_request_id()
        if response.status_code >= 400:
            # As Django itself does, once nobody knows the id any more; what was logged here it does not log again.
            shown = cast(HttpResponse, response)
            log_response("%s: %s", response.reason_phrase, request.path, response=shown, request=request)
        return response
