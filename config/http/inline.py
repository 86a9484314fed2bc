"""Django's own middlewares without their thread hops.

In an asynchronous chain Django sends every `process_request` and `process_response` through a thread, two hops for each
of its middlewares, which costs more than the whole rest of a read. Almost always they only look at headers and
cookies; only a session or a message that has to be stored touches the database, and only then a thread is needed.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from config.http.authentication import shows_key

View = Callable[..., HttpResponseBase]

if TYPE_CHECKING:
    Mixin = MiddlewareMixin
else:
    Mixin = object


class Inline(Mixin):
    """Comes before a middleware of Django and runs its two halves where they are called."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """The response of the chain; a thread is used only to store something."""
        before = getattr(self, "process_request", None)
        after = getattr(self, "process_response", None)
        get_response = cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)
        response: HttpResponseBase = (before(request) if before else None) or await get_response(request)
        if after is None:
            return response
        if self.has_to_store(request):
            response = await sync_to_async(after, thread_sensitive=True)(request, response)
        else:
            response = after(request, response)
        return response

    def has_to_store(self, request: HttpRequest) -> bool:
        """True if the second half will touch the database."""
        return False


class ForPeople(Inline):
    """What is left out of a call with a key: nobody looks at its cookies, and it has no session, messages or forms."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The response of the chain alone, where the view looks at the key that is shown."""
        if shows_key(request):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(ForPeople, SessionMiddleware):
    """The session, loaded when somebody asks for it."""

    def has_to_store(self, request: HttpRequest) -> bool:
        """A changed session is saved."""
        return request.session.modified


class Common(Inline, CommonMiddleware):
    """Host check and length."""


class Csrf(ForPeople, CsrfViewMiddleware):
    """CSRF tokens of forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._process_view  # type: ignore[assignment,method-assign]

    async def _process_view(
        self, request: HttpRequest, view: View, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponseBase | None:
        return super().process_view(request, view, args, kwargs)


class Authentication(ForPeople, AuthenticationMiddleware):
    """The user, loaded when somebody asks for it."""


class Messages(ForPeople, MessageMiddleware):
    """Messages from one page to the next."""

    def has_to_store(self, request: HttpRequest) -> bool:
        """Messages that were shown or added are stored, perhaps in the session."""
        storage = getattr(request, "_messages", None)
        return storage is not None and (storage.used or storage.added_new)
