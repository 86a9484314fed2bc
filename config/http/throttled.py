"""Every request counts for its caller and route, once, before it is served; every answer says how many are left.

Who shows a ticket is known only once it is used up, so streams count themselves when they know (`count_stream`, found by
`runs` through STREAM_THROTTLE). What nobody has counted by then, a path that leads nowhere or a ticket that is no good, is
counted under the address it came from when its answer leaves.
"""

from collections.abc import Awaitable, Callable
from typing import cast

from django.conf import settings
from django.db import Error as DatabaseFault
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from config.http.authentication import HEADER, principal_by_key, staff_principal
from config.http.fault import Fault
from config.http.keys import remembered_principal
from config.http.middleware import AsyncCapableMiddleware, Next
from config.http.principal import Principal
from config.http.routes import route_of
from config.http.throttling import Allowance, Key, throttle
from runs import bridge
from runs.errors import RateLimited, Unauthenticated

EXEMPT = frozenset({"healthz", "readyz", "metrics"})
REFUSED = "Too many requests."

_COUNTED = "signalbox_allowance"

View = Callable[..., HttpResponseBase]


class ThrottleMiddleware(AsyncCapableMiddleware):
    """Refuses with 429 whoever has no request left; works in the event loop unless rows are needed."""

    def __init__(self, get_response: Next) -> None:
        super().__init__(get_response)
        if self.is_async:
            self.process_view = self._process_view  # type: ignore[method-assign,assignment]

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponseBase | None:
        """The refusal, if there is one; also where the request is counted."""
        if not _is_counted_here(request, view):
            return None
        return _refusal(_keep(request, throttle.take(_key(request, _look_up(request)))))

    async def _process_view(
        self, request: HttpRequest, view: View, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponseBase | None:
        if not _is_counted_here(request, view):
            return None
        header = request.META.get(HEADER)
        principal = remembered_principal(header) if header is not None else None
        if principal is None and _may_be_known(request):
            principal = await bridge.rows(_look_up, request)
        return _refusal(_keep(request, await _take(_key(request, principal))))

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The answer, with what its caller may know of the limit."""
        if self.is_async:
            return self._answer(request)
        response = cast("Callable[[HttpRequest], HttpResponseBase]", self.get_response)(request)
        if _is_uncounted(request):
            _keep(request, throttle.take(_key(request, None)))
        return _told(request, response)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = await cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", self.get_response)(request)
        if _is_uncounted(request):
            _keep(request, await _take(_key(request, None)))
        return _told(request, response)


def count_stream(request: HttpRequest, principal: Principal | None) -> None:
    """STREAM_THROTTLE: the opening of a stream counts for whoever opens it, or for their address if they are nobody.

    What a middleware has counted is not counted again. Raises RateLimited. Touches rows.
    """
    if settings.THROTTLE_LIMIT and _allowance(request) is None:
        allowance = _keep(request, throttle.take(_key(request, principal)))
        if not allowance.is_admitted:
            raise RateLimited(REFUSED)


def _is_counted_here(request: HttpRequest, view: View) -> bool:
    # By its view, not by a parameter that anybody may add to any route.
    leaves_it_to_view = getattr(view, "counts_itself", False) and HEADER not in request.META
    return _is_uncounted(request) and not leaves_it_to_view


def _is_uncounted(request: HttpRequest) -> bool:
    if not settings.THROTTLE_LIMIT or _allowance(request) is not None:
        return False
    match = request.resolver_match
    return match is None or match.route not in EXEMPT


def _may_be_known(request: HttpRequest) -> bool:
    return HEADER in request.META or settings.SESSION_COOKIE_NAME in request.COOKIES


def _look_up(request: HttpRequest) -> Principal | None:
    """Whoever calls, None for a stranger: one with a wrong key is looked up again by the view, which says so."""
    try:
        return principal_by_key(request) if HEADER in request.META else staff_principal(request)
    except (Unauthenticated, DatabaseFault):
        return None


def _key(request: HttpRequest, principal: Principal | None) -> Key:
    caller = principal.id if principal is not None else f"address:{request.META.get('REMOTE_ADDR', '')}"
    return Key(caller[:255], route_of(request)[:255])


async def _take(key: Key) -> Allowance:
    held = throttle.take_held(key)
    return held if held is not None else await bridge.rows(throttle.take, key)


def _allowance(request: HttpRequest) -> Allowance | None:
    return cast("Allowance | None", getattr(request, _COUNTED, None))


def _keep(request: HttpRequest, allowance: Allowance) -> Allowance:
    setattr(request, _COUNTED, allowance)
    return allowance


def _refusal(allowance: Allowance) -> HttpResponse | None:
    return None if allowance.is_admitted else Fault("RATE_LIMITED", REFUSED).response()


def _told(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    allowance = _allowance(request)
    if allowance is None:
        return response
    # Refused only now: whoever was nobody, on a path that leads nowhere or with a ticket that is no good.
    told = response if allowance.is_admitted or response.status_code == 429 else _refusal(allowance)
    assert told is not None, "either it is admitted or there is a refusal"
    for name, value in allowance.headers.items():
        told[name] = value
    return told
