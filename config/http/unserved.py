"""Refusals from outside of the middlewares carry what these would have added: who may read them, who may keep them."""

from django.http import HttpResponse

from config.http.cors import permit
from config.http.fault import Fault
from config.http.request_id import HEADER
from config.http.security_headers import protect
from runs.log_context import log_context

_HEADERS = {"Connection": "close", "Cache-Control": "no-store"}


def refusal(fault: Fault, *, request_id: str, origin: str) -> HttpResponse:
    """The answer to a request that never came as far as Django; with it the connection ends."""
    with log_context(request_id=request_id):
        response = fault.response()
    for name, value in {**_HEADERS, HEADER: request_id, "Content-Length": str(len(response.content))}.items():
        response[name] = value
    permit(response, origin)
    return protect(response)
