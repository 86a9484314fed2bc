"""How many requests there are and how long their answers take to begin, by the template of their path."""

import time

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.http.middleware import AsyncCapableMiddleware
from config.http.routes import method_of, template_of
from runs.metrics import HTTP_REQUESTS, HTTP_SECONDS

_BEGAN = "signalbox_began"


class MeteredMiddleware(AsyncCapableMiddleware):
    """Counts every request that is answered, refused ones and paths that lead nowhere included."""

    def before(self, request: HttpRequest) -> None:
        """The time of the request begins."""
        setattr(request, _BEGAN, time.perf_counter())

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer is about to begin: that of a stream, too, however long the stream then is."""
        labels = method_of(request), template_of(request), str(response.status_code)
        HTTP_SECONDS.observe(time.perf_counter() - getattr(request, _BEGAN), *labels)
        HTTP_REQUESTS.add(*labels)
        return response
