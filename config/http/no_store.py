"""Answers are nobody's to keep: they hold what only their caller may see."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.http.middleware import AsyncCapableMiddleware


class NoStoreMiddleware(AsyncCapableMiddleware):
    """No cache keeps an answer that does not say itself how long it may be kept."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The same response; browsers would guess how long it is good."""
        response.headers.setdefault("Cache-Control", "no-store")
        return response
