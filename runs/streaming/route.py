"""Streams are plain views, outside the REST framework; they say all the same what their callers need."""

from collections.abc import Callable, Coroutine
from typing import Any

from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from runs.streaming.admission import SCOPE

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def stream_route(view: View) -> View:
    """The view answers GET alone and names its scope; that its caller has it, it leaves to `admit`, and so it does the
    count of the request where that is known only then.
    """
    # It changes nothing; without the exemption another method is told of a token, not of GET.
    route = csrf_exempt(require_GET(view))
    route.scopes = {"GET": SCOPE}  # type: ignore[attr-defined]
    route.counts_itself = True  # type: ignore[attr-defined]
    return route
