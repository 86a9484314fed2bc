"""The last line: whatever leaves as an error leaves in the one shape, or as a page for who looks at staff pages."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from config.http.denials import note_denial
from config.http.errors import fault_of
from config.http.fault import as_it_was, fault_of_status
from config.http.fault_page import fault_page, is_for_people
from config.http.middleware import AsyncCapableMiddleware
from config.http.refused_page import refused_page


class ErrorShapeMiddleware(AsyncCapableMiddleware):
    """Turns foreseen exceptions of plain views, and errors of any origin, into JSON errors, or into our pages."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The error a plain view raised; None leaves what nobody foresaw to handler500, which logs it."""
        fault = fault_of(exception)
        if fault is None:
            return None
        note_denial(request, fault)
        return refused_page(request, exception) or fault.response()

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """An error with a body of another kind gets ours; its headers, such as Allow, and its cookies stay."""
        # A page that a view made of it itself stays.
        if response.status_code < 400 or response.streaming or isinstance(response, SimpleTemplateResponse):
            return response
        if is_for_people(request):
            return fault_page(request, response)
        if _is_json(response):
            return response
        shaped = fault_of_status(response.status_code).response()
        return as_it_was(response, shaped)


def _is_json(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
