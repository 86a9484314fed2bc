"""An error as a page: what a person sees who looks at the staff pages when something is wrong.

It asks nothing of the database, which may be what is wrong, and stands on its own, without the frame of the staff pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from config.http.fault import as_it_was, fault_of_status

STAFF_PAGES = "/admin/"


@dataclass(frozen=True, slots=True)
class Plain:
    """What has happened, and what can be done about it."""

    title: str
    advice: str


_NOT_FOUND = Plain("There is nothing here", "It may have been deleted, or the address is not right.")
_FORBIDDEN = Plain("You may not do this", "Ask an administrator to add you to a group that may.")
_OLD_FORM = Plain(
    "This form is out of date", "Go back, load the page again, and send it once more. Nothing was changed."
)
_AWAY = Plain(
    "The database cannot be reached",
    "Nothing is lost: runs go on from where they stood as soon as it is back. Is PostgreSQL running, and is DATABASE_URL"
    " right? The log says why it did not answer.",
)
_SLOW = Plain(
    "The database did not answer in time",
    "It has too much to do, or a lock is held for too long. A narrower filter asks less of it.",
)
_BUSY = Plain("Too many questions at once", "Wait a moment before you try again.")
_DEFECT = Plain("Something went wrong", "This is a defect of Signalbox; the log has the details under the id below.")
_REFUSED = Plain("This cannot be answered", "The address or the form is not right.")


def is_for_people(request: HttpRequest) -> bool:
    """True for a page that a browser opens; scripts of our pages, and callers of the API, ask for something else."""
    return request.path_info.startswith(STAFF_PAGES) and "text/html" in request.headers.get("Accept", "")


def fault_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The page of an error."""
    body = _body(response)
    plain = _plain(response.status_code, body)
    # What a form has sent is not sent again unasked.
    watches = plain is _AWAY and request.method == "GET"
    shown = {"plain": plain, "fault": body, "is_temporary": response.status_code in (429, 503), "watches": watches}
    page = HttpResponse(render_to_string("console/fault.html", shown), status=response.status_code)
    return as_it_was(response, page)


def _plain(status: int, body: Mapping[str, object]) -> Plain:
    details = body.get("details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    match status, reason:
        case 404, _:
            return _NOT_FOUND
        case 403, "csrf":
            return _OLD_FORM
        case ((401 | 403), _):
            return _FORBIDDEN
        case 429, _:
            return _BUSY
        case 503, "timeout":
            return _SLOW
        case 503, _:
            return _AWAY
    return _DEFECT if status >= 500 else _REFUSED


def _body(response: HttpResponseBase) -> Mapping[str, object]:
    """The JSON object of the error, as the API would send it."""
    if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("application/json"):
        body: Mapping[str, object] = orjson.loads(response.content)
        return body
    return fault_of_status(response.status_code).body()
