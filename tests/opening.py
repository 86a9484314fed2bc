"""How somebody opens a stream: the request of an SSE stream, or the handshake of a WebSocket."""

from io import BytesIO
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from runs.streaming.handshake import request_of

Headers = dict[str, str]


def logged_in(name: str = "bob", *, is_staff: bool = True) -> Client:
    """The browser of a user with a session, who may see runs."""
    user = User.objects.create_user(name, is_staff=is_staff)
    user.user_permissions.add(Permission.objects.get(codename="view_run"))
    browser = Client()
    browser.force_login(user)
    return browser


def cookie_of(browser: Client) -> str:
    """What the browser sends along."""
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def sse_request(query: dict[str, str], headers: Headers) -> HttpRequest:
    """As the middlewares hand it to the view."""
    request = ASGIRequest(
        {**_scope(query, headers), "type": "http", "method": "GET", "path": "/runs/x/stream"}, BytesIO()
    )
    SessionMiddleware(_nothing).process_request(request)
    AuthenticationMiddleware(_nothing).process_request(request)
    return request


def websocket_request(query: dict[str, str], headers: Headers) -> HttpRequest:
    """As `request_of` makes it of a scope."""
    return request_of({**_scope(query, headers), "type": "websocket", "scheme": "ws", "path": "/ws/runs/x"})


def _scope(query: dict[str, str], headers: Headers) -> dict[str, object]:
    named = {"host": "testserver", **{name.lower(): value for name, value in headers.items()}}
    return {
        "query_string": urlencode(query).encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 5000),
    }


def _nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
