"""The real routes, and some that fail in every way a route can fail."""

import asyncio
import threading
from collections.abc import AsyncIterator

import orjson
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import get_script_prefix, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import handler400, handler403, handler404, handler500, urlpatterns
from runs.errors import CursorAhead, RunNotFound

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class Echo(APIView):
    """Says who asked and what came."""

    scopes = {"GET": "runs:read", "POST": "runs:write"}

    def get(self, request: Request) -> Response:
        return Response({"id": request.user.id, "name": request.user.name, "stored": orjson.Fragment(b'{"b":1.0}')})

    def post(self, request: Request) -> Response:
        return Response({"got": request.data}, status=201)


class Failing(APIView):
    """Raises what the route says."""

    scope = "runs:read"
    error: type[Exception] = RuntimeError

    def get(self, request: Request) -> Response:
        raise self.error("canary: internal words")


class Unscoped(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


class Special(APIView):
    scope = "admin:write"

    def get(self, request: Request) -> Response:
        return Response({})


def plain(request: HttpRequest, kind: str) -> HttpResponse:
    match kind:
        case "run":
            raise RunNotFound
        case "database":
            raise OperationalError("canary: internal words")
        case "missing":
            raise Http404
        case "forbidden":
            raise PermissionDenied
        case "method":
            return HttpResponseNotAllowed(["GET"])
        case "cookie":
            answer = HttpResponse("<h1>Conflict</h1>", status=409)
            answer.set_cookie("seen", "1")
            return answer
    raise RuntimeError("canary: internal words")


async def plain_async(request: HttpRequest) -> HttpResponse:
    raise CursorAhead(details={"lastSeq": 7})


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def frames() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingHttpResponse(frames(), content_type="text/event-stream")


@csrf_exempt
def size(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.META.get('CONTENT_LENGTH')} {len(request.body)}")


class Noting(HttpResponse):
    """Notes on which thread a middleware touches it."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        super().__init__()

    def __setitem__(self, name: str, value: str) -> None:
        self.threads.add(threading.current_thread().name)
        super().__setitem__(name, value)

    def close(self) -> None:
        closings.append(threading.current_thread().name)
        super().close()


closings: list[str] = []
answers: list[Noting] = []


def noting(request: HttpRequest) -> HttpResponse:
    """Its answer says on which threads it was handled, and where it is mounted."""
    answer = Noting()
    answer.content = f"{threading.current_thread().name} {get_script_prefix()}".encode()
    answers.append(answer)
    return answer


async def waiting(request: HttpRequest) -> HttpResponse:
    return HttpResponse(threading.current_thread().name)


def endless(request: HttpRequest) -> StreamingHttpResponse:
    """A synchronous view whose answer goes on until nobody listens."""

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more "
                await asyncio.sleep(0)
        finally:
            closings.append("chunks")

    return StreamingHttpResponse(chunks())


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


class Seen(APIView):
    """Says which of a person's belongings came with a call."""

    scope = "runs:read"

    def get(self, request: Request) -> Response:
        http = request._request
        return Response({name: hasattr(http, name) for name in ("session", "_messages")} | {"who": request.user.name})


def visit(request: HttpRequest) -> HttpResponse:
    """Counts the visits of a session and leaves a message for the next one."""
    visits = request.session.get("visits", 0) + 1
    request.session["visits"] = visits
    earlier = [str(message) for message in messages.get_messages(request)]
    messages.info(request, f"visit {visits}")
    return HttpResponse(f"{visits} {earlier}")


urlpatterns = [
    *urlpatterns,
    path("visit", visit),
    path("seen", Seen.as_view()),
    path("echo", Echo.as_view()),
    path("fail", Failing.as_view()),
    path("fail/database", Failing.as_view(error=OperationalError)),
    path("fail/missing", Failing.as_view(error=Http404)),
    path("unscoped", Unscoped.as_view()),
    path("special", Special.as_view()),
    path("plain/<kind>", plain),
    path("plain-async", plain_async),
    path("stream", stream),
    path("size", size),
    path("form", form),
    path("noting", noting),
    path("waiting", waiting),
    path("endless", endless),
]
