"""What our middlewares share: each works in a synchronous and in an asynchronous chain without changing threads."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Next = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class AsyncCapableMiddleware:
    """Calls `before`, the rest of the chain inside `around`, and `after`; none of the three may block."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The response of the chain, or an awaitable of it in an asynchronous chain."""
        if self.is_async:
            return self._async_call(request)
        # A type in quotes is not made anew for every request.
        with self.around(request):
            get_response = cast("Callable[[HttpRequest], HttpResponseBase]", self.get_response)
            return self.after(request, self.before(request) or get_response(request))

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        with self.around(request):
            get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
            return self.after(request, self.before(request) or await get_response(request))

    def around(self, request: HttpRequest) -> AbstractContextManager[None]:
        """What holds while the request is handled."""
        return nullcontext()

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """A response that makes the rest of the chain unnecessary, or None."""
        return None

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response to send instead of `response`, or itself."""
        return response
