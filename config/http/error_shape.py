"""The last line: whatever leaves as an error leaves in the one shape."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.http.denials import note_denial
from config.http.errors import fault_of
from config.http.fault import fault_of_status
from config.http.middleware import AsyncCapableMiddleware
from config.http.refused_page import refused_page

_OF_THE_OLD_BODY = frozenset({"content-type", "content-length", "content-encoding"})


class ErrorShapeMiddleware(AsyncCapableMiddleware):
    """Turns foreseen exceptions of plain views, and error pages of any origin, into JSON errors."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The error a plain view raised; None leaves what nobody foresaw to handler500, which logs it."""
        fault = fault_of(exception)
        if fault is None:
            return None
        note_denial(request, fault)
        return refused_page(request, exception) or fault.response()

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """An error with a body of another kind gets ours; its headers, such as Allow, and its cookies stay.

        A page that tells people what is wrong (`is_for_people`) stays as it is.
        """
        if response.status_code < 400 or response.streaming or _is_json(response) or _is_for_people(response):
            return response
        shaped = fault_of_status(response.status_code).response()
        for name, value in response.items():
            if name.lower() not in _OF_THE_OLD_BODY:
                shaped[name] = value
        shaped.cookies = response.cookies
        return shaped


def _is_for_people(response: HttpResponseBase) -> bool:
    return getattr(response, "is_for_people", False)


def _is_json(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
